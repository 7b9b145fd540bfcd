/** How far something is that is counted in bytes. Pure: time comes in. */

import { span } from './text';

export interface Measured {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** Bytes a second; undefined: too early to tell. */
  readonly rate?: number;
  readonly note?: string;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(count: number): string {
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power] ?? ''}`;
}

/** `bundling   61%  1.2 GiB of 2.0 GiB  85.0 MiB/s  ETA 9.6s  part 12` */
export function progressLine({ what, done, total, rate, note }: Measured): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  const left = total - done;
  return [
    what.padEnd(10),
    `${percent}%`.padStart(4),
    ` ${bytes(done)} of ${bytes(total)}`,
    ...(rate === undefined ? [] : [` ${bytes(rate)}/s`]),
    ...(rate === undefined || rate === 0 || left === 0 ? [] : [` ETA ${span((left / rate) * 1000)}`]),
    ...(note === undefined ? [] : [` ${note}`]),
  ].join(' ');
}

/** What was done longer ago says little of how fast it goes now: holes, and what is there already, fly by. */
const WINDOW = 10_000;
const EARLY = 500;

export class Meter {
  private samples: readonly { readonly at: number; readonly done: number }[];

  constructor(now: number) {
    this.samples = [{ at: now, done: 0 }];
  }

  /** @returns bytes a second; undefined: too early to tell */
  rate(done: number, now: number): number | undefined {
    const inside = this.samples.findIndex(({ at }) => at > now - WINDOW);
    // The last one from before the window is where the window begins.
    this.samples = [...this.samples.slice(inside === -1 ? -1 : Math.max(0, inside - 1)), { at: now, done }];
    const [first] = this.samples;
    return first === undefined || now - first.at < EARLY ? undefined : ((done - first.done) / (now - first.at)) * 1000;
  }
}
