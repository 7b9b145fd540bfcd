/**
 * A cache of moto's rows of one type (instances, say): all are read once, then single rows after a change. Only this
 * process changes moto, so it knows which rows changed. Reading all rows after every change would take minutes with a
 * few hundred instances.
 */

import { MotoError } from './moto-client';
import type { MotoClient } from './moto-client';
import type { Params } from './parameters';
import type { Branch } from './xml';

export interface RowSource<T> {
  readonly action: string;
  /** The parameter that selects one row. */
  readonly by: string;
  readonly all: Params;
  readonly extract: (answer: Branch) => T[];
  readonly keyOf: (row: T) => string;
}

export class RowCache<T> {
  private rows: Promise<Map<string, T>> | undefined;

  constructor(
    private readonly moto: MotoClient,
    private readonly sort: RowSource<T>,
  ) {}

  async all(): Promise<T[]> {
    return [...(await this.loaded()).values()];
  }

  /** Must be called after a change, before it is answered. Drops rows that no longer exist. */
  async refresh(...keys: readonly string[]): Promise<void> {
    const rows = await this.loaded();
    for (const key of keys) {
      const row = await this.one(key);
      if (row === undefined) rows.delete(key);
      else rows.set(key, row);
    }
  }

  private loaded(): Promise<Map<string, T>> {
    this.rows ??= this.load();
    // A failure is not cached.
    this.rows.catch(() => (this.rows = undefined));
    return this.rows;
  }

  private async load(): Promise<Map<string, T>> {
    const { action, all, extract, keyOf } = this.sort;
    return new Map(extract(await this.moto.call(action, all)).map((row) => [keyOf(row), row]));
  }

  private async one(key: string): Promise<T | undefined> {
    const { action, by, extract } = this.sort;
    try {
      return extract(await this.moto.call(action, { [`${by}.1`]: key }))[0];
    } catch (error) {
      if (error instanceof MotoError && error.code.endsWith('.NotFound')) return undefined;
      throw error;
    }
  }
}
