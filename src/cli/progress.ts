/** Shows on stderr how far a long command is: a line drawn anew on a terminal, a line now and then elsewhere. */

import { Meter, progressLine } from './render/progress';
import { clip } from './render/text';
import { redrawnOn } from './redrawn';
import { canRedraw, shown } from './screen';

export interface Progress {
  /** Ends what was begun before. */
  begin(what: string, total: number): void;
  at(done: number, note?: string): void;
  end(): void;
}

interface Line {
  /** Milliseconds between two. */
  readonly every: number;
  draw(line: string): void;
  /** What was drawn last stays. */
  keep(line: string): void;
}

export async function progressOnStderr(): Promise<Progress> {
  const { stderr } = process;
  return new Shown(canRedraw(stderr) ? await redrawn() : plain());
}

function plain(): Line {
  const write = (line: string): void => void process.stderr.write(`${shown(line)}\n`);
  return { every: 10_000, draw: write, keep: write };
}

async function redrawn(): Promise<Line> {
  const area = await redrawnOn(process.stderr);
  const draw = (line: string): void => area.draw(clip(line, process.stderr.columns));
  return {
    every: 100,
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
  /** It never goes back, though several reads are under way at once. */
  done: number;
  note?: string;
}

class Shown implements Progress {
  private task: Task | undefined;
  private drawn = 0;

  constructor(private readonly line: Line) {}

  begin(what: string, total: number): void {
    this.end();
    this.drawn = Date.now();
    this.task = { what, total, done: 0, meter: new Meter(this.drawn) };
  }

  at(done: number, note?: string): void {
    if (this.task === undefined) return;
    this.task.done = Math.max(this.task.done, done);
    if (note !== undefined) this.task.note = note;
    const now = Date.now();
    if (now - this.drawn < this.line.every) return;
    this.drawn = now;
    this.line.draw(text(this.task, now));
  }

  end(): void {
    // What was known already never moved, and has nothing to tell.
    if (this.task !== undefined && this.task.done > 0) this.line.keep(text(this.task, Date.now()));
    this.task = undefined;
  }
}

function text({ what, total, done, meter, note }: Task, now: number): string {
  const rate = meter.rate(done, now);
  return progressLine({
    what,
    total,
    done,
    ...(rate === undefined ? {} : { rate }),
    ...(note === undefined ? {} : { note }),
  });
}
