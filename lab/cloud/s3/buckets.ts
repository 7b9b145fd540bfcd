/**
 * A cloud's buckets and objects: names in memory, contents on disk. Replacing an object does not disturb those who are
 * reading it.
 */

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LabObject } from '../../types';

export interface StoredFile {
  readonly key: string;
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  readonly acl: string;
  /** Its `x-amz-meta-…` headers. */
  readonly meta: Readonly<Record<string, string>>;
  readonly at: number;
  /** Path of its contents. */
  readonly path: string;
}

export interface Bucket {
  readonly name: string;
  /** Account number. */
  readonly owner: string;
  readonly files: Map<string, StoredFile>;
}

export class Buckets {
  private readonly byName = new Map<string, Bucket>();
  private arrivals = 0;

  constructor(private readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  get(name: string): Bucket | undefined {
    return this.byName.get(name);
  }

  ofOwner(owner: string): Bucket[] {
    return [...this.byName.values()].filter((bucket) => bucket.owner === owner);
  }

  create(name: string, owner: string): void {
    mkdirSync(join(this.dir, name), { recursive: true });
    this.byName.set(name, { name, owner, files: new Map() });
  }

  remove(name: string): void {
    rmSync(join(this.dir, name), { recursive: true, force: true });
    this.byName.delete(name);
  }

  /** A path for an incoming body. */
  arrival(): string {
    this.arrivals += 1;
    return join(this.dir, `arriving-${this.arrivals}`);
  }

  put({ name, files }: Bucket, arrived: string, file: Omit<StoredFile, 'path' | 'at'>): void {
    const path = join(this.dir, name, `o-${encodeURIComponent(file.key)}`);
    renameSync(arrived, path);
    files.set(file.key, { ...file, path, at: Date.now() });
  }

  delete({ files }: Bucket, key: string): void {
    const file = files.get(key);
    if (file === undefined) return;
    files.delete(key);
    rmSync(file.path, { force: true });
  }

  objects(): LabObject[] {
    const all = [...this.byName.values()].flatMap(({ name, files }) =>
      [...files.values()].map(({ key, size, md5, acl }) => ({ bucket: name, key, size, md5, acl })),
    );
    return all.sort((a, b) => (`${a.bucket}/${a.key}` < `${b.bucket}/${b.key}` ? -1 : 1));
  }
}
