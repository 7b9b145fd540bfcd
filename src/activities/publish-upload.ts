/**
 * Bundles one part of an image and puts it into its bucket: parts first, side by side with the bundling of the next, the manifest
 * last. What is there with the same MD5 is not sent again, and no manifest is ever beside parts that are not its own.
 */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SIZE_LIMITS, openBundle, openJournal } from '../image';
import type { Bundle, Part } from '../image';
import { DeployError, errorRow } from '../spec/errors';
import { imageWorkflowId } from '../spec/names';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { ObjectStore } from './ports';
import { Flights } from './publish-flights';
import { UploadProgress } from './publish-progress';
import { identityOf, openSource } from './publish-source';
import { insistOnSame, storedBundle } from './publish-stored';
import type { StoredBundle } from './publish-stored';
import { findRegistered, targetOf } from './publish-target';
import type { Target } from './publish-target';
import type { PartInput, Uploaded } from './types';

/** Each holds a part of 10 MiB. */
const IN_FLIGHT = 3;
const TRIES = 4;
const PAUSE = 500;

export async function uploadImage(deps: Dependencies, input: PartInput, attempt: Attempt): Promise<Uploaded> {
  const target = targetOf(input);
  const store = await deps.clouds.store(input.cloud);
  const registered = (await findRegistered(await deps.clouds.open(input.cloud), target)) !== undefined;
  const stored = await storedBundle(store, target);
  if (registered && stored.manifest !== undefined) insistOnSame(target, stored.manifest);
  const usable = registered && stored.whole;
  // An image that is registered and whole is not fetched only to be compared.
  const path = usable ? await deps.files.find(target.file) : await deps.files.fetch(target.file, attempt);
  if (path === undefined) return { sentBytes: 0, sentParts: 0, thereParts: stored.parts.size };
  const source = await openSource(deps.files, target.file, input.part, path);
  try {
    attempt.report(`${input.part}: reading ${source.path}`);
    const identity = await identityOf(deps.secrets, input.image.signing);
    const journal = openJournal(await deps.files.journal(journalName(input)));
    const bundle = await openBundle({ source, facts: target.facts, identity }, { journal, limits: SIZE_LIMITS[input.cloud.kind], signal: attempt.signal });
    if (registered && stored.manifest !== undefined) insistOnSame(target, stored.manifest, bundle.survey.tarDigest);
    if (usable) return { sentBytes: 0, sentParts: 0, thereParts: stored.parts.size };
    return await new Upload(store, target, stored, attempt, new UploadProgress(input.part)).send(bundle, registered);
  } finally {
    await source.close();
  }
}

/** One for each bundle: two attempts at different ones never write into each other's. */
function journalName({ cloud, image, part }: PartInput): string {
  return createHash('sha256').update(`${imageWorkflowId(cloud, image)}/${part}`).digest('hex').slice(0, 40);
}

class Upload {
  private readonly flights = new Flights(IN_FLIGHT);

  constructor(
    private readonly store: ObjectStore,
    private readonly target: Target,
    private readonly stored: StoredBundle,
    private readonly attempt: Attempt,
    private readonly progress: UploadProgress,
  ) {}

  /** @param registered the manifest is in use, and of the same image: it stays while parts that got lost are put back */
  async send(bundle: Bundle, registered: boolean): Promise<Uploaded> {
    const { target: { bucket, manifest }, store, attempt, progress } = this;
    const names = new Set<string>();
    let begun = registered;
    try {
      for await (const part of bundle.parts(({ name, md5 }) => this.stored.parts.get(name)?.md5 === md5)) {
        attempt.signal.throwIfAborted();
        names.add(part.name);
        if (part.bytes === undefined) progress.thereParts += 1;
        else {
          if (!begun) await store.remove(bucket, manifest);
          begun = true;
          await this.flights.take(() => this.put(part));
        }
        attempt.report(progress.line(bundle.survey.size === 0 ? 1 : bundle.reached(part) / bundle.survey.size, bundle.complete));
      }
      await this.flights.landed();
    } finally {
      await this.flights.settled();
    }
    await this.removeOthers(names);
    await this.putManifest(bundle.manifest());
    attempt.report(progress.line(1, true));
    return { sentBytes: progress.sentBytes, sentParts: progress.sentParts, thereParts: progress.thereParts };
  }

  private async put({ name, bytes, md5 }: Part): Promise<void> {
    if (bytes === undefined) return;
    const { bucket } = this.target;
    for (let tries = 1; ; tries++) {
      this.attempt.assertTimely();
      try {
        await this.store.put(bucket, name, bytes, md5);
        break;
      } catch (error) {
        if (!(error instanceof DeployError) || errorRow(error.code).retry !== 'yes' || tries === TRIES) throw error;
        await this.pause(Math.max(error.retryAfter ?? 0, PAUSE * 2 ** (tries - 1)));
        // Only the answer may have got lost.
        if ((await this.store.head(bucket, name).catch(() => undefined))?.md5 === md5) break;
      }
    }
    this.progress.sent(bytes.length);
  }

  /** Parts of another content, of more parts than this one. */
  private async removeOthers(names: ReadonlySet<string>): Promise<void> {
    for (const name of this.stored.parts.keys()) {
      if (names.has(name)) continue;
      this.attempt.assertTimely();
      await this.store.remove(this.target.bucket, name);
    }
  }

  private async putManifest(text: string): Promise<void> {
    const bytes = Buffer.from(text, 'latin1');
    const md5 = createHash('md5').update(bytes).digest('hex');
    const { bucket, manifest } = this.target;
    if ((await this.store.head(bucket, manifest))?.md5 === md5) return;
    this.attempt.assertTimely();
    await this.store.put(bucket, manifest, bytes, md5);
    this.progress.sentBytes += bytes.length;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms);
    this.attempt.signal.throwIfAborted();
  }
}
