/** In which order the nodes of a cluster are made. */

import { condition } from '@temporalio/workflow';
import type { NodeName } from '../deployment/facts';
import { together } from './together';

/**
 * All groups at once; of each group first the canaries, and the others once these are ready.
 * @param deploy returns whether the node is ready
 * @param hold for the others of a group that has a canary which did not become ready
 */
export async function rollOut(
  groups: readonly (readonly NodeName[])[],
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
  await together(
    ...groups.map((nodes) => async () => {
      if (await all(nodes.slice(0, canaries))) await all(nodes.slice(canaries));
      else nodes.slice(canaries).forEach(hold);
    }),
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
