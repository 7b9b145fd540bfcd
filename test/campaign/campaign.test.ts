/**
 * Every call that changes something, with every mishap, on three kinds of cloud: afterwards the account, the buckets
 * and the zone hold exactly what other users had. All trials share one lab; each deployment has its own access key, so
 * that a fault hits only its calls.
 */

import assert from 'node:assert/strict';
import type { Kind } from '../../lab/types';
import { registerSearchAttributes } from '../../src/client/search-attributes';
import { Site } from '../support/site';
import type { WorkerProcess } from '../support/site';
import { FakeNsupdate } from './fake-nsupdate';
import { accountState, OtherUser, similarObjects } from './other-user';
import type { AccountState } from './other-user';
import { SharedLock } from './shared-lock';
import { specOf, TrialRun, variablesOf } from './trial-run';
import type { TrialContext } from './trial-run';
import { KINDS, TRIALS } from './trials';

/** Number of trials that run at the same time. They mostly wait, but two cores can take no more. */
const LANES = 12;
const QUEUE = 'campaign';
const KILLED = 'campaign-kill';
const otherUsersImage = (kind: Kind): string => `other-users-image-${kind.replace(/\W/g, '')}`;

describe('campaign', function () {
  this.timeout(900_000);
  let campaign: Campaign;
  before(async () => {
    campaign = await Campaign.open();
    campaign.begin();
  });
  after(() => campaign.close());

  for (const kind of KINDS) {
    for (const { title, name } of TRIALS.filter((trial) => trial.kind === kind)) {
      it(`A1: ${title}: nothing is left behind`, () => campaign.resultOf(name));
    }
    it(`A2 A3 A4: ${kind} holds exactly what other users had`, () => campaign.assertOtherUsersKept(kind));
  }
  it('A1: the zone holds exactly what other users had', () => campaign.assertZone());
});

class Campaign {
  private readonly results = new Map<string, Promise<void>>();
  private readonly runs: readonly TrialRun[];

  private constructor(
    private readonly site: Site,
    private readonly otherUsers: ReadonlyMap<Kind, OtherUser>,
    contexts: readonly TrialContext[],
    private readonly before: ReadonlyMap<Kind, AccountState>,
    private readonly zone: readonly string[],
    private worker: WorkerProcess,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.runs = contexts.flatMap((context) =>
      TRIALS.filter(({ kind }) => kind === context.otherUser.kind).map((trial) => new TrialRun(context, trial)),
    );
  }

  static async open(): Promise<Campaign> {
    const site = await Site.open({ kernelRights: true });
    const { lab } = site;
    const nsupdate = new FakeNsupdate(site.dir);
    const names = [...KINDS.map((kind) => ({ kind, name: otherUsersImage(kind) })), ...TRIALS];
    const keys = names.flatMap(({ kind, name }) => {
      const [variables, user] = [variablesOf(name), lab.user(kind, name)];
      return [
        [variables.accessKey, user.accessKey],
        [variables.secretKey, user.secretKey],
      ] as const;
    });
    const env = {
      ...(Object.fromEntries(keys) as NodeJS.ProcessEnv),
      PATH: `${nsupdate.folder}:${process.env.PATH ?? ''}`,
    };
    const [temporal, killed] = [await site.temporal(QUEUE), await site.temporal(KILLED)];
    await registerSearchAttributes(temporal);
    const [worker] = await Promise.all([site.worker('aws', KILLED, env), site.worker('aws', QUEUE, env)]);
    const otherUsers = new Map(KINDS.map((kind) => [kind, new OtherUser(lab, kind)]));
    await Promise.all(
      [...otherUsers].map(async ([kind, otherUser]) => {
        await otherUser.settle();
        for (const { name } of TRIALS.filter((trial) => trial.kind === kind && trial.row.bucket === 'shared'))
          await otherUser.store(name, similarObjects(name));
        await otherUser.publish(temporal, specOf(site, kind, otherUsersImage(kind), { bucket: 'shared' }));
      }),
    );
    // Names that look like those of the deployments at the beginning or the end.
    const similar = names.flatMap(({ name }) => [
      `update add old-${name}.${lab.state.dns.zone} 60 A 192.0.2.7`,
      `update add ${name}2.${lab.state.dns.zone} 60 TXT "somebody's"`,
    ]);
    await lab.nsupdate(`zone ${lab.state.dns.zone}\n${similar.join('\n')}`);
    const before = new Map(
      await Promise.all(KINDS.map(async (kind) => [kind, await accountState(lab, kind)] as const)),
    );
    const contexts = [...otherUsers.values()].map((otherUser) => ({
      site,
      temporal,
      killed,
      nsupdate,
      otherUser,
      addressLock: new SharedLock(),
    }));
    return new Campaign(site, otherUsers, contexts, before, await lab.zone(), worker, env);
  }

