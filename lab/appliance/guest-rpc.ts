/**
 * Remote calls from the machine's programs, which are small shell scripts (guest/), to the appliance in the lab's
 * process. Requests come through one FIFO, each reply goes to a FIFO of the caller's own. A reply is shell code, which
 * the script evaluates.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { MachineFiles } from './machine-files';

/** What the script does next. */
export interface GuestReply {
  readonly lines: readonly string[];
  /**
   * Called when the script has done it, with the words that `nextArgs` expands to in the script's shell. Absent: the
   * script ends.
   */
  readonly next?: (words: readonly string[]) => GuestReply | Promise<GuestReply>;
  readonly nextArgs?: string;
}

export type GuestHandler = (words: readonly string[]) => GuestReply | Promise<GuestReply>;

export class GuestRpc {
  private readonly socket: Socket;
  private pending: Buffer = Buffer.alloc(0);
  /** The `next` of each script that has been told to call again, by the number it was given. */
  private readonly continuations = new Map<string, NonNullable<GuestReply['next']>>();
  private count = 0;

  constructor(
    files: MachineFiles,
    private readonly ask: GuestHandler,
  ) {
    const fifo = `${files.path}/run/rpc`;
    execFileSync('mkfifo', ['-m', '600', fifo]);
    // Opened for writing too, because the read end would close when the first script closes the FIFO.
    this.socket = new Socket({
      fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('error', () => undefined);
  }

  /** For a reboot, after which no script calls again. */
  forget(): void {
    this.continuations.clear();
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    const { texts, rest } = netstrings(Buffer.concat([this.pending, chunk]));
    this.pending = rest;
    for (const text of texts) {
      const [back = '', ...words] = netstrings(text).texts.map(String);
      void this.serve(back, words);
    }
  }

  private async serve(back: string, words: readonly string[]): Promise<void> {
    try {
      const told = words[0] === 'back' ? this.continuations.get(words[1] ?? '') : undefined;
      if (words[0] === 'back') this.continuations.delete(words[1] ?? '');
      const reply = await (told === undefined ? this.ask(words) : told(words.slice(2)));
      answer(back, this.textOf(reply));
    } catch (error) {
      answer(back, `${say(`lab: ${String(error)}`)}\nexit 70`);
    }
  }

  private textOf({ lines, next, nextArgs: words = '' }: GuestReply): string {
    if (next === undefined) return lines.join('\n');
    const number = String(++this.count);
    this.continuations.set(number, next);
    return [...lines, `set -- back ${number} ${words}`].join('\n');
  }
}

export function say(text: string): string {
  return `printf '%s\\n' ${quote(text)}`;
}

export function sleep(ms: number): string {
  return `sleep ${ms / 1000}`;
}

export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The caller may be dead by now. Then its FIFO has no reader, and opening it fails. */
function answer(back: string, text: string): void {
  try {
    const fd = openSync(back, constants.O_WRONLY | constants.O_NONBLOCK);
    rmSync(back, { force: true });
    writeSync(fd, `${text}\n.\n`);
    closeSync(fd);
  } catch {
    rmSync(back, { force: true });
  }
}

/** Splits complete netstrings off. */
function netstrings(bytes: Buffer): { texts: Buffer[]; rest: Buffer } {
  const texts: Buffer[] = [];
  for (let from = 0; ;) {
    const colon = bytes.indexOf(':', from);
    const end = colon < 0 ? Infinity : colon + 1 + Number(bytes.toString('latin1', from, colon));
    if (!(end < bytes.length)) return { texts, rest: bytes.subarray(from) };
    texts.push(bytes.subarray(colon + 1, end));
    from = end + 1;
  }
}
