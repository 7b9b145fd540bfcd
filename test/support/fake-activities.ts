/** Activities that only say they were called: for tests of the workflows' own logic. */

import { ApplicationFailure } from '@temporalio/common';
import type { ErrorCode } from '../../src/deployment/errors';
import { CORE } from '../../src/deployment/facts';
import type { Known, NodeName } from '../../src/deployment/facts';
import type { LostEffect } from '../../src/deployment/messages';
import { STEPS } from '../../src/deployment/steps';
import type { StepActivityName } from '../../src/deployment/steps';
import type { Activities, LookBackInput, StepActivity, StepInput, StepOutcome } from '../../src/deployment/activities';

const LEARNT: Partial<Record<StepActivityName, Partial<Known>>> = {
  preflight: { account: 'acct' },
  startPublishing: { publishing: 'run-1' },
  awaitImage: { image: { id: 'emi-1', kernelId: 'eki-1', ramdiskId: 'eri-1' } },
  ensureAddress: { address: { publicIp: '10.1.1.103', allocated: true } },
  ensureSecurityGroup: { group: { name: 'stackato-t' } },
  observeDns: { dns: { target: { type: 'A', value: '10.1.1.103', from: 'address' }, replaced: [] } },
  launchInstance: { instance: { id: 'i-1' } },
  pinHostKey: { hostKey: 'SHA256:abc' },
  ensureNodesGroup: { nodesGroup: { name: 'stackato-t-nodes' } },
  announceClaim: { claiming: true },
  readBootId: { reboot: { before: 'old' } },
  awaitReboot: { reboot: { before: 'old', after: 'new' } },
};

/** What differs between nodes. */
function learntBy(name: StepActivityName, node: NodeName): Partial<Known> {
  if (node !== CORE && name === 'launchInstance') return { instance: { id: `i-${node}`, privateIp: '10.0.0.9' } };
  if (name === 'announceAttach') return { attached: { ip: '10.0.0.9' } };
  return LEARNT[name] ?? {};
}

/** All of the table of steps, and what undoes them. */
const STEP_ACTIVITIES = [
  ...new Set(
    STEPS.flatMap(({ activities, undo }) => [
      ...Object.keys(activities),
      ...(undo === undefined ? [] : [undo.activity]),
    ]),
  ),
] as readonly StepActivityName[];

export interface Call {
  readonly name: StepActivityName;
  readonly input: StepInput;
}

export class FakeActivities {
  readonly calls: Call[] = [];
  /** What publishes an image; may be replaced. */
  image: Pick<Activities, 'checkImage' | 'uploadImage' | 'registerImage'> = {
    checkImage: () => Promise.resolve(),
    uploadImage: () => Promise.resolve({ sentBytes: 10, sentParts: 1, thereParts: 0, ours: true }),
    registerImage: ({ part }) =>
      Promise.resolve({ kernel: 'eki-00000001', ramdisk: 'eri-00000002', machine: 'emi-00000003' }[part]),
  };
  /** What an earlier step made and is gone. */
  lost: (input: LookBackInput) => LostEffect | undefined = () => undefined;
  private readonly behaviours = new Map<StepActivityName, StepActivity>();

  /** Replaces one activity, from now on. */
  when(name: StepActivityName, behaviour: StepActivity): void {
    this.behaviours.set(name, behaviour);
  }

  fail(name: StepActivityName, code: ErrorCode, message = `${name} fails`): void {
    this.when(name, () => Promise.reject(ApplicationFailure.nonRetryable(message, code)));
  }

  recover(name: StepActivityName): void {
    this.behaviours.delete(name);
  }

  names(): StepActivityName[] {
    return this.calls.map(({ name }) => name);
  }

  /** Of one node. */
  namesOn(node: NodeName): StepActivityName[] {
    return this.calls.filter(({ input }) => input.node === node).map(({ name }) => name);
  }

  /** Nothing needs a reboot, so that no test waits for one. */
  withoutReboots(): this {
    this.when('readBootId', () =>
      Promise.resolve({ changed: false, note: 'booted', known: { reboot: { before: 'old', after: 'new' } } }),
    );
    return this;
  }

  /** What it does by itself. */
  usual(name: StepActivityName, { node }: StepInput): StepOutcome {
    return { changed: true, note: name, known: learntBy(name, node) };
  }

  /** On those nodes only. */
  failOn(nodes: readonly NodeName[], name: StepActivityName, code: ErrorCode): void {
    this.when(name, (input) =>
      nodes.includes(input.node)
        ? Promise.reject(ApplicationFailure.nonRetryable(`${name} fails`, code))
        : Promise.resolve(this.usual(name, input)),
    );
  }

  get activities(): Activities {
    const steps = Object.fromEntries(
      STEP_ACTIVITIES.map((name) => [name, (input: StepInput) => this.run(name, input)]),
    );
    return {
      ...(steps as Record<StepActivityName, StepActivity>),
      findProblems: () => Promise.resolve([{ check: 'all', ok: true, message: 'well' }]),
      findLost: (input) => Promise.resolve(this.lost(input)),
      listAddresses: () => Promise.resolve([]),
      allocateAddress: () => Promise.reject(new Error('not here')),
      reserveAddresses: () => Promise.reject(new Error('not here')),
      letGoAddresses: () => Promise.resolve(),
      settleAllocation: () => Promise.resolve(null),
      releaseAddress: () => Promise.resolve({ released: [] }),
      checkImage: (input) => this.image.checkImage(input),
      uploadImage: (input) => this.image.uploadImage(input),
      registerImage: (input) => this.image.registerImage(input),
    };
  }

  private run(name: StepActivityName, input: StepInput): Promise<StepOutcome> {
    this.calls.push({ name, input });
    const behaviour = this.behaviours.get(name);
    return behaviour === undefined ? Promise.resolve(this.usual(name, input)) : behaviour(input);
  }
}
