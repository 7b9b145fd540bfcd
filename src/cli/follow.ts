/** Follows a deployment until it is over or needs a person. Ctrl-C only stops the following. */

import type { Stage } from '../deployment/messages';
import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import { Deployments } from '../client/deployments';
import type { Snapshot } from '../client/snapshot';
import { changes } from './render/log';
import { page } from './render/page';
import type { Context } from './context';
import { detaching } from './detaching';
import { viewOf } from './views';

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

export function exitOf({ stage }: Snapshot): ExitCode {
  return EXIT_OF[stage];
}

/** Connects, and hangs up whatever happens. */
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

/**
 * @param untilClosed goes on although a person is needed: the answer has just been given
 * @returns undefined where it was detached
 */
export async function follow(
  deployments: Deployments,
  name: string,
  context: Context,
  untilClosed = false,
): Promise<Snapshot | undefined> {
  const { signal, over } = detaching();
  const view = await viewOf<Snapshot>(context, { page, changes });
  let last: Snapshot | undefined;
  try {
    for await (const snapshot of deployments.watch(name, { signal })) {
      last = snapshot;
      view.show(snapshot);
      if (!untilClosed && exitOf(snapshot) === EXIT.attention) break;
    }
  } finally {
    view.end();
    over();
  }
  if (!signal.aborted) return last;
  context.note(`Detached; it goes on: stackato-deploy watch ${name}`);
  return undefined;
}
