/** The commands for deployments: up, watch, down, status, list, doctor, and the answers resume, skip, abort and pause. */

import { EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { Deployments } from '../../client/deployments';
import type { CheckResult } from '../../client/doctor';
import type { DownOptions, DownOutcome } from '../../client/down';
import type { DeploymentStatus } from '../../client/status';
import type { UpdateName } from '../../client/updates';
import type { Decision, Stage } from '../../deployment/messages';
import type { Context } from '../context';
import { follow } from '../follow';
import { readSpec } from '../read-spec';
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

export async function upCommand(context: Context, path: string, detach: boolean): Promise<ExitCode> {
  const spec = await readSpec(path);
  return withDeployments(context, async (deployments) => {
    const { started, status } = await deployments.up(spec);
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

const DOWN_MESSAGE: Readonly<Record<DownOutcome['did'], (name: string) => string>> = {
  nothing: (name) => `Nothing to remove: everything of ${name} is gone already.`,
  aborting: (name) => `The deployment ${name} was under way: it is aborted, and what it made is taken back.`,
  removing: (name) => `Removing what the deployment ${name} made.`,
  'under-way': (name) => `The deployment ${name} is being removed already.`,
};

export async function downCommand(context: Context, name: string, requested: DownOptions): Promise<ExitCode> {
  return withDeployments(context, async (deployments) => {
    const { did, status } = await deployments.down(name, requested);
    if (did === 'nothing') {
      context.show(status, () => DOWN_MESSAGE[did](name));
      return EXIT.done;
    }
    context.note(DOWN_MESSAGE[did](name));
    const last = await followDeployment(deployments, name, context);
    if (last?.stage !== 'aborted') return exitAfter(last);
    const more = requested.images === true || requested.volumes === true;
    if (!more || did !== 'aborting') return EXIT.done;
    await deployments.down(name, requested);
    return exitAfter(await followDeployment(deployments, name, context));
  });
}

export async function statusCommand(context: Context, name: string): Promise<ExitCode> {
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

const SEND: Readonly<
  Record<UpdateName, (deployments: Deployments, name: string, decision: Decision) => Promise<string>>
> = {
  resume: (deployments, name, decision) => deployments.resume(name, decision),
  skip: (deployments, name, { step }) => deployments.skip(name, step),
  abort: (deployments, name) => deployments.abort(name),
  pause: (deployments, name) => deployments.pause(name),
};

export async function updateCommand(
  context: Context,
  update: UpdateName,
  name: string,
  decision: Decision,
): Promise<ExitCode> {
  const answer = await withDeployments(context, (deployments) => SEND[update](deployments, name, decision));
  context.show({ name, answer }, () => `${answer}\nWatch it with: stackato-deploy watch ${name}`);
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
