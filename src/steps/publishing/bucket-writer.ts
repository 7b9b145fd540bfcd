/** Writes a bundle to a bucket, a few parts in parallel. Every object gets our mark; an object without it is never overwritten. */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bundle, Part, PartRecord } from '../../image';
import { DeployError, errorRow } from '../../deployment/errors';
import type { Attempt } from '../attempt';
import type { ObjectStore, StoredObject } from '../ports';
import { ParallelUploads } from './parallel-uploads';
import type { UploadProgress } from './upload-progress';
import type { Uploaded } from '../../deployment/activities';

/** Each holds a part of 10 MiB in memory. */
const MAX_UPLOADS = 3;
const MAX_TRIES = 4;
const FIRST_DELAY = 500;
/** How often to report progress while waiting for the store. */
const REPORT_INTERVAL = 5_000;

export interface BundleBucket {
  readonly store: ObjectStore;
  readonly bucket: string;
  readonly mark: string;
  /** Parts that were in the bucket when the attempt began, by key. */
  readonly storedParts: ReadonlyMap<string, StoredObject>;
}

export interface PartHooks {
  /** Called once, before the first part is uploaded. */
  readonly beforeFirst?: () => Promise<void>;
  /** Throws if this part must not be uploaded. */
  readonly check?: (part: PartRecord) => void;
}

export class BucketWriter {
  private readonly uploads = new ParallelUploads(MAX_UPLOADS);

  constructor(
    private readonly target: BundleBucket,
    private readonly attempt: Attempt,
    private readonly progress: UploadProgress,
  ) {}

  /** @returns the keys of all parts */
  async putParts(bundle: Bundle, { beforeFirst, check }: PartHooks): Promise<ReadonlySet<string>> {
    const {
      attempt,
      progress,
      target: { storedParts },
    } = this;
    const keys = new Set<string>();
    let begun = false;
    try {
      for await (const part of bundle.parts(({ name, md5 }) => storedParts.get(name)?.md5 === md5)) {
        attempt.signal.throwIfAborted();
        keys.add(part.name);
        check?.(part);
        if (part.bytes === undefined) progress.thereParts += 1;
        else {
          if (!begun) await beforeFirst?.();
          begun = true;
          await this.uploads.start(() => this.putPart(part));
        }
        attempt.report(
          progress.line(
            bundle.survey.size === 0 ? 1 : bundle.imageBytesUpTo(part) / bundle.survey.size,
            bundle.complete,
          ),
        );
      }
      await this.uploads.finish();
    } finally {
      await this.uploads.settle();
    }
    return keys;
  }

  /** Removes parts that an earlier bundle of ours had and this one does not. */
  async removeOtherParts(keys: ReadonlySet<string>): Promise<void> {
    const { store, bucket, mark, storedParts } = this.target;
    for (const key of storedParts.keys()) {
      if (keys.has(key) || (await store.head(bucket, key))?.owner !== mark) continue;
      this.attempt.assertTimely();
      await store.remove(bucket, key);
    }
  }

  /** Throws if the object is not ours. */
  async remove(key: string): Promise<void> {
    if ((await this.objectState(key)) === 'missing') return;
    this.attempt.assertTimely();
    await this.target.store.remove(this.target.bucket, key);
  }

  async putManifest(key: string, text: string): Promise<void> {
    const bytes = Buffer.from(text, 'latin1');
    const md5 = createHash('md5').update(bytes).digest('hex');
    if ((await this.objectState(key, md5)) === 'same') return;
    await this.put(key, bytes, md5);
    this.progress.sentBytes += bytes.length;
  }

  finish(): Omit<Uploaded, 'ours'> {
    const { sentBytes, sentParts, thereParts } = this.progress;
    this.attempt.report(this.progress.line(1, true));
    return { sentBytes, sentParts, thereParts };
  }

  private async putPart({ name, bytes, md5 }: Part): Promise<void> {
    if (bytes === undefined) return;
    if (this.target.storedParts.has(name) && (await this.objectState(name, md5)) === 'same') return;
    await this.put(name, bytes, md5);
    this.progress.sent(bytes.length);
  }

  /** What is in the bucket under that key. Throws if it is neither ours nor the same content. */
  private async objectState(key: string, md5?: string): Promise<'missing' | 'same' | 'ours'> {
    const { store, bucket, mark } = this.target;
    const object = await store.head(bucket, key);
    if (object === undefined) return 'missing';
    if (md5 !== undefined && object.md5 === md5) return 'same';
    if (object.owner === mark) return 'ours';
    throw new DeployError(
      'IMAGE_NAME_TAKEN',
      `The bucket ${bucket} already holds another ${key}, which was not uploaded by this installation: it does not have the mark ${mark}.`,
    );
  }

  private async put(key: string, bytes: Buffer, md5: string): Promise<void> {
    const { store, bucket, mark } = this.target;
    for (let tries = 1; ; tries++) {
      this.attempt.assertTimely();
      try {
        return await store.put(bucket, key, bytes, md5, { owner: mark, onProgress: () => this.attempt.report('') });
      } catch (error) {
        this.attempt.signal.throwIfAborted();
        if (!(error instanceof DeployError) || errorRow(error.code).retry !== 'yes' || tries === MAX_TRIES) throw error;
        await this.wait(Math.max(error.retryAfter ?? 0, FIRST_DELAY * 2 ** (tries - 1)));
        // Perhaps only the response was lost.
        if ((await store.head(bucket, key).catch(() => undefined))?.md5 === md5) return;
      }
    }
  }

  /** Reports progress all the while: a wait that the store asked for must not look like a hang. */
  private async wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= REPORT_INTERVAL) {
      await delay(Math.min(left, REPORT_INTERVAL), undefined, { signal: this.attempt.signal });
      this.attempt.report('');
    }
  }
}
