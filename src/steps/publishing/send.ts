/** Puts a bundle into a bucket, a few parts at a time. Each object bears our mark, and one that does not is left as it is. */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bundle, Part, PartRecord } from '../../image';
import { DeployError, errorRow } from '../../deployment/errors';
import type { Attempt } from '../attempt';
import type { ObjectStore, StoredObject } from '../ports';
import { Flights } from './flights';
import type { UploadProgress } from './progress';
import type { Uploaded } from '../../deployment/activities';

/** Each holds a part of 10 MiB. */
const IN_FLIGHT = 3;
const TRIES = 4;
const PAUSE = 500;
/** Between two signs of life while the store makes us wait. */
const SIGN = 5_000;

export interface Shelf {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly mark: string;
  /** Parts that were there when it began. */
  readonly stored: ReadonlyMap<string, StoredObject>;
}

export class Sending {
  private readonly flights = new Flights(IN_FLIGHT);

  constructor(
    private readonly shelf: Shelf,
    private readonly attempt: Attempt,
    private readonly progress: UploadProgress,
  ) {}

  /**
   * @param begin before the first one is sent
   * @param check throws where this one may not be sent
   * @returns names of all parts
   */
  async parts(
    bundle: Bundle,
    begin: () => Promise<void>,
    check: (record: PartRecord) => void = () => undefined,
  ): Promise<ReadonlySet<string>> {
    const {
      attempt,
      progress,
      shelf: { stored },
    } = this;
    const names = new Set<string>();
    let begun = false;
    try {
      for await (const part of bundle.parts(({ name, md5 }) => stored.get(name)?.md5 === md5)) {
        attempt.signal.throwIfAborted();
        names.add(part.name);
        check(part);
        if (part.bytes === undefined) progress.thereParts += 1;
        else {
          if (!begun) await begin();
          begun = true;
          await this.flights.take(() => this.part(part));
        }
        attempt.report(
          progress.line(
            bundle.survey.size === 0 ? 1 : bundle.imageBytesUpTo(part) / bundle.survey.size,
            bundle.complete,
          ),
        );
      }
      await this.flights.landed();
    } finally {
      await this.flights.settled();
    }
    return names;
  }

  /** Parts of another content of ours, of more parts than this one. */
  async sweep(names: ReadonlySet<string>): Promise<void> {
    const { store, bucket, mark, stored } = this.shelf;
    for (const name of stored.keys()) {
      if (names.has(name) || (await store.head(bucket, name))?.owner !== mark) continue;
      this.attempt.assertTimely();
      await store.remove(bucket, name);
    }
  }

  /** Throws where it is not ours. */
  async takeAway(key: string): Promise<void> {
    if ((await this.standing(key)) === 'missing') return;
    this.attempt.assertTimely();
    await this.shelf.store.remove(this.shelf.bucket, key);
  }

  async manifest(key: string, text: string): Promise<void> {
    const bytes = Buffer.from(text, 'latin1');
    const md5 = createHash('md5').update(bytes).digest('hex');
    if ((await this.standing(key, md5)) === 'same') return;
    await this.put(key, bytes, md5);
    this.progress.sentBytes += bytes.length;
  }

  end(): Omit<Uploaded, 'ours'> {
    const { sentBytes, sentParts, thereParts } = this.progress;
    this.attempt.report(this.progress.line(1, true));
    return { sentBytes, sentParts, thereParts };
  }

  private async part({ name, bytes, md5 }: Part): Promise<void> {
    if (bytes === undefined) return;
    if (this.shelf.stored.has(name) && (await this.standing(name, md5)) === 'same') return;
    await this.put(name, bytes, md5);
    this.progress.sent(bytes.length);
  }

  /** What writing an object would hit. Throws where that is not ours. */
  private async standing(key: string, md5?: string): Promise<'missing' | 'same' | 'ours'> {
    const { store, bucket, mark } = this.shelf;
    const there = await store.head(bucket, key);
    if (there === undefined) return 'missing';
    if (md5 !== undefined && there.md5 === md5) return 'same';
    if (there.owner === mark) return 'ours';
    throw new DeployError(
      'IMAGE_NAME_TAKEN',
      `The bucket ${bucket} holds another ${key} already, which was not put there from here: it does not bear the mark ${mark}.`,
    );
  }

  private async put(key: string, bytes: Buffer, md5: string): Promise<void> {
    const { store, bucket, mark } = this.shelf;
    for (let tries = 1; ; tries++) {
      this.attempt.assertTimely();
      try {
        return await store.put(bucket, key, bytes, md5, { owner: mark, moved: () => this.attempt.report('') });
      } catch (error) {
        this.attempt.signal.throwIfAborted();
        if (!(error instanceof DeployError) || errorRow(error.code).retry !== 'yes' || tries === TRIES) throw error;
        await this.pause(Math.max(error.retryAfter ?? 0, PAUSE * 2 ** (tries - 1)));
        // Only the answer may have got lost.
        if ((await store.head(bucket, key).catch(() => undefined))?.md5 === md5) return;
      }
    }
  }

  /** That the store asked for it is no standstill. */
  private async pause(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SIGN) {
      await delay(Math.min(left, SIGN), undefined, { signal: this.attempt.signal });
      this.attempt.report('');
    }
  }
}
