/**
 * Uploads to three clouds while workers are killed and calls fail at random moments: each image ends published once,
 * with its content intact, and nothing else is left behind.
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Fault, Kind } from '../../lab/types';
import { publish } from '../../src/client/publish';
import type { PublishStatus } from '../../src/client/publish';
import { IMAGE_KINDS } from '../../src/deployment/spec';
import type { ImageKind } from '../../src/deployment/spec';
import { Site } from '../support/site';
import { eventually } from '../support/wait';

const KINDS: readonly Kind[] = ['eucalyptus-3.2', 'eucalyptus-4.4', 'aws'];
/** For each kind: every round starts two uploads and kills the worker while some are under way. */
const ROUNDS = 4;
const FAULTS_PER_KIND = 18;
const MINIMUM_HITS = 50;
const MIB = 1024 * 1024;
const LIMIT_MS = 300_000;

const KINDS_OF_FAULT: readonly Fault['what'][] = ['error', 'throttle', 'reset', 'truncated', 'lost', 'slow'];
/** Weighted roughly by how often each is called. */
const FAULTED_ACTIONS = ['PutObject', 'PutObject', 'PutObject', 'HeadObject', 'ListObjects', 'CreateBucket'] as const;

/** Repeats the random choices of a failed run. The moments at which they take effect still depend on the machine. */
const seed = Number(process.env.STORM_SEED ?? randomBytes(4).readUInt32LE());

describe('an upload under a storm of kills and faults', function () {
  this.timeout(LIMIT_MS + 60_000);
  let site: Site;
  before(async () => {
    site = await Site.open({ kernelRights: true });
  });
  after(() => site.close());

  it(`ends published, whatever happens to it (STORM_SEED=${seed})`, async () => {
    const storms = KINDS.map((kind, index) => new Storm(site, kind, randomIntegers(seed + index)));
    try {
      await Promise.all(storms.map((storm) => storm.run()));
      const sum = (count: (storm: Storm) => number): number => storms.reduce((all, storm) => all + count(storm), 0);
      const [kills, faults] = [sum((storm) => storm.kills), sum((storm) => storm.faults)];
      assert.ok(kills + faults >= MINIMUM_HITS, `only ${kills} kills and ${faults} faults hit an upload`);
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
  /** SHA-256 of each file. */
  readonly sources: Readonly<Record<ImageKind, string>>;
  end?: PublishStatus;
  /** Why following it ended. */
  error?: unknown;
}

class Storm {
  kills = 0;
  private injected = 0;
  private readonly uploads: Upload[] = [];

  constructor(
    private readonly site: Site,
    private readonly kind: Kind,
    private readonly random: (from: number, to: number) => number,
  ) {}

  /** Number of faults that hit a call. */
  get faults(): number {
    return this.injected - this.site.lab.faultsLeft(this.kind).length;
  }

  async run(): Promise<void> {
    const { site, kind } = this;
    const faults = this.injectFaults();
    let worker = await site.worker(kind, kind);
    for (let round = 0; round < ROUNDS; round++) {
      await this.startUpload();
      await this.startUpload();
      const sent = this.puts() + this.random(1, 7);
      await eventually(`${kind}: part ${sent} is sent`, () => this.puts() >= sent || !this.underWay, 60_000);
      await new Promise((resolve) => setTimeout(resolve, this.random(0, 250)));
      if (this.underWay) this.kills += 1;
      await worker.kill();
      worker = await site.worker(kind, kind);
    }
    await eventually(`${kind}: all uploads are over`, () => this.over, LIMIT_MS);
    await faults;
    await worker.stop();
  }

  /** Each image is registered once, equals its source files, and its bucket holds nothing else. */
  async assertPublished(): Promise<void> {
    const {
      site: { lab },
      kind,
    } = this;
    const expected: string[] = [];
    for (const { name, sources, end, error } of this.uploads) {
      assert.equal(error, undefined, `${kind} ${name}: ${String(error)}`);
      assert.equal(end?.view.stage, 'published', `${kind} ${name}: ${JSON.stringify(end?.view.error)}`);
      for (const imageKind of IMAGE_KINDS) {
        const prefix = imageKind === 'machine' ? name : `${name}-${imageKind}`;
        const registered = lab.images(kind).filter((image) => image.name === prefix);
        assert.deepEqual(
          registered.map((image) => [image.id, image.kind, image.state]),
          [[end.view.parts[imageKind].id, imageKind, 'available']],
          `${kind} ${prefix}`,
        );
        const { sha256, parts } = await lab.image(kind, registered[0]?.id ?? '');
        assert.equal(sha256, sources[imageKind], `${kind} ${prefix}`);
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

  private async startUpload(): Promise<void> {
    const { site, kind } = this;
    const name = `storm-${kind.replace(/\W/g, '')}-${this.uploads.length}`;
    const image = site.imageOf(name, kind, randomBytes(this.random(11 * MIB, 22 * MIB)));
    const spec = site.spec(name, kind, { image });
    const temporal = await site.temporal(kind);
    const hash = (file: unknown): string =>
      createHash('sha256')
        .update(readFileSync(String(file)))
        .digest('hex');
    const follow = async (): Promise<void> => {
      for await (const status of publish(temporal, spec, AbortSignal.timeout(LIMIT_MS))) upload.end = status;
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

  /** Injects one fault after another, each a few calls after the previous one was hit. */
  private async injectFaults(): Promise<void> {
    const {
      site: { lab },
      kind,
    } = this;
    while (this.injected < FAULTS_PER_KIND) {
      const due = lab.storeCalls(kind).length + this.random(0, 4);
      const [what, action] = [this.pick(KINDS_OF_FAULT), this.pick(FAULTED_ACTIONS)];
      if (!(await this.untilOrOver(() => lab.storeCalls(kind).length >= due))) return;
      lab.fault({ kind, action, what, times: 1, ms: this.random(200, 2_000) });
      this.injected += 1;
      // Buckets are rarely created: waiting for such a fault to hit would hold up the rest.
      if (action === 'CreateBucket') continue;
      if (!(await this.untilOrOver(() => lab.faultsLeft(kind).every((fault) => fault.action === 'CreateBucket'))))
        return;
    }
  }

  /** @returns false if all uploads ended first */
  private async untilOrOver(good: () => boolean): Promise<boolean> {
    await eventually(`${this.kind}: a call of its S3`, () => good() || this.over, LIMIT_MS);
    return good();
  }

  private pick<T>(all: readonly T[]): T {
    return all[this.random(0, all.length)] as T;
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

/** A seeded random source (mulberry32) of integers from `from` up to, but not including, `to`. */
function randomIntegers(start: number): (from: number, to: number) => number {
  let state = start >>> 0;
  return (from, to) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return from + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (to - from));
  };
}
