/** A cloud's images: those it came with, and registered ones, which are cached (unbundled) at once. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeImage, PublishedImage, UnbundledImage } from '../types';
import type { BundleKeys } from './bundle-keys';
import { signedBy } from './bundles/manifest';
import type { Manifest } from './bundles/manifest';
import { unbundle } from './bundles/unbundle';
import type { Unbundled } from './bundles/unbundle';
import type { Dialect, ImageRow } from './dialects';
import type { Buckets } from './s3/buckets';

export const OWNER = '000123456789';
/** Owner of the images that the cloud came with. */
const CATALOGUE_OWNER = '000000000001';

export interface ImageRecord extends ImageRow {
  readonly location: string;
  readonly owner: string;
  readonly description: string;
  readonly architecture: string;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly state: 'pending' | 'available' | 'failed' | 'deregistered';
}

export type Registration = Omit<ImageRecord, 'id' | 'owner' | 'state'> & {
  readonly manifest: Manifest;
  readonly bucket: string;
};

interface Registered {
  record: ImageRecord;
  readonly manifest: Manifest;
  readonly cached: Promise<Unbundled>;
}

export class Images {
  private readonly registered = new Map<string, Registered>();
  private readonly catalogue: readonly ImageRecord[];

  /** @param folder where unbundled images are kept, for machines that boot them; undefined: they are not kept */
  constructor(
    private readonly dialect: Dialect,
    private readonly buckets: Buckets,
    private readonly keys: BundleKeys,
    private readonly folder: string | undefined,
  ) {
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
    this.catalogue = dialect.images.map((row) => ({
      ...row,
      location: `stackato/${row.name}.manifest.xml`,
      owner: CATALOGUE_OWNER,
      description: 'Stackato 2.6.6 (simulated)',
      architecture: 'x86_64',
      state: 'available',
    }));
  }

  all(): ImageRecord[] {
    return [...this.catalogue, ...[...this.registered.values()].map(({ record }) => record)];
  }

  get(id: string): ImageRecord | undefined {
    return this.all().find((image) => image.id === id);
  }

  published(): PublishedImage[] {
    return [...this.registered.values()].map(({ record }) => publishedOf(record));
  }

  register({ manifest, bucket, ...image }: Registration): ImageRecord {
    const { prefixes, idLength, registersAsPending } = this.dialect.registration;
    const id = `${prefixes[image.type]}-${randomBytes(9).toString('hex').slice(0, idLength)}`;
    const record: ImageRecord = { ...image, id, owner: OWNER, state: registersAsPending ? 'pending' : 'available' };
    const cached = this.cache(id, manifest, bucket);
    const entry: Registered = { record, manifest, cached };
    this.registered.set(id, entry);
    const settle = (state: ImageRecord['state']): void => {
      if (entry.record.state === 'pending') entry.record = { ...entry.record, state };
    };
    cached.then(
      () => settle('available'),
      () => settle('failed'),
    );
    return record;
  }

  /** The first call marks the image as deregistered, the second removes it. */
  deregister(id: string): boolean {
    const entry = this.registered.get(id);
    if (entry === undefined) return false;
    if (entry.record.state === 'deregistered') this.registered.delete(id);
    entry.record = { ...entry.record, state: 'deregistered' };
    return true;
  }

  /**
   * Waits until the image is unbundled, and rejects if that fails; undefined if machines do not boot it. As in
   * ClusterAllocator.java, a changed manifest is noticed only after RunInstances was answered, and then ends the
   * instance.
   */
  async nodeImage(id: string): Promise<NodeImage | undefined> {
    const entry = this.registered.get(id);
    const { kernelId = '', ramdiskId = '' } = entry?.record ?? {};
    for (const part of [kernelId, ramdiskId])
      this.checkUnchanged(part, `Image manifest was changed after registration for: ${part}`);
    this.checkUnchanged(id, 'Instance manifest was changed after registration');
    await entry?.cached;
    if (this.folder === undefined) return undefined;
    const [kernel, ramdisk, root] = await Promise.all([kernelId, ramdiskId, id].map((part) => this.fileOf(part)));
    if (kernel === undefined || ramdisk === undefined || root === undefined) {
      throw new Error(
        `${id} cannot be booted: a machine under QEMU needs a root image, kernel and ramdisk that were published to this cloud.`,
      );
    }
    return { kernel, ramdisk, root };
  }

  async unbundled(id: string): Promise<UnbundledImage> {
    const entry = this.registered.get(id);
    if (entry === undefined) throw new Error(`${id} was not registered.`);
    const { sha256, size } = await entry.cached;
    return { ...publishedOf(entry.record), sha256, size, parts: entry.manifest.parts.map(({ filename }) => filename) };
  }

  private checkUnchanged(id: string, message: string): void {
    const entry = this.registered.get(id);
    if (entry === undefined || !this.dialect.registration.hashesManifest) return;
    const { location } = entry.record;
    const [bucket = '', ...key] = location.split('/');
    const file = this.buckets.get(bucket)?.files.get(key.join('/'));
    if (file === undefined || !READABLE_ACLS.has(file.acl))
      throw new Error(`Failed to read manifest file: ${location}`);
    if (sha256Of(readFileSync(file.path)) !== sha256Of(Buffer.from(entry.manifest.raw, 'latin1')))
      throw new Error(message);
  }

  private async fileOf(id: string): Promise<string | undefined> {
    const entry = this.registered.get(id);
    await entry?.cached;
    return entry === undefined || this.folder === undefined ? undefined : join(this.folder, id);
  }

  private async cache(id: string, manifest: Manifest, bucket: string): Promise<Unbundled> {
    const { verifiesSignature, readsByAcl, readsPaxSparse } = this.dialect.registration;
    if (verifiesSignature && !signedBy(manifest, readFileSync(this.keys.certificate('user'), 'utf8')))
      throw new Error('Invalid signature');
    const pathOf = (filename: string): string | undefined => {
      const file = this.buckets.get(bucket)?.files.get(filename);
      if (file !== undefined && readsByAcl && !READABLE_ACLS.has(file.acl))
        throw new Error(`The cloud may not read the part ${filename}.`);
      return file?.path;
    };
    const cloudKey = readFileSync(this.keys.privateKey('cloud'), 'utf8');
    return await unbundle(manifest, {
      cloudKey,
      pathOf,
      readsPaxSparse,
      ...(this.folder === undefined ? {} : { into: join(this.folder, id) }),
    });
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** ACLs that allow the cloud to read. */
export const READABLE_ACLS: ReadonlySet<string> = new Set([
  'aws-exec-read',
  'ec2-bundle-read',
  'public-read',
  'public-read-write',
]);

function publishedOf({ id, type, name, location, state, kernelId, ramdiskId }: ImageRecord): PublishedImage {
  return {
    id,
    kind: type,
    name,
    location,
    state,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
}
