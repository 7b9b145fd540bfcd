/**
 * Every call that changes something, and everything that can befall it, on three kinds of cloud: afterwards the account, the buckets and the zone hold
 * exactly what others had. All side by side in one lab: each deployment has an access key of its own, so that what happens to a call happens to its call.
 */

import assert from 'node:assert/strict';
import type { Kind } from '../../lab/types';
import { registerSearchAttributes } from '../../src/client/search-attributes';
import { Site } from '../support/site';
import type { WorkerProcess } from '../support/site';
import { Cell, specOf, variablesOf } from './cell';
import type { Place } from './cell';
import { holdings, objectsLike, Stranger } from './others';
import type { Holdings } from './others';
import { KINDS, TRIALS } from './table';
import { Turnstile } from './turnstile';
import { ZoneChanges } from './zone-changes';

/** So many at a time: they wait most of the time, and two cores bear no more. */
const LANES = 12;
const QUEUE = 'campaign';
const KILLED = 'campaign-kill';
const strangersImage = (kind: Kind): string => `strangers-image-${kind.replace(/\W/g, '')}`;

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
      it(`A1: ${title}: nothing of it is left`, () => campaign.resultOf(name));
    }
    it(`A2 A3 A4: ${kind} holds exactly what others had`, () => campaign.assertOthers(kind));
  }
  it('A1: the zone holds exactly what others had', () => campaign.assertZone());
});

class Campaign {
  private readonly results = new Map<string, Promise<void>>();
  private readonly cells: readonly Cell[];

  private constructor(
    private readonly site: Site,
    private readonly strangers: ReadonlyMap<Kind, Stranger>,
    places: readonly Place[],
    private readonly before: ReadonlyMap<Kind, Holdings>,
    private readonly zone: readonly string[],
    private worker: WorkerProcess,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.cells = places.flatMap((place) =>
      TRIALS.filter(({ kind }) => kind === place.stranger.kind).map((trial) => new Cell(place, trial)),
    );
  }

  static async open(): Promise<Campaign> {
    const site = await Site.open({ kernelRights: true });
    const { lab } = site;
    const zone = new ZoneChanges(site.dir);
    const names = [...KINDS.map((kind) => ({ kind, name: strangersImage(kind) })), ...TRIALS];
    const keys = names.flatMap(({ kind, name }) => {
      const [variables, user] = [variablesOf(name), lab.user(kind, name)];
      return [
        [variables.accessKey, user.accessKey],
        [variables.secretKey, user.secretKey],
      ] as const;
    });
    const env = {
      ...(Object.fromEntries(keys) as NodeJS.ProcessEnv),
      PATH: `${zone.folder}:${process.env.PATH ?? ''}`,
    };
    const [temporal, killed] = [await site.temporal(QUEUE), await site.temporal(KILLED)];
    await registerSearchAttributes(temporal);
    const [worker] = await Promise.all([site.worker('aws', KILLED, env), site.worker('aws', QUEUE, env)]);
    const strangers = new Map(KINDS.map((kind) => [kind, new Stranger(lab, kind)]));
    await Promise.all(
      [...strangers].map(async ([kind, stranger]) => {
        await stranger.settle();
        for (const { name } of TRIALS.filter((trial) => trial.kind === kind && trial.row.bucket === 'shared'))
          await stranger.store(name, objectsLike(name));
        await stranger.publish(temporal, specOf(site, kind, strangersImage(kind), { bucket: 'shared' }));
      }),
    );
    // Names that end or begin like those of the deployments.
    const near = names.flatMap(({ name }) => [
      `update add old-${name}.${lab.state.dns.zone} 60 A 192.0.2.7`,
      `update add ${name}2.${lab.state.dns.zone} 60 TXT "somebody's"`,
    ]);
    await lab.nsupdate(`zone ${lab.state.dns.zone}\n${near.join('\n')}`);
    const before = new Map(await Promise.all(KINDS.map(async (kind) => [kind, await holdings(lab, kind)] as const)));
    const places = [...strangers.values()].map((stranger) => ({
      site,
      temporal,
      killed,
      zone,
      stranger,
      allocations: new Turnstile(),
    }));
    return new Campaign(site, strangers, places, before, await lab.zone(), worker, env);
  }

  begin(): void {
    const ordered = [...this.cells].sort((a, b) => Number(a.row.alone === true) - Number(b.row.alone === true));
    const queue = ordered.filter(({ mishap }) => mishap !== 'kill');
    const gates = new Map(queue.map((cell) => [cell, promised()]));
    for (const [cell, { promise }] of gates)
      this.keep(
        cell,
        promise.then(() => cell.run()),
      );
    const lane = async (): Promise<void> => {
      for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
        gates.get(cell)?.go();
        await this.results.get(cell.name)?.catch(() => undefined);
      }
    };
    for (let i = 0; i < LANES; i += 1) void lane();
    void this.kills(ordered.filter(({ mishap }) => mishap === 'kill'));
  }

  async resultOf(name: string): Promise<void> {
    await this.results.get(name);
  }

  async assertOthers(kind: Kind): Promise<void> {
    await this.settled((cell) => cell.kind === kind);
    const [before, after] = [this.before.get(kind), await holdings(this.site.lab, kind)];
    assert.ok(before !== undefined);
    assert.deepEqual(after, {
      ...before,
      addresses: [...before.addresses, ...(this.strangers.get(kind)?.more ?? [])].sort(),
    });
  }

  async assertZone(): Promise<void> {
    await this.settled(() => true);
    assert.deepEqual(await this.site.lab.zone(), this.zone);
  }

  async close(): Promise<void> {
    await this.settled(() => true);
    await this.site.close();
  }

  /** In waves: a call that is held for longer than its caller waits would be asked again. */
  private async kills(cells: readonly Cell[]): Promise<void> {
    const waves = [
      cells.filter(({ row }) => row.at === 'up' && row.alone !== true),
      cells.filter(({ row }) => row.at !== 'up'),
      cells.filter(({ row }) => row.alone === true),
    ];
    const ends = new Map(cells.map((cell) => [cell, promised()]));
    for (const [cell, { promise }] of ends) this.keep(cell, promise);
    for (const wave of waves) {
      const failed = new Map<Cell, Error>();
      const each = (step: (cell: Cell) => Promise<void>): Promise<unknown> =>
        Promise.all(
          wave
            .filter((cell) => !failed.has(cell))
            .map((cell) =>
              step(cell).catch(
                (error: unknown) =>
                  void failed.set(cell, error instanceof Error ? error : new Error(JSON.stringify(error))),
              ),
            ),
        );
      await each((cell) => cell.prepare());
      await each((cell) => cell.strike());
      await this.worker.kill();
      for (const cell of wave) cell.release();
      await each((cell) => cell.done());
      this.worker = await this.site.worker('aws', KILLED, this.env);
      await each((cell) => cell.finish());
      for (const cell of wave) ends.get(cell)?.go(failed.get(cell));
    }
  }

  private keep(cell: Cell, end: Promise<void>): void {
    const named = end.catch((error: unknown) => {
      throw new Error(`${cell.title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    // It is its own test that tells.
    named.catch(() => undefined);
    this.results.set(cell.name, named);
  }

  private async settled(which: (cell: Cell) => boolean): Promise<void> {
    await Promise.allSettled(this.cells.filter(which).flatMap(({ name }) => this.results.get(name) ?? []));
  }
}

/** @returns a promise, and what ends it: well, or with an error */
function promised(): { readonly promise: Promise<void>; readonly go: (error?: Error) => void } {
  let go = (_error?: Error): void => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    go = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { promise, go };
}
