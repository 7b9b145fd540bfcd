/** An activity through its attempts, as Temporal runs it: what one sends with its heartbeat, the next one gets. */

import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { attempted } from '../../src/activities/attempt';
import type { Attempt } from '../../src/steps/attempt';
import { KnownSecrets } from '../../src/activities/known-secrets';
import type { UnsettledDetails } from '../../src/deployment/messages';
import type { Unsettled } from '../../src/deployment/facts';
import { secretsFrom } from '../support/secrets';

export class Attempts<T> {
  private number = 0;
  private details: unknown;
  private readonly secrets = new KnownSecrets(secretsFrom(() => 'a-secret'));

  constructor(
    private readonly work: (attempt: Attempt) => Promise<T>,
    private readonly before?: Unsettled,
  ) {}

  /** The next one: its result, or its failure. */
  async next(): Promise<{ result?: T; failure?: ApplicationFailure; unsettled?: Unsettled }> {
    const [run, beats] = this.start(this.work);
    try {
      return { result: await run };
    } catch (error) {
      const failure = error as ApplicationFailure;
      const [details] = (failure.details ?? []) as (UnsettledDetails | undefined)[];
      return { failure, ...(details?.unsettled === undefined ? {} : { unsettled: details.unsettled }) };
    } finally {
      this.details = beats.at(-1);
    }
  }

  /** The next one, which is killed when it asks for something: `sent` says whether that went out. Of what it told, only the first arrives. */
  async killedInRequest(sent: boolean): Promise<void> {
    let reached: () => void = () => undefined;
    const asks = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const hang = new Promise<never>(() => undefined);
    const killed = (attempt: Attempt): Promise<T> =>
      this.work({
        number: attempt.number,
        signal: attempt.signal,
        report: () => undefined,
        found: () => undefined,
        assertTimely: () => undefined,
        get unsettled() {
          return attempt.unsettled;
        },
        settle: () => attempt.settle(),
        request: async (_call, send) => {
          if (sent) await send().catch(() => undefined);
          reached();
          return hang;
        },
      });
    const [run, beats, stop] = this.start(killed);
    void run.catch(() => undefined);
    await asks;
    stop();
    this.details = beats[0];
  }

  private start(work: (attempt: Attempt) => Promise<T>): [Promise<T>, unknown[], () => void] {
    this.number += 1;
    const env = new MockActivityEnvironment(
      { attempt: this.number, ...(this.details === undefined ? {} : { heartbeatDetails: this.details }) },
      { logger: new DefaultLogger('ERROR') },
    );
    const beats: unknown[] = [];
    env.on('heartbeat', (details: unknown) => beats.push(JSON.parse(JSON.stringify(details))));
    const patience = { deadline: 600_000, poll: 10, limits: {} };
    let stop: () => void = () => undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(new Error('killed'));
    });
    const activity = attempted<undefined, T>(
      { secrets: this.secrets, worker: 'a-worker' },
      () => patience,
      (_input, attempt) => Promise.race([work(attempt), stopped]),
      () => this.before,
    );
    return [env.run(activity, undefined), beats, stop];
  }
}
