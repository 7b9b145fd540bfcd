/** A program on a real terminal of a size, and what a person sees there: the terminal is the kernel's, the screen that of xterm. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Terminal } from '@xterm/headless';
import { eventually } from './wait';

export interface EndedOnTerminal {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const ROOT = join(__dirname, '../..');

export class OnTerminal {
  /** Everything that was written to it, as it was written. */
  raw = '';
  readonly ended: Promise<EndedOnTerminal>;
  private readonly terminal: Terminal;
  private readonly child: ChildProcess;
  private written: Promise<void> = Promise.resolve();

  constructor(command: readonly string[], [columns, rows]: readonly [number, number], env: NodeJS.ProcessEnv = {}) {
    this.terminal = new Terminal({
      cols: Math.max(columns, 2),
      rows: Math.max(rows, 1),
      scrollback: 10_000,
      allowProposedApi: true,
    });
    this.child = spawn('python3', [join(__dirname, 'on-terminal.py'), String(columns), String(rows), ...command], {
      cwd: ROOT,
      // Python would put another locale into the environment.
      env: { ...process.env, PYTHONCOERCECLOCALE: '0', TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env },
      stdio: 'pipe',
    });
    let said = '';
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    this.child.stdout?.on('data', (bytes: Buffer) => {
      this.raw += bytes.toString();
      this.written = this.written.then(() => new Promise((resolve) => this.terminal.write(bytes, resolve)));
    });
    this.ended = once(this.child, 'close').then(async () => {
      await this.written;
      return JSON.parse(said) as EndedOnTerminal;
    });
  }

  /** What stands on the screen, without the empty rows below. */
  screen(): string[] {
    return this.lines(this.terminal.buffer.active.baseY);
  }

  /** What can be seen by scrolling back, too. */
  all(): string[] {
    return this.lines(0);
  }

  async until(
    what: string,
    seen: (screen: readonly string[]) => boolean,
    limitMs = 30_000,
  ): Promise<readonly string[]> {
    try {
      return await eventually(
        what,
        async () => {
          await this.written;
          const screen = this.screen();
          return seen(screen) && screen;
        },
        limitMs,
      );
    } catch (error) {
      throw new Error(`${String(error)}\nOn the screen:\n${this.screen().join('\n')}`);
    }
  }

  type(text: string): void {
    this.order({ type: text });
  }

  resize(columns: number, rows: number): void {
    this.terminal.resize(columns, rows);
    this.order({ size: [columns, rows] });
  }

  kill(): void {
    this.order({ signal: 9 });
  }

  get cursorIsHidden(): boolean {
    return this.raw.lastIndexOf('\u001b[?25l') > this.raw.lastIndexOf('\u001b[?25h');
  }

  private order(what: object): void {
    this.child.stdin?.write(`${JSON.stringify(what)}\n`);
  }

  private lines(from: number): string[] {
    const { active } = this.terminal.buffer;
    const lines = Array.from(
      { length: active.length - from },
      (_, i) => active.getLine(from + i)?.translateToString(true) ?? '',
    );
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }
}
