/** The end of the screen, drawn again and again. */

import type { WriteStream } from 'node:tty';
import { columnsOf } from './render/text';
import { shown } from './screen';

export interface Area {
  draw(text: string): void;
  /** To be called when the terminal has another size, before it is drawn anew. */
  resized(): void;
  clear(): void;
  /** What was drawn last stays. */
  keep(): void;
}

const UP_AND_ERASE = '\u001b[1A\u001b[2K';

export async function redrawnOn(stream: WriteStream): Promise<Area> {
  // An ES module, and of no use to commands that draw nothing.
  const { createLogUpdate } = await import('log-update');
  // The cursor is never hidden: whatever ends this process, there is nothing to put back.
  const screen = createLogUpdate(stream, { showCursor: true });
  let drawn: readonly string[] = [];
  let width = stream.columns;
  return {
    draw: (text) => {
      width = stream.columns;
      drawn = shown(text).split('\n');
      screen(drawn.join('\n'));
    },
    resized: () => {
      // A narrower terminal has wrapped the lines that stand there: they take more rows than were drawn.
      stream.write(UP_AND_ERASE.repeat(rowsMore(drawn, width, stream.columns)));
    },
    clear: () => {
      drawn = [];
      screen.clear();
    },
    keep: () => screen.done(),
  };
}

/** Lines longer than the old width were drawn as several. */
function rowsMore(lines: readonly string[], before: number, after: number): number {
  return lines.reduce((sum, line) => {
    const columns = columnsOf(line);
    const whole = Math.floor(columns / before);
    const rest = columns % before;
    return sum + whole * (Math.ceil(before / after) - 1) + Math.max(0, Math.ceil(rest / after) - 1);
  }, 0);
}
