/** A Temporal server, a worker with fake activities, and this package's own client to them. */

import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Deployments } from '../../src/client/deployments';
import { ClientError } from '../../src/client/errors';
import type { ClientErrorCode } from '../../src/client/errors';
import type { DeploymentStatus } from '../../src/client/status';
import type { StepActivityName } from '../../src/deployment/steps';
import { Bench } from '../support/deployment';
import type { FakeActivities } from '../support/fake-activities';
import { eventually } from '../support/wait';

export class ClientBench {
  private constructor(
    readonly worker: Bench,
    readonly deployments: Deployments,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(server: TestWorkflowEnvironment, taskQueue: string): Promise<ClientBench> {
    const env = {
      TEMPORAL_ADDRESS: server.address,
      STACKATO_DEPLOY_TASK_QUEUE: taskQueue,
      STACKATO_DEPLOY_UI: 'http://ui.test',
    };
    // The client reads it when it connects.
    Object.assign(process.env, env);
    return new ClientBench(new Bench(server, taskQueue), await Deployments.connect(), env);
  }

  async close(): Promise<void> {
    letGo();
    await this.worker.stopWorker();
    await this.deployments.close();
    for (const name of Object.keys(this.env)) delete process.env[name];
  }

  until(name: string, what: string, good: (snapshot: DeploymentStatus) => boolean): Promise<DeploymentStatus> {
    return eventually(what, async () => {
      const snapshot = await this.deployments.status(name);
      return good(snapshot) && snapshot;
    });
  }

  untilStage(name: string, stage: DeploymentStatus['stage']): Promise<DeploymentStatus> {
    return this.until(name, `${name} is ${stage}`, (snapshot) => snapshot.stage === stage);
  }

  /** Its run is over: a new one could begin. */
  untilClosed(name: string): Promise<DeploymentStatus> {
    return this.until(name, `${name} is closed`, ({ open }) => !open);
  }
}

/** From now on every activity finds its effect there. */
export function allThere(fakes: FakeActivities): void {
  for (const name of new Set(fakes.names()))
    fakes.when(name, () => Promise.resolve({ changed: false, note: 'already so', known: {} }));
}

/** Holds an activity until it is let go, at the latest by `letGo`: no worker stops before its activities end. */
export function hold(fakes: FakeActivities, name: StepActivityName): () => void {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  releases.add(release);
  fakes.when(name, async () => {
    await held;
    return { changed: true, note: name, known: {} };
  });
  return release;
}

const releases = new Set<() => void>();

function letGo(): void {
  for (const release of releases) release();
  releases.clear();
}

export async function refused(work: Promise<unknown>, code: ClientErrorCode, words: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ClientError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}
