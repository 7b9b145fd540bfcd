/** One instance, whatever comes late; and one that somebody stopped. */

import assert from 'node:assert/strict';
import { findOurs } from '../../src/steps/cloud/instances';
import { launch as step } from '../../src/steps/launch';
import { siteOf } from '../../src/steps/step';
import type { Dependencies } from '../../src/steps/dependencies';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import type { Cloud, CloudInstance, LaunchRequest } from '../../src/steps/ports';
import { CloudFailure, unclear } from '../../src/cloud/failures';
import type { ErrorCode } from '../../src/deployment/errors';
import type { Known, Unsettled } from '../../src/deployment/facts';
import { Attempts } from '../activities/attempts';
import { attemptOf, dependencies, inputOf, firstAttempt } from './support';

const { launchInstance } = step.activities;
const awaitRunning = firstAttempt(step.activities.awaitRunning);
const terminateInstance = step.undo;
const assertOneInstance = async (deps: Dependencies, { spec, node, known: facts }: StepInput) =>
  findOurs({ ...(await siteOf(deps, spec)), spec, node, known: facts });

const LATE_EFFECT = 100;

/** A cloud of instances that all bear our marker. */
class Machines {
  readonly all: CloudInstance[] = [];
  readonly tokens: string[] = [];
  /** Of the next launches: `lost` does it and does not answer, a number does it so many ms later. */
  readonly faults: (ErrorCode | 'lost' | number)[] = [];

  constructor(readonly launchesOnce: boolean) {}

  add(state: CloudInstance['state'], reason?: string): CloudInstance {
    const instance: CloudInstance = {
      id: `i-${this.all.length + 1}`,
      state,
      type: 'm1.large',
      groups: ['stackato-dev'],
      ...(reason === undefined ? {} : { reason }),
    };
    this.all.push(instance);
    return instance;
  }

  turn(id: string, state: CloudInstance['state']): void {
    const index = this.all.findIndex((each) => each.id === id);
    this.all[index] = { ...this.all[index]!, state };
  }

  get deps(): Dependencies {
    const cloud = {
      launchesOnce: this.launchesOnce,
      lateEffect: LATE_EFFECT,
      findInstances: () => Promise.resolve([...this.all]),
      launch: (request) => this.launch(request),
      terminate: (id) => Promise.resolve(this.turn(id, 'terminated')),
    } satisfies Partial<Cloud> as unknown as Cloud;
    return dependencies({
      clouds: { open: () => Promise.resolve(cloud), store: () => Promise.reject(new Error('not called')) },
    });
  }

  get alive(): string[] {
    return this.all.filter(({ state }) => state === 'running' || state === 'pending').map(({ id }) => id);
  }

  private launch({ clientToken }: LaunchRequest): Promise<CloudInstance> {
    const fault = this.faults.shift();
    const made = (): CloudInstance => {
      const again = this.launchesOnce ? this.tokens.indexOf(clientToken) : -1;
      if (again >= 0) return this.all[again]!;
      this.tokens.push(clientToken);
      return this.add('running');
    };
    if (typeof fault === 'number') setTimeout(made, fault);
    if (fault === 'lost') made();
    if (typeof fault === 'number' || fault === 'lost')
      return Promise.reject(unclear('No answer.', 'CLOUD_UNREACHABLE'));
    return fault === undefined
      ? Promise.resolve(made())
      : Promise.reject(new CloudFailure(fault, `The cloud says ${fault}.`));
  }
}

const known: Known = { group: { name: 'stackato-dev' } };
const launch = (machines: Machines, change: Known = {}, need = 'run1-1', before?: Unsettled): Attempts<StepOutcome> =>
  new Attempts(
    (attempt) => launchInstance(machines.deps, inputOf({ known: { ...known, ...change }, need }), attempt),
    before,
  );
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code,
  );
const passes = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

