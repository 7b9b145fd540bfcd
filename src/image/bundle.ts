/**
 * An image as a bundle: encrypted parts and a manifest. The same image, keys and facts give the same bytes, in this attempt and in any
 * other, so what is there already need neither be sent nor, where a journal was kept, be made again.
 */

import { availableParallelism } from 'node:os';
import { DeployError } from '../deployment/errors';
import { checkBundleSize, checkFacts, checkImageSize } from './checks';
import type { BundleFacts, SizeLimits } from './checks';
import { MEMBER } from './compressor';
import type { Journal, JournalKey } from './journal';
import { encryptHex, signText } from './keys';
import type { Identity } from './keys';
import { manifestName, writeManifest } from './manifest';
import { members } from './members';
import { cutParts } from './parts';
import type { MadePart, Part, PartRecord, PartStart } from './parts';
import { bundleName, deriveSecrets } from './secrets';
import type { BundleSecrets } from './secrets';
import type { Source } from './source';
import { survey } from './survey';
import type { Lanes, Survey } from './survey';

export interface BundleRequest {
  readonly source: Source;
  readonly facts: BundleFacts;
  readonly identity: Identity;
}

export interface BundleOptions {
  readonly journal?: Journal;
  readonly limits?: SizeLimits;
  readonly signal?: AbortSignal;
  /** Called again and again while the image is read and its parts are made: where it is not, something hangs. */
  readonly moved?: () => void;
  /**
   * Blocks worked on at once. Default: two more than processors, at most 4, which is what libuv's thread pool has by default. Each
   * takes about 4 MiB.
   */
  readonly lanes?: number;
}

/** Whether an object of that name with that MD5 is there, so that the part is not wanted. */
export type IsThere = (record: PartRecord) => boolean | Promise<boolean>;

const NOT_THERE: IsThere = () => false;

/** Reads the image once, or believes the journal where the file is the same still. The source stays the caller's to close. */
export async function openBundle(request: BundleRequest, options: BundleOptions = {}): Promise<Bundle> {
  const { source, facts, identity } = request;
  checkFacts(facts);
  if (options.limits !== undefined) checkImageSize(source.size, options.limits);
  const key = { bundle: bundleName(facts, identity), stamp: source.stamp };
  const known = await options.journal?.load(key);
  const lanes = lanesOf(options);
  const seen = known?.survey ?? (await survey(source, facts.prefix, lanes));
  if (known === undefined) await options.journal?.begin(key, seen);
  return new Bundle(request, options, lanes, key, seen, deriveSecrets(identity, key.bundle, seen.content), [
    ...(known?.parts ?? []),
  ]);
}

function lanesOf({ lanes, signal, moved }: BundleOptions): Lanes {
  return {
    lanes: lanes ?? Math.min(4, availableParallelism() + 2),
    ...(signal === undefined ? {} : { signal }),
    ...(moved === undefined ? {} : { moved }),
  };
}

export class Bundle {
  constructor(
    private readonly request: BundleRequest,
    private readonly options: BundleOptions,
    private readonly lanes: Lanes,
    private readonly key: JournalKey,
    readonly survey: Survey,
    private readonly secrets: BundleSecrets,
    private readonly records: PartRecord[],
  ) {}

  /** Parts known so far, from this attempt and earlier ones. */
  get known(): readonly PartRecord[] {
    return this.records;
  }

  get complete(): boolean {
    const last = this.records.at(-1);
    return last !== undefined && last.next === undefined;
  }

  /** How much of the image lies before the end of this part, to a block. */
  reached({ next }: PartRecord): number {
    return Math.min(this.survey.size, next === undefined ? Infinity : next.member * MEMBER);
  }

  get manifestName(): string {
    return manifestName(this.request.facts.prefix);
  }

  /**
   * Every part in order, with its bytes unless `isThere` says so: it is asked before the part is made where an earlier attempt made it,
   * and after that otherwise. Nothing is done ahead of the caller beyond the blocks of all lanes: who wants to upload while the next
   * part is made asks for it before the upload has ended.
   */
  async *parts(isThere: IsThere = NOT_THERE): AsyncGenerator<Part, void> {
    let making: AsyncGenerator<MadePart, void> | undefined;
    try {
      for (let index = 0, last = false; !last; index++) {
        const record = this.records[index];
        const there = record !== undefined && (await isThere(record));
        if (there) {
          await making?.return();
          making = undefined;
        } else {
          making ??= this.made(index);
        }
        const part = there
          ? { ...record, bytes: undefined }
          : await this.take(making, record === undefined ? isThere : NOT_THERE);
        last = part.next === undefined;
        yield part;
      }
    } finally {
      await making?.return();
    }
  }

  /** Once all parts are known. */
  manifest(): string {
    if (!this.complete) throw new Error('The manifest lists all parts: they must have been made before.');
    const { facts, identity } = this.request;
    const bundledSize = this.records.reduce((sum, { size }) => sum + size, 0);
    const content = {
      ...facts,
      digest: this.survey.tarDigest,
      size: this.survey.size,
      bundledSize,
      keys: this.encryptedKeys(),
      parts: this.records,
    };
    return writeManifest(content, (text) => signText(identity.privateKey, text));
  }

  private made(index: number): AsyncGenerator<MadePart, void> {
    const { source, facts } = this.request;
    const start = index === 0 ? this.start() : this.records[index - 1]?.next;
    if (start === undefined) throw new Error(`There is no part ${index}.`);
    const compressed = members(source, facts.prefix, this.survey, start.member, this.lanes);
    return cutParts(compressed, { prefix: facts.prefix, key: this.secrets.key, index, start });
  }

  private start(): PartStart {
    return { member: 0, skip: 0, iv: this.secrets.iv.toString('hex') };
  }

  private async take(making: AsyncGenerator<MadePart, void> | undefined, isThere: IsThere): Promise<Part> {
    const part = (await making?.next())?.value;
    if (part === undefined) throw new Error('The parts ended before the last.');
    await this.request.source.assertUnchanged();
    await this.remember(part);
    return (await isThere(part)) ? { ...part, bytes: undefined } : part;
  }

  private async remember({ bytes: _bytes, ...record }: MadePart): Promise<void> {
    const before = this.records[record.index];
    if (before !== undefined && before.md5 !== record.md5) {
      await this.options.journal?.begin(this.key, this.survey);
      throw new DeployError(
        'IMAGE_NOT_REPEATABLE',
        `Part ${record.name} came out otherwise than in an earlier attempt.`,
      );
    }
    if (before !== undefined) return;
    this.records.push(record);
    if (this.options.limits !== undefined)
      checkBundleSize(
        this.records.reduce((sum, { size }) => sum + size, 0),
        this.options.limits,
      );
    await this.options.journal?.add(record);
  }

  private encryptedKeys(): { cloudKey: string; userKey: string; cloudIv: string; userIv: string } {
    const { certificate, cloudCertificate } = this.request.identity;
    const { key, iv, noise } = this.secrets;
    const encrypted = (purpose: string, to: typeof certificate, secret: Buffer): string =>
      encryptHex(to, secret.toString('hex'), (length) => noise(purpose, length));
    return {
      cloudKey: encrypted('cloud key', cloudCertificate, key),
      userKey: encrypted('user key', certificate, key),
      cloudIv: encrypted('cloud iv', cloudCertificate, iv),
      userIv: encrypted('user iv', certificate, iv),
    };
  }
}