  begin(): void {
    const ordered = [...this.runs].sort((a, b) => Number(a.row.alone === true) - Number(b.row.alone === true));
    const queue = ordered.filter(({ mishap }) => mishap !== 'kill');
    const starts = new Map(queue.map((run) => [run, promised()]));
    for (const [run, { promise }] of starts)
      this.record(
        run,
        promise.then(() => run.execute()),
      );
    const lane = async (): Promise<void> => {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        starts.get(run)?.go();
        await this.results.get(run.name)?.catch(() => undefined);
      }
    };
    for (let i = 0; i < LANES; i += 1) void lane();
    void this.runKills(ordered.filter(({ mishap }) => mishap === 'kill'));
  }

  async resultOf(name: string): Promise<void> {
    await this.results.get(name);
  }

  async assertOtherUsersKept(kind: Kind): Promise<void> {
    await this.waitForAll((run) => run.kind === kind);
    const [before, after] = [this.before.get(kind), await accountState(this.site.lab, kind)];
    assert.ok(before !== undefined);
    assert.deepEqual(after, {
      ...before,
      addresses: [...before.addresses, ...(this.otherUsers.get(kind)?.laterAddresses ?? [])].sort(),
    });
  }

  async assertZone(): Promise<void> {
    await this.waitForAll(() => true);
    assert.deepEqual(await this.site.lab.zone(), this.zone);
  }

  async close(): Promise<void> {
    await this.waitForAll(() => true);
    await this.site.close();
  }

  /** In waves, because a call that is held longer than its caller waits would be made again. */
  private async runKills(runs: readonly TrialRun[]): Promise<void> {
    const waves = [
      runs.filter(({ row }) => row.at === 'up' && row.alone !== true),
      runs.filter(({ row }) => row.at !== 'up'),
      runs.filter(({ row }) => row.alone === true),
    ];
    const ends = new Map(runs.map((run) => [run, promised()]));
    for (const [run, { promise }] of ends) this.record(run, promise);
    for (const wave of waves) {
      const failed = new Map<TrialRun, Error>();
      const each = (step: (run: TrialRun) => Promise<void>): Promise<unknown> =>
        Promise.all(
          wave
            .filter((run) => !failed.has(run))
            .map((run) =>
              step(run).catch(
                (error: unknown) =>
                  void failed.set(run, error instanceof Error ? error : new Error(JSON.stringify(error))),
              ),
            ),
        );
      await each((run) => run.prepare());
      await each((run) => run.trigger());
      await this.worker.kill();
      for (const run of wave) run.release();
      await each((run) => run.waitUntilDone());
      this.worker = await this.site.worker('aws', KILLED, this.env);
      await each((run) => run.finish());
      for (const run of wave) ends.get(run)?.go(failed.get(run));
    }
  }

  private record(run: TrialRun, end: Promise<void>): void {
    const named = end.catch((error: unknown) => {
      throw new Error(`${run.title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    // The trial's own test reports it.
    named.catch(() => undefined);
    this.results.set(run.name, named);
  }

  private async waitForAll(which: (run: TrialRun) => boolean): Promise<void> {
    await Promise.allSettled(this.runs.filter(which).flatMap(({ name }) => this.results.get(name) ?? []));
  }
}

/** @returns a promise, and a function that resolves it, or rejects it with the given error */
function promised(): { readonly promise: Promise<void>; readonly go: (error?: Error) => void } {
  let go = (_error?: Error): void => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    go = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { promise, go };
}
