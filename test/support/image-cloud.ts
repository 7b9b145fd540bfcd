/** One account's images and objects in memory, with what goes wrong on the way, and the files images are made of. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecrets } from '../../src/adapters/secrets';
import { createImageFiles } from '../../src/adapters/image-files';
import type { Dependencies } from '../../src/steps/dependencies';
import { KnownSecrets } from '../../src/activities/known-secrets';
import type { Cloud, CloudImage, ObjectStore, PutOptions, RegisterRequest, StoredObject } from '../../src/steps/ports';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import { openIndependently, shell, writeKeys } from '../image/support';

export class ImageCloud {
  readonly images: CloudImage[] = [];
  readonly objects = new Map<string, Buffer>();
  /** Marks of those that bear one. */
  readonly owners = new Map<string, string>();
  /** Keys of objects, in the order in which they were stored. */
  readonly stored: string[] = [];
  readonly removed: string[] = [];
  registrations = 0;
  /** Of coming calls: an error before anything happened, or `lost`: it happened, and the answer did not come. */
  readonly putFaults: (ErrorCode | 'lost' | undefined)[] = [];
  readonly registerFaults: (ErrorCode | 'lost')[] = [];
  foreignBucket = false;
  /** Ids of images that are another account's. */
  readonly foreign = new Set<string>();
  /** State of new images. */
  state: CloudImage['state'] = 'available';
  inFlight = 0;
  mostInFlight = 0;

  readonly cloud = {
    account: 'acct',
    registersOnce: false,
    lateEffect: 60_000,
    checkAccess: () => Promise.resolve(),
    ownImages: () => Promise.resolve(this.images.filter(({ id }) => !this.foreign.has(id))),
    imagesAt: (location: string) => Promise.resolve(this.images.filter((image) => image.location === location)),
    registerImage: (request: RegisterRequest) => this.register(request),
    deregisterImage: (id: string) =>
      Promise.resolve(
        void this.images.splice(0, this.images.length, ...this.images.filter((image) => image.id !== id)),
      ),
  } as unknown as Cloud;

  readonly store: ObjectStore = {
    ensureBucket: () =>
      this.foreignBucket
        ? Promise.reject(new DeployError('IMAGE_BUCKET_FOREIGN', 'It is not ours.'))
        : Promise.resolve(),
    head: (bucket, key) => {
      const [found, owner] = [this.object(`${bucket}/${key}`), this.owners.get(`${bucket}/${key}`)];
      return Promise.resolve(found && { ...found, ...(owner === undefined ? {} : { owner }) });
    },
    list: (bucket, prefix) =>
      Promise.resolve(
        [...this.objects.keys()]
          .filter((key) => key.startsWith(`${bucket}/${prefix}`))
          .flatMap((key) => this.object(key) ?? []),
      ),
    put: (bucket, key, body, md5, options) => this.put(`${bucket}/${key}`, body, md5, options),
    get: (bucket, key) => Promise.resolve(this.objects.get(`${bucket}/${key}`) ?? Buffer.alloc(0)),
    remove: (bucket, key) => {
      if (this.objects.delete(`${bucket}/${key}`)) this.removed.push(key);
      this.owners.delete(`${bucket}/${key}`);
      return Promise.resolve();
    },
  };

  /** Everything activities of publishing need but the client of Temporal. */
  dependencies(folder: string): Pick<Dependencies, 'secrets' | 'clouds' | 'files'> {
    return {
      secrets: new KnownSecrets(createSecrets()),
      clouds: { open: () => Promise.resolve(this.cloud), store: () => Promise.resolve(this.store) },
      files: createImageFiles(join(folder, 'state')),
    };
  }

  /** Opens a bundle by openssl, gzip and tar, with the cloud's key. @returns SHA-256 of the image in it */
  unbundled(folder: string, prefix: string): string {
    const place = mkdtempSync(join(folder, 'seen-'));
    for (const [key, bytes] of this.objects) writeFileSync(join(place, key.slice(key.indexOf('/') + 1)), bytes);
    openIndependently(place, this.objects.get(`stackato-images/${prefix}.manifest.xml`)?.toString('latin1') ?? '');
    return shell('tar -xOf archive.tar | sha256sum', place).split(' ')[0] ?? '';
  }

  private object(path: string): StoredObject | undefined {
    const bytes = this.objects.get(path);
    return bytes === undefined
      ? undefined
      : {
          key: path.slice(path.indexOf('/') + 1),
          size: bytes.length,
          md5: createHash('md5').update(bytes).digest('hex'),
        };
  }

  private async put(path: string, body: Buffer, md5: string, { owner, onProgress }: PutOptions = {}): Promise<void> {
    onProgress?.();
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.inFlight -= 1;
    const fault = this.putFaults.shift();
    if (fault !== undefined && fault !== 'lost') throw new DeployError(fault, `The store says ${fault}.`);
    if (createHash('md5').update(body).digest('hex') !== md5) throw new DeployError('CLOUD_REFUSED', 'BadDigest');
    this.objects.set(path, Buffer.from(body));
    if (owner === undefined) this.owners.delete(path);
    else this.owners.set(path, owner);
    this.stored.push(path.slice(path.indexOf('/') + 1));
    if (fault === 'lost') throw new DeployError('CLOUD_UNREACHABLE', 'The answer was lost.');
  }

  /** As 3.2 does it: a second one of the same name is no matter. */
  private register({ kind, name, location, description, kernelId, ramdiskId }: RegisterRequest): Promise<string> {
    const fault = this.registerFaults.shift();
    if (fault !== undefined && fault !== 'lost')
      return Promise.reject(new DeployError(fault, `The cloud says ${fault}.`));
    if (!this.objects.has(location)) return Promise.reject(new DeployError('CLOUD_REFUSED', 'There is no manifest.'));
    const id = `${{ kernel: 'eki', ramdisk: 'eri', machine: 'emi' }[kind]}-${String(++this.registrations).padStart(8, '0')}`;
    const bound = {
      ...(kernelId === undefined ? {} : { kernelId }),
      ...(ramdiskId === undefined ? {} : { ramdiskId }),
    };
    this.images.push({ id, kind, name, location, state: this.state, description, ...bound });
    return fault === 'lost'
      ? Promise.reject(new DeployError('CLOUD_UNREACHABLE', 'The answer was lost.'))
      : Promise.resolve(id);
  }
}

/** Kernel, ramdisk, root and keys, as imageIn (support/specs.ts) names them. */
export function writeImageFiles(folder: string, root: Buffer): void {
  mkdirSync(folder, { recursive: true });
  writeKeys(folder);
  writeFileSync(join(folder, 'vmlinuz'), 'a kernel');
  writeFileSync(join(folder, 'initrd'), 'a ramdisk');
  writeFileSync(join(folder, 'root.img'), root);
}
