/** The commands that begin something and follow it: up, watch, down. */

import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import type { DownOutcome } from '../client/take-down';
import { page } from './render/page';
import type { Context } from './context';
import { exitOf, follow, withDeployments } from './follow';
import { readSpec } from './spec-file';

export async function upCommand(context: Context, path: string, detach: boolean): Promise<ExitCode> {
  const spec = await readSpec(path);
  return withDeployments(context, async (deployments) => {
    const { started, snapshot } = await deployments.up(spec);
    context.note(
      started
        ? `Started the deployment ${spec.name}.`
        : `The deployment ${spec.name} is under way already, with the same spec.`,
    );
    if (!detach) return exitAfter(await follow(deployments, spec.name, context));
    context.show(snapshot, () => page(snapshot, { now: Date.now(), paint: context.paint, width: context.width }));
    return EXIT.done;
  });
}

export async function watchCommand(context: Context, name: string): Promise<ExitCode> {
  return withDeployments(context, async (deployments) => exitAfter(await follow(deployments, name, context)));
}

const DID: Readonly<Record<DownOutcome['did'], (name: string) => string>> = {
  nothing: (name) => `Nothing to remove: everything of ${name} is gone already.`,
  aborting: (name) => `The deployment ${name} was under way: it is aborted, and what it made taken back.`,
  removing: (name) => `Removing what the deployment ${name} made.`,
  'under-way': (name) => `The deployment ${name} is being taken back already.`,
};

export async function downCommand(context: Context, name: string, images: boolean): Promise<ExitCode> {
  return withDeployments(context, async (deployments) => {
    const { did, snapshot } = await deployments.down(name, { images });
    if (did === 'nothing') {
      context.show(snapshot, () => DID[did](name));
      return EXIT.done;
    }
    context.note(DID[did](name));
    const last = await follow(deployments, name, context, true);
    if (last?.stage !== 'aborted') return exitAfter(last);
    if (images && did === 'aborting') await deployments.down(name, { images });
    return images && did === 'aborting' ? exitAfter(await follow(deployments, name, context, true)) : EXIT.done;
  });
}

function exitAfter(last: Parameters<typeof exitOf>[0] | undefined): ExitCode {
  return last === undefined ? EXIT.detached : exitOf(last);
}
