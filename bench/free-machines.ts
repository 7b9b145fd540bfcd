/**
 * Clusters whose machines and clouds take as long as the lab's did for a core with one node, and cost nothing, however many there are. In
 * the lab every command on a machine is a dozen processes on this host, so 20 machines at work share its processors.
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { CORE } from '../src/deployment/facts';
import type { DeploymentSpec } from '../src/deployment/spec';
import { STEPS } from '../src/deployment/steps';
import type { StepActivityName } from '../src/deployment/steps';
import { Bench } from '../test/support/deployment';
import { FakeActivities } from '../test/support/fake-activities';

/** Milliseconds, by the name of the activity. */
export type Durations = ReadonlyMap<string, number>;

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** From the time an activity was asked for until it was done, all attempts together. */
export async function durationsIn(handle: WorkflowHandle): Promise<Durations> {
  const { events } = await handle.fetchHistory();
  const asked = new Map((events ?? []).map((event) => [Number(event.eventId), event] as const));
  return new Map(
    (events ?? []).flatMap((event) => {
      const done = event.activityTaskCompletedEventAttributes;
      const begun = done ? asked.get(Number(done.scheduledEventId)) : undefined;
      const name = begun?.activityTaskScheduledEventAttributes?.activityType?.name;
      return begun === undefined || !name ? [] : [[name, millisecondsOf(event) - millisecondsOf(begun)] as const];
    }),
  );
}

type Event = NonNullable<History['events']>[number];

function millisecondsOf({ eventTime }: Event): number {
  return Number(eventTime?.seconds) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
}

/** @returns the seconds from start to ready of each of the specs, one after the other */
export async function secondsWithFreeMachines(
  address: string,
  specs: readonly DeploymentSpec[],
  ofCore: Durations,
  ofNode: Durations,
): Promise<number[]> {
  const env = await TestWorkflowEnvironment.createFromExistingServer({ address });
  const bench = new Bench(env, 'free-machines');
  const fakes = new FakeActivities();
  const names = STEPS.flatMap(({ activities }) => Object.keys(activities)) as StepActivityName[];
  for (const name of new Set(names))
    fakes.when(name, async (input) => {
      await sleep((input.node === CORE ? ofCore : ofNode).get(name) ?? 0);
      return fakes.usual(name, input);
    });
  await bench.startWorker(fakes);
  try {
    const seconds: number[] = [];
    for (const spec of specs) {
      const deployment = await bench.deploy(spec);
      const { stage, message } = await deployment.result();
      assert.equal(stage, 'ready', message);
      const { startTime, closeTime } = await deployment.handle.describe();
      seconds.push(((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / 1_000);
    }
    return seconds;
  } finally {
    await bench.stopWorker();
    await env.teardown();
  }
}
