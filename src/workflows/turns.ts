/**
 * Turns to launch. On a cloud without instance tags an instance of the nodes' group does not tell which node it is. So nodes are launched
 * one at a time, and each launch is told which instances are other nodes: any other of the group may be adopted.
 */

import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  setHandler,
} from '@temporalio/workflow';
import { CORE } from '../deployment/facts';
import type { NodeFacts, NodeName } from '../deployment/facts';
import { SIGNAL } from '../deployment/messages';
import type { Turn, TurnEnd } from '../deployment/messages';
import { nodeWorkflowIdOf } from '../deployment/names';
import type { Progress } from './progress';
import type { StepBody } from './runner';
import type { ToDeployment } from './to-deployment';

const requestTurn = defineSignal<[NodeName]>(SIGNAL.requestTurn);
const endTurn = defineSignal<[TurnEnd]>(SIGNAL.endTurn);
const turnSignal = defineSignal<[Turn]>(SIGNAL.turn);

/** In the deployment: gives turns, in the order in which they are asked for. */
export class Turns {
  private readonly waiting: { readonly node: NodeName; readonly proceed: (mine: boolean) => void }[] = [];
  private holder: NodeName | undefined;

  constructor(
    private readonly progress: Progress,
    isOpen: (node: NodeName) => boolean,
  ) {
    setHandler(requestTurn, (node) => {
      // A cancelled deployment must go on until its nodes have ended.
      if (isOpen(node)) void CancellationScope.nonCancellable(() => this.send(node));
    });
    setHandler(endTurn, ({ node, facts }) => {
      if (!isOpen(node)) return;
      progress.nodeFacts(node, facts);
      this.end(node);
    });
  }

  /** @returns undefined if the node has ended before it was its turn */
  async take(node: NodeName): Promise<Turn | undefined> {
    const mine = new Promise<boolean>((proceed) => this.waiting.push({ node, proceed }));
    this.next();
    const isMine = await Promise.race([mine, CancellationScope.current().cancelRequested]);
    return isMine ? { assigned: this.othersThan(node) } : undefined;
  }

  /** Call it also when the workflow of the node has ended, however it did. */
  end(node: NodeName): void {
    if (this.holder === node) this.holder = undefined;
    const place = this.waiting.findIndex((each) => each.node === node);
    if (place >= 0) this.waiting.splice(place, 1).forEach(({ proceed }) => proceed(false));
    this.next();
  }

  private next(): void {
    if (this.holder !== undefined) return;
    const next = this.waiting.shift();
    this.holder = next?.node;
    next?.proceed(true);
  }

  private async send(node: NodeName): Promise<void> {
    const turn = await this.take(node);
    if (turn === undefined) return;
    try {
      await getExternalWorkflowHandle(nodeWorkflowIdOf(this.progress.view.name, node)).signal(turnSignal, turn);
    } catch {
      // It has ended.
      this.end(node);
    }
  }

  private othersThan(node: NodeName): readonly string[] {
    return Object.entries(this.progress.view.facts.nodes).flatMap(([other, { instance }]) =>
      other === node || other === CORE || instance === undefined ? [] : [instance.id],
    );
  }
}

/**
 * In the workflow of a node: the body of the step `launch`.
 * @param first the turn that it was started with
 */
export function launchInTurn(
  node: NodeName,
  first: Turn | undefined,
  deployment: ToDeployment,
  facts: () => NodeFacts,
): StepBody {
  let turn = first;
  setHandler(turnSignal, (given) => {
    turn = given;
  });
  return async ({ call }) => {
    if (turn === undefined) deployment.tell(SIGNAL.requestTurn, node);
    await condition(() => turn !== undefined);
    let launched = false;
    try {
      ({ changed: launched } = await call('launchInstance', { assigned: turn?.assigned ?? [] }));
    } finally {
      turn = undefined;
      deployment.tell(SIGNAL.endTurn, { node, facts: facts() });
    }
    const running = await call('awaitRunning');
    return { ...running, changed: launched || running.changed };
  };
}
