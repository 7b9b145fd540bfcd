/** The commands for deployments: up, watch, down, status, list, doctor, and the answers resume, skip, abort and pause. */

import { EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { Deployments } from '../../client/deployments';
import type { CheckResult } from '../../client/doctor';
import type { DownOptions, DownOutcome } from '../../client/down';
import type { DeploymentStatus } from '../../client/status';
import type { NodeStatusStage } from '../../client/nodes';
import type { Answer, UpdateName } from '../../client/updates';
import { CORE } from '../../deployment/facts';
import type { NodeName } from '../../deployment/facts';
import type { Stage } from '../../deployment/messages';
import type { Context } from '../context';
import { follow } from '../follow';
import { readSpec } from '../read-spec';
import { nodePage } from '../render/node-page';
import { statusChanges } from '../render/status-log';
import { statusPage } from '../render/status-page';
import { checkLine, checkSummary, listTable } from '../render/tables';

const EXIT_OF: Readonly<Record<Stage, ExitCode>> = {
  deploying: EXIT.done,
  undoing: EXIT.done,
  ready: EXIT.done,
  removed: EXIT.done,
  paused: EXIT.attention,
  'needs-attention': EXIT.attention,
  aborted: EXIT.failed,
  failed: EXIT.failed,
};

/** Connects, and closes the connection whatever happens. */
export async function withDeployments<T>(
  { profile }: Context,
  use: (deployments: Deployments) => Promise<T>,
): Promise<T> {
  const deployments = await Deployments.connect(profile === undefined ? {} : { profile });
  try {
    return await use(deployments);
  } finally {
    await deployments.close();
  }
}

export interface UpFlags {
  readonly detach?: boolean;
  readonly dataLoss?: readonly NodeName[];
}

export async function upCommand(
  context: Context,
  path: string,
  { detach = false, dataLoss = [] }: UpFlags,
): Promise<ExitCode> {
  const spec = await readSpec(path);
  return withDeployments(context, async (deployments) => {
    const { started, status } = await deployments.up(spec, { dataLoss, path });
    context.note(
      started
        ? `Started the deployment ${spec.name}.`
        : `The deployment ${spec.name} is under way already, with the same spec.`,
    );
    if (!detach) return exitAfter(await followDeployment(deployments, spec.name, context, untilAttention));
    showStatus(context, status);
    return EXIT.done;
  });
}

export async function watchCommand(context: Context, name: string): Promise<ExitCode> {
  return withDeployments(context, async (deployments) =>
    exitAfter(await followDeployment(deployments, name, context, untilAttention)),
  );
}

const DOWN_MESSAGE: Readonly<Record<DownOutcome['did'], (name: string, machines: string) => string>> = {
  nothing: (name) => `Nothing to remove: everything of ${name} is gone already.`,
  aborting: (name, machines) =>
    `The deployment ${name} was under way: it is aborted, and what it made is taken back${machines}.`,
  removing: (name, machines) => `Removing what the deployment ${name} made${machines}.`,
  'under-way': (name) => `The deployment ${name} is being removed already.`,
};

function downMessage({ did, machines }: DownOutcome, name: string): string {
  return DOWN_MESSAGE[did](name, machines < 2 ? '' : `: ${machines} machines, and what belongs to them`);
}

export async function downCommand(context: Context, name: string, requested: DownOptions): Promise<ExitCode> {
  return withDeployments(context, async (deployments) => {
    const outcome = await deployments.down(name, requested);
    const { did, status } = outcome;
    if (did === 'nothing') {
      context.show(status, () => downMessage(outcome, name));
      return EXIT.done;
    }
    context.note(downMessage(outcome, name));
    const last = await followDeployment(deployments, name, context);
    if (last?.stage !== 'aborted') return exitAfter(last);
    const more = requested.images === true || requested.volumes === true;
    if (!more || did !== 'aborting') return EXIT.done;
    await deployments.down(name, requested);
    return exitAfter(await followDeployment(deployments, name, context));
  });
}

const EXIT_OF_NODE: Readonly<Record<NodeStatusStage, ExitCode>> = {
  waiting: EXIT.done,
  deploying: EXIT.done,
  removing: EXIT.done,
  undoing: EXIT.done,
  ready: EXIT.done,
  paused: EXIT.attention,
  'needs-attention': EXIT.attention,
  held: EXIT.failed,
  aborted: EXIT.failed,
  lost: EXIT.failed,
};

/** @param node absent, or the core: the deployment */
export async function statusCommand(context: Context, name: string, node?: NodeName): Promise<ExitCode> {
  if (node !== undefined && node !== CORE) {
    const details = await withDeployments(context, (deployments) => deployments.nodeStatus(name, node));
    const options = { now: Date.now(), paint: context.paint, width: context.width };
    context.show(details, () => nodePage(details, options));
    return EXIT_OF_NODE[details.stage];
  }
  const status = await withDeployments(context, (deployments) => deployments.status(name));
  showStatus(context, status);
  return EXIT_OF[status.stage];
}

export async function listCommand(context: Context): Promise<ExitCode> {
  const list = await withDeployments(context, (deployments) => deployments.list());
  context.show(list, () => listTable(list, context.paint));
  return EXIT.done;
}

export async function doctorCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  const report = (result: CheckResult): void => {
    if (!context.json) context.say(checkLine(result, context.paint));
  };
  const findings = await withDeployments(context, (deployments) => deployments.doctor(spec, report));
  const ok = findings.every((finding) => finding.ok);
  context.show({ ok, findings }, () => checkSummary(findings));
  return ok ? EXIT.done : EXIT.attention;
}

export async function updateCommand(
  context: Context,
  update: UpdateName,
  name: string,
  answer: Answer,
): Promise<ExitCode> {
  const reply = await withDeployments(context, (deployments) => deployments[update](name, answer));
  context.show({ name, answer: reply }, () => `${reply}\nWatch it with: stackato-deploy watch ${name}`);
  return EXIT.done;
}

function showStatus(context: Context, status: DeploymentStatus): void {
  context.show(status, () => statusPage(status, { now: Date.now(), paint: context.paint, width: context.width }));
}

function untilAttention({ stage }: DeploymentStatus): boolean {
  return EXIT_OF[stage] === EXIT.attention;
}

/** @returns undefined if it was detached */
async function followDeployment(
  deployments: Deployments,
  name: string,
  context: Context,
  until?: (status: DeploymentStatus) => boolean,
): Promise<DeploymentStatus | undefined> {
  const { last, detached } = await follow(
    context,
    (signal) => deployments.watch(name, { signal }),
    { page: statusPage, changes: statusChanges },
    until,
  );
  if (!detached) return last;
  context.note(`Detached; it goes on: stackato-deploy watch ${name}`);
  return undefined;
}

function exitAfter(last: DeploymentStatus | undefined): ExitCode {
  return last === undefined ? EXIT.detached : EXIT_OF[last.stage];
}