describe('a launch', () => {
  it('6b: where tokens mean nothing, is not repeated while the first one may come late', async () => {
    const machines = new Machines(false);
    machines.faults.push(60);
    const attempts = launch(machines);
    assert.equal((await attempts.next()).failure?.type, 'CLOUD_UNREACHABLE');
    const { failure } = await attempts.next();
    assert.deepEqual([failure?.type, failure?.nonRetryable], ['NOT_YET', false]);
    await passes(70);
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-1');
    assert.deepEqual(machines.alive, ['i-1']);
  });

  it('6b: likewise after the worker was killed while it asked', async () => {
    const machines = new Machines(false);
    const attempts = launch(machines);
    await attempts.killedInRequest(false);
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
    await passes(LATE_EFFECT);
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-1');
    assert.equal(machines.tokens.length, 1);
  });

  it('6b: is repeated at once after a plain refusal', async () => {
    const machines = new Machines(false);
    machines.faults.push('CLOUD_THROTTLED', 'NO_CAPACITY');
    const attempts = launch(machines);
    await attempts.next();
    const { unsettled } = await attempts.next();
    assert.equal(unsettled, undefined);
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-1');
  });

  it('6b: is repeated at once with the same token where that is honoured, and launches once', async () => {
    const machines = new Machines(true);
    machines.faults.push(30);
    const attempts = launch(machines);
    await attempts.next();
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-1');
    await passes(40);
    assert.deepEqual(machines.alive, ['i-1']);
  });

  it('6b: for another need, which has another token, waits for what the one before asked for', async () => {
    const machines = new Machines(true);
    machines.faults.push(60);
    const { unsettled } = await launch(machines).next();
    const attempts = launch(machines, {}, 'run1-2', unsettled);
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
    await passes(70);
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-1');
    assert.deepEqual(machines.alive, ['i-1']);
  });

  it('6b: that made two is refused where it waits for one, and at the end', async () => {
    const machines = new Machines(false);
    machines.add('running');
    machines.add('pending');
    const input = inputOf({ known: { ...known, instance: { id: 'i-1' } } });
    assert.equal(await codeOf(awaitRunning(machines.deps, input)), 'INSTANCE_DUPLICATE');
    assert.equal(await codeOf(assertOneInstance(machines.deps, input)), 'INSTANCE_DUPLICATE');
    machines.turn('i-2', 'terminated');
    assert.equal(await codeOf(assertOneInstance(machines.deps, input)), 'done');
  });

  it('6b: that may come late is waited for before its absence is believed, and is terminated', async () => {
    const machines = new Machines(false);
    machines.faults.push(60);
    const { unsettled } = await launch(machines).next();
    const undo = new Attempts((attempt) => terminateInstance(machines.deps, inputOf({ known }), attempt), unsettled);
    assert.equal((await undo.next()).failure?.type, 'NOT_YET');
    await passes(70);
    assert.match((await undo.next()).failure?.message ?? '', /Terminating i-1/);
    await passes(LATE_EFFECT);
    assert.equal((await undo.next()).result?.note, 'instance i-1');
    assert.deepEqual(machines.alive, []);
  });
});

describe('an instance that somebody stopped', () => {
  const resume = async (machines: Machines, id: string): Promise<unknown> => {
    const { result, failure } = await launch(machines, { instance: { id } }, 'run1-2').next();
    if (result === undefined) return failure?.type;
    return codeOf(awaitRunning(machines.deps, inputOf({ known: { ...known, ...result.known } }))).then((code) => [
      result.known.instance?.id,
      code,
    ]);
  };

  for (const state of ['stopping', 'stopped'] as const) {
    it(`B11: ${state}: is neither started nor replaced; started it is adopted, terminated a new one is launched`, async () => {
      const machines = new Machines(true);
      const { id } = machines.add(state, 'Client.UserInitiatedShutdown');
      assert.equal(await resume(machines, id), 'INSTANCE_STOPPED');
      assert.equal(
        await codeOf(awaitRunning(machines.deps, inputOf({ known: { ...known, instance: { id } } }))),
        'INSTANCE_STOPPED',
      );
      assert.equal(await resume(machines, id), 'INSTANCE_STOPPED', 'resume without doing anything');
      assert.equal(machines.tokens.length, 0);

      machines.turn(id, 'running');
      assert.deepEqual(await resume(machines, id), [id, 'done']);
      machines.turn(id, 'terminated');
      assert.deepEqual(await resume(machines, id), ['i-2', 'done']);
    });
  }

  it('B11: one that ended by itself is replaced, as INSTANCE_FAILED promises', async () => {
    const machines = new Machines(true);
    const { id } = machines.add('terminated', 'Server.InternalError');
    assert.equal(
      await codeOf(awaitRunning(machines.deps, inputOf({ known: { ...known, instance: { id } } }))),
      'INSTANCE_FAILED',
    );
    assert.deepEqual(await resume(machines, id), ['i-2', 'done']);
  });

  it('is taken back like any other', async () => {
    const machines = new Machines(true);
    machines.add('stopped');
    await assert.rejects(terminateInstance(machines.deps, inputOf(), attemptOf()), /Terminating i-1/);
    assert.equal(machines.all[0]?.state, 'terminated');
  });
});
