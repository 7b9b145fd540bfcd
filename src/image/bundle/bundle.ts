/**
 * Makes a bundle of an image: encrypted parts and a manifest. The same image, keys and facts always give the same bytes, so parts that
 * are stored already need not be sent again nor, if there is a journal, made again.
 */

import { availableParallelism } from 'node:os';
import { DeployError } from '../../deployment/errors';
import { BLOCK_SIZE } from '../blocks';
import type { WorkOptions } from '../blocks';
import { manifestName, writeManifest } from '../manifest/writer';
import type { Source } from '../source';
import { bundleFingerprint, deriveKey } from './bundle-key';
import type { DerivedKey } from './bundle-key';
import { signText } from './credentials';
import type { Identity } from './credentials';
import { checkBundleSize, checkFacts, checkImageSize } from './facts';
import type { SizeLimits } from '../../deployment/cloud-kinds';
import type { BundleFacts } from './facts';
import { gzipMembers } from './gzip';
import type { Journal, JournalId } from './journal';
import { cutParts } from './parts';
import type { MadePart, Part, PartRecord, PartStart } from './parts';
import { survey } from './survey';
import type { Survey } from './survey';

export interface BundleRequest {
  readonly source: Source;
  readonly facts: BundleFacts;
  readonly identity: Identity;
}

/**
 * `concurrency` is by default two more than processors, but at most 4: the size of libuv's thread pool. Each block takes about 4 MiB.
 * If the calls of `onProgress` stop, something hangs.
 */
export interface BundleOptions extends Partial<WorkOptions> {
  readonly journal?: Journal;
  readonly limits?: SizeLimits;
}

/** Whether an object with that name and MD5 is stored, so that the part is not needed. */
export type IsStored = (record: PartRecord) => boolean | Promise<boolean>;

const NOT_STORED: IsStored = () => false;

/** Reads the image once, or trusts the journal if the file is unchanged. The caller closes the source. */
export async function openBundle(request: BundleRequest, options: BundleOptions = {}): Promise<Bundle> {
  const { source, facts, identity } = request;
  const { journal, limits, concurrency = Math.min(4, availableParallelism() + 2) } = options;
  checkFacts(facts);
  if (limits !== undefined) checkImageSize(source.size, limits);
  const id = { bundle: bundleFingerprint(facts, identity), stamp: source.stamp };
  const recorded = await journal?.load(id);
  const work = { ...options, concurrency };
  const surveyed = recorded?.survey ?? (await survey(source, facts.prefix, work));
  if (recorded === undefined) await journal?.begin(id, surveyed);
  const key = deriveKey(identity, id.bundle, surveyed.content);
  return new Bundle(request, work, id, surveyed, key, [...(recorded?.parts ?? [])]);
}

export class Bundle {
  constructor(
    private readonly request: BundleRequest,
    private readonly options: BundleOptions & WorkOptions,
    private readonly id: JournalId,
    readonly survey: Survey,
    private readonly key: DerivedKey,
    private readonly records: PartRecord[],
  ) {}

  /** Parts made so far, in this attempt and earlier ones. */
  get knownParts(): readonly PartRecord[] {
    return this.records;
  }

  get complete(): boolean {
    const last = this.records.at(-1);
    return last !== undefined && last.next === undefined;
  }

  /** How many bytes of the image this part and all before it cover, rounded to a block. */
  imageBytesUpTo({ next }: PartRecord): number {
    return Math.min(this.survey.size, next === undefined ? Infinity : next.member * BLOCK_SIZE);
  }

  get manifestName(): string {
    return manifestName(this.request.facts.prefix);
  }

  /**
   * Every part in order, with its bytes unless `isStored`. This is asked before the part is made if an earlier attempt made it, and
   * afterwards otherwise. Apart from the blocks worked on at once, nothing is done ahead of the caller: to upload a part while the next
   * one is made, request the next before the upload has ended.
   */
  async *parts(isStored: IsStored = NOT_STORED): AsyncGenerator<Part, void> {
    let making: AsyncGenerator<MadePart, void> | undefined;
    try {
      for (let index = 0, last = false; !last; index++) {
        const record = this.records[index];
        const stored = record !== undefined && (await isStored(record));
        if (stored) {
          await making?.return();
          making = undefined;
        } else {
          making ??= this.makeParts(index);
        }
        const part = stored
          ? { ...record, bytes: undefined }
          : await this.nextPart(making, record === undefined ? isStored : NOT_STORED);
        last = part.next === undefined;
        yield part;
      }
    } finally {
      await making?.return();
    }
  }

  /** Available once all parts were made. */
  manifest(): string {
    if (!this.complete) throw new Error('The manifest lists all parts: they must be made first.');
    const { facts, identity } = this.request;
    const content = {
      ...facts,
      digest: this.survey.tarDigest,
      size: this.survey.size,
      bundledSize: this.bundledSize(),
      keys: this.key.encrypted(),
      parts: this.records,
    };
    return writeManifest(content, (text) => signText(identity.privateKey, text));
  }

  private bundledSize(): number {
    return this.records.reduce((sum, { size }) => sum + size, 0);
  }

  private makeParts(index: number): AsyncGenerator<MadePart, void> {
    const { source, facts } = this.request;
    const start = index === 0 ? this.firstStart() : this.records[index - 1]?.next;
    if (start === undefined) throw new Error(`There is no part ${index}.`);
    const members = gzipMembers(source, facts.prefix, this.survey, start.member, this.options);
    return cutParts(members, { prefix: facts.prefix, key: this.key.key, index, start });
  }

  private firstStart(): PartStart {
    return { member: 0, skip: 0, iv: this.key.iv.toString('hex') };
  }

  private async nextPart(making: AsyncGenerator<MadePart, void> | undefined, isStored: IsStored): Promise<Part> {
    const part = (await making?.next())?.value;
    if (part === undefined) throw new Error('The parts ended before the last.');
    await this.request.source.assertUnchanged();
    await this.record(part);
    return (await isStored(part)) ? { ...part, bytes: undefined } : part;
  }

  private async record({ bytes: _bytes, ...record }: MadePart): Promise<void> {
    const { journal, limits } = this.options;
    const earlier = this.records[record.index];
    if (earlier !== undefined && earlier.md5 !== record.md5) {
      await journal?.begin(this.id, this.survey);
      throw new DeployError('IMAGE_NOT_REPEATABLE', `The part ${record.name} differs from that of an earlier attempt.`);
    }
    if (earlier !== undefined) return;
    this.records.push(record);
    if (limits !== undefined) checkBundleSize(this.bundledSize(), limits);
    await journal?.add(record);
  }
}
