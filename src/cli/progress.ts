/** Shows on stderr how far a long command is: a line redrawn on a terminal, a line now and then elsewhere. */

import { bytes, clip, duration } from './render/text';
import { canRedraw, liveArea, shown } from './terminal';

export interface Progress {
  /** Ends what was begun before. */
  begin(what: string, total: number): void;
  at(done: number, note?: string): void;
  end(): void;
}

/** Where progress is shown. */
interface ProgressLine {
  /** Milliseconds between two lines. */
  readonly interval: number;
  draw(line: string): void;
  /** The last one, which stays. */
  keep(line: string): void;
}

export async function progressOnStderr(): Promise<Progress> {
  return new StderrProgress(canRedraw(process.stderr) ? await redrawnLine() : loggedLine());
}

function loggedLine(): ProgressLine {
  const write = (line: string): void => void process.stderr.write(`${shown(line)}\n`);
  return { interval: 10_000, draw: write, keep: write };
}

async function redrawnLine(): Promise<ProgressLine> {
  const area = await liveArea(process.stderr);
  const draw = (line: string): void => area.draw(clip(line, process.stderr.columns));
  return {
    interval: 100,
    draw,
    keep: (line) => {
      draw(line);
      area.keep();
    },
  };
}

interface Task {
  readonly what: string;
  readonly total: number;
  readonly meter: Meter;
  /** Never goes back, though several reads run at once. */
  done: number;
  note?: string;
}

class StderrProgress implements Progress {
  private task: Task | undefined;
  private drawnAt = 0;

  constructor(private readonly line: ProgressLine) {}

  begin(what: string, total: number): void {
    this.end();
    this.drawnAt = Date.now();
    this.task = { what, total, done: 0, meter: new Meter(this.drawnAt) };
  }

  at(done: number, note?: string): void {
    if (this.task === undefined) return;
    this.task.done = Math.max(this.task.done, done);
    if (note !== undefined) this.task.note = note;
    const now = Date.now();
    if (now - this.drawnAt < this.line.interval) return;
    this.drawnAt = now;
    this.line.draw(taskLine(this.task, now));
  }

  end(): void {
    // A task that had nothing to do never moved.
    if (this.task !== undefined && this.task.done > 0) this.line.keep(taskLine(this.task, Date.now()));
    this.task = undefined;
  }
}

function taskLine({ what, total, done, meter, note }: Task, now: number): string {
  const rate = meter.rate(done, now);
  return progressLine({
    what,
    total,
    done,
    ...(rate === undefined ? {} : { rate }),
    ...(note === undefined ? {} : { note }),
  });
}

export interface ProgressFigures {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** Bytes a second; undefined: too early to tell. */
  readonly rate?: number;
  readonly note?: string;
}

/** `bundling   61%  1.2 GiB of 2.0 GiB  85.0 MiB/s  ETA 9.6s  part 12` */
export function progressLine({ what, done, total, rate, note }: ProgressFigures): string {
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  const left = total - done;
  return [
    what.padEnd(10),
    `${percent}%`.padStart(4),
    ` ${bytes(done)} of ${bytes(total)}`,
    ...(rate === undefined ? [] : [` ${bytes(rate)}/s`]),
    ...(rate === undefined || rate === 0 || left === 0 ? [] : [` ETA ${duration((left / rate) * 1000)}`]),
    ...(note === undefined ? [] : [` ${note}`]),
  ].join(' ');
}

/** Only the last seconds count: holes, and what is there already, go by much faster than the rest. */
const WINDOW = 10_000;
const TOO_EARLY = 500;

/** Measures how fast it goes. */
export class Meter {
  private samples: readonly { readonly at: number; readonly done: number }[];

  constructor(now: number) {
    this.samples = [{ at: now, done: 0 }];
  }

  /** @returns bytes a second; undefined: too early to tell */
  rate(done: number, now: number): number | undefined {
    const inside = this.samples.findIndex(({ at }) => at > now - WINDOW);
    // The last sample before the window is the window's beginning.
    this.samples = [...this.samples.slice(inside === -1 ? -1 : Math.max(0, inside - 1)), { at: now, done }];
    const [first] = this.samples;
    return first === undefined || now - first.at < TOO_EARLY
      ? undefined
      : ((done - first.done) / (now - first.at)) * 1000;
  }
}
