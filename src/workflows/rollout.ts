/** In which order the nodes of a cluster are made. */

import { condition } from '@temporalio/workflow';
import type { NodeName } from '../deployment/facts';
import { together } from './together';

/** The nodes of a group. Only the new ones need a canary. */
export interface GroupToDo {
  readonly existing: readonly NodeName[];
  readonly fresh: readonly NodeName[];
}

/**
 * All groups at once; of the new nodes of a group first the canaries, and the others once these are ready.
 * @param deploy returns whether the node is ready
 * @param hold for the others of a group that has a canary which did not become ready
 */
export async function rollOut(
  groups: readonly GroupToDo[],
  canaries: number,
  deploy: (node: NodeName) => Promise<boolean>,
  hold: (node: NodeName) => void,
): Promise<void> {
  const all = async (nodes: readonly NodeName[]): Promise<boolean> => {
    let ready = true;
    await together(
      ...nodes.map((node) => async () => {
        if (!(await deploy(node))) ready = false;
      }),
    );
    return ready;
  };
  const canariesFirst = async (nodes: readonly NodeName[]): Promise<void> => {
    if (await all(nodes.slice(0, canaries))) await all(nodes.slice(canaries));
    else nodes.slice(canaries).forEach(hold);
  };
  await together(
    ...groups.flatMap(({ existing, fresh }) => [
      async () => {
        await all(existing);
      },
      () => canariesFirst(fresh),
    ]),
  );
}

/** Lets one after the other in, in the order in which they came. */
export class Line {
  private tickets = 0;
  private served = 0;

  /** @param mayEnter whether the next one may come in now */
  async enter(mayEnter: () => boolean): Promise<void> {
    const ticket = this.tickets++;
    await condition(() => this.served === ticket && mayEnter());
    this.served += 1;
  }
}
