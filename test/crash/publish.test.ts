/** Uploads on three clouds under a storm of kills and faults at random moments: each ends published, once, as it was, and leaves nothing behind. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Fault, Kind } from '../../lab/types';
import { publish } from '../../src/client/publish';
import type { PublishStatus } from '../../src/client/publish';
import { IMAGE_PARTS } from '../../src/deployment/messages';
import type { ImagePart } from '../../src/deployment/messages';
import { Site } from '../support/site';
import { eventually } from '../support/wait';

const KINDS: readonly Kind[] = ['eucalyptus-3.2', 'eucalyptus-4.4', 'aws'];
/** On each kind: in every round two uploads begin, and the worker is killed while some are under way. */
const ROUNDS = 4;
const FAULTS = 18;
const WANTED = 50;
const MIB = 1024 * 1024;
const LIMIT = 300_000;

const WHAT: readonly Fault['what'][] = ['error', 'throttle', 'reset', 'truncated', 'lost', 'slow'];
/** As often as they are called, more or less. */
const ACTIONS = ['PutObject', 'PutObject', 'PutObject', 'HeadObject', 'ListObjects', 'CreateBucket'] as const;

/** Repeats the choices of a run that failed; the moments they hit are those of the machine. */
const seed = Number(process.env.STORM_SEED ?? randomBytes(4).readUInt32LE());

describe('an upload in a storm', function () {
  this.timeout(LIMIT + 60_000);
  let site: Site;
  before(async () => {
    site = await Site.open({ kernelRights: true });
  });
  after(() => site.close());

  it(`ends published, whatever happens to it (STORM_SEED=${seed})`, async () => {
    const storms = KINDS.map((kind, index) => new Storm(site, kind, dice(seed + index)));
    try {
      await Promise.all(storms.map((storm) => storm.rage()));
      const sum = (count: (storm: Storm) => number): number => storms.reduce((all, storm) => all + count(storm), 0);
      const [kills, faults] = [sum((storm) => storm.kills), sum((storm) => storm.faults)];
      assert.ok(kills + faults >= WANTED, `only ${kills} kills and ${faults} faults hit an upload`);
      assert.ok(kills >= ROUNDS * KINDS.length, `only ${kills} kills hit an upload`);
      for (const storm of storms) await storm.assertPublished();
    } catch (error) {
      throw new Error(`STORM_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  });
});

interface Upload {
  readonly name: string;
  /** SHA-256 of the files. */
  readonly sources: Readonly<Record<ImagePart, string>>;
  end?: PublishStatus;
  /** Why it is no longer looked at. */
  error?: unknown;
}

class Storm {
  kills = 0;
  private thrown = 0;
  private readonly uploads: Upload[] = [];

  constructor(
    private readonly site: Site,
    private readonly kind: Kind,
    private readonly roll: (from: number, to: number) => number,
  ) {}

  /** Those that hit a call. */
  get faults(): number {
    return this.thrown - this.site.lab.faultsLeft(this.kind).length;
  }

  async rage(): Promise<void> {
    const { site, kind } = this;
    const faults = this.throwFaults();
    let worker = await site.worker(kind, kind);
    for (let round = 0; round < ROUNDS; round++) {
      await this.begin();
      await this.begin();
      const sent = this.puts() + this.roll(1, 7);
      await eventually(`${kind}: part ${sent} is sent`, () => this.puts() >= sent || !this.underWay, 60_000);
      await new Promise((resolve) => setTimeout(resolve, this.roll(0, 250)));
      if (this.underWay) this.kills += 1;
      await worker.kill();
      worker = await site.worker(kind, kind);
    }
    await eventually(`${kind}: all uploads are over`, () => this.over, LIMIT);
    await faults;
    await worker.stop();
  }

  /** Each image is there once and is what its files were, and its bucket holds nothing else. */
  async assertPublished(): Promise<void> {
    const {
      site: { lab },
      kind,
    } = this;
    const expected: string[] = [];
    for (const { name, sources, end, error } of this.uploads) {
      assert.equal(error, undefined, `${kind} ${name}: ${String(error)}`);
      assert.equal(end?.view.stage, 'published', `${kind} ${name}: ${JSON.stringify(end?.view.error)}`);
      for (const part of IMAGE_PARTS) {
        const prefix = part === 'machine' ? name : `${name}-${part}`;
        const registered = lab.images(kind).filter((image) => image.name === prefix);
        assert.deepEqual(
          registered.map((image) => [image.id, image.kind, image.state]),
          [[end.view.parts[part].id, part, 'available']],
          `${kind} ${prefix}`,
        );
        const { sha256, parts } = await lab.image(kind, registered[0]?.id ?? '');
        assert.equal(sha256, sources[part], `${kind} ${prefix}`);
        expected.push(`${prefix}.manifest.xml`, ...parts);
      }
    }
    assert.deepEqual(
      lab
        .objects(kind)
        .map(({ key }) => key)
        .sort(),
      expected.sort(),
      kind,
    );
  }

  private async begin(): Promise<void> {
    const { site, kind } = this;
    const name = `storm-${kind.replace(/\W/g, '')}-${this.uploads.length}`;
    const image = site.imageOf(name, kind, randomBytes(this.roll(11 * MIB, 22 * MIB)));
    const spec = site.spec(name, kind, { image });
    const temporal = await site.temporal(kind);
    const hash = (file: unknown): string =>
      createHash('sha256')
        .update(readFileSync(String(file)))
        .digest('hex');
    const follow = async (): Promise<void> => {
      for await (const look of publish(temporal, spec, AbortSignal.timeout(LIMIT))) upload.end = look;
    };
    const upload: Upload = {
      name,
      sources: { kernel: hash(image.kernel), ramdisk: hash(image.ramdisk), machine: hash(image.root) },
    };
    this.uploads.push(upload);
    follow().catch((error: unknown) => {
      upload.error = error;
    });
  }

  /** One after another, each a few calls after the one before has hit. */
  private async throwFaults(): Promise<void> {
    const {
      site: { lab },
      kind,
    } = this;
    while (this.thrown < FAULTS) {
      const due = lab.storeCalls(kind).length + this.roll(0, 4);
      const [what, action] = [this.pick(WHAT), this.pick(ACTIONS)];
      if (!(await this.orOver(() => lab.storeCalls(kind).length >= due))) return;
      lab.fault({ kind, action, what, times: 1, ms: this.roll(200, 2_000) });
      this.thrown += 1;
      // One that waits for another bucket to be made would hold up the rest.
      if (action === 'CreateBucket') continue;
      if (!(await this.orOver(() => lab.faultsLeft(kind).every((fault) => fault.action === 'CreateBucket')))) return;
    }
  }

  /** @returns false where all uploads were over first */
  private async orOver(good: () => boolean): Promise<boolean> {
    await eventually(`${this.kind}: a call of its S3`, () => good() || this.over, LIMIT);
    return good();
  }

  private pick<T>(all: readonly T[]): T {
    return all[this.roll(0, all.length)] as T;
  }

  private puts(): number {
    return this.site.lab.storeCalls(this.kind).filter(({ action }) => action === 'PutObject').length;
  }

  private get underWay(): boolean {
    return this.uploads.some(({ end, error }) => end?.open !== false && error === undefined);
  }

  private get over(): boolean {
    return this.uploads.length === 2 * ROUNDS && !this.underWay;
  }
}

/** Whole numbers from `from` up to `to`, `to` not among them (mulberry32). */
function dice(start: number): (from: number, to: number) => number {
  let state = start >>> 0;
  return (from, to) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return from + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (to - from));
  };
}
