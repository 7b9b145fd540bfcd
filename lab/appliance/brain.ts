/**
 * The line between the machine's programs, which are small shell scripts (guest/), and the appliance: a FIFO they write requests
 * to, and one of their own for each answer. What they are told is shell text: what to print, what to wait for, what to say next.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Place } from './place';

/** What a program does next, and who is told when it has done that. */
export interface Orders {
  readonly lines: readonly string[];
  /** Hears the words that `answer`, a shell text, expands to. Left out: the program is done. */
  readonly next?: (words: readonly string[]) => Orders | Promise<Orders>;
  readonly answer?: string;
}

export type Ask = (words: readonly string[]) => Orders | Promise<Orders>;

export class Brain {
  private readonly socket: Socket;
  private pending: Buffer = Buffer.alloc(0);
  /** Who waits for a program to come back, by number. */
  private readonly waiting = new Map<string, NonNullable<Orders['next']>>();
  private count = 0;

  constructor(
    place: Place,
    private readonly ask: Ask,
  ) {
    const fifo = `${place.path}/run/brain`;
    execFileSync('mkfifo', ['-m', '600', fifo]);
    // Opened for writing too: it would end with the first program otherwise.
    this.socket = new Socket({
      fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', () => undefined);
  }

  /** A reboot: nobody who was told to come back will. */
  forget(): void {
    this.waiting.clear();
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    const { texts, rest } = netstrings(Buffer.concat([this.pending, chunk]));
    this.pending = rest;
    for (const text of texts) {
      const [back = '', ...words] = netstrings(text).texts.map(String);
      void this.serve(back, words);
    }
  }

  private async serve(back: string, words: readonly string[]): Promise<void> {
    try {
      const told = words[0] === 'back' ? this.waiting.get(words[1] ?? '') : undefined;
      if (words[0] === 'back') this.waiting.delete(words[1] ?? '');
      const orders = await (told === undefined ? this.ask(words) : told(words.slice(2)));
      answer(back, this.textOf(orders));
    } catch (error) {
      answer(back, `${say(`lab: ${String(error)}`)}\nexit 70`);
    }
  }

  private textOf({ lines, next, answer: words = '' }: Orders): string {
    if (next === undefined) return lines.join('\n');
    const number = String(++this.count);
    this.waiting.set(number, next);
    return [...lines, `set -- back ${number} ${words}`].join('\n');
  }
}

/** Prints a line. */
export function say(text: string): string {
  return `printf '%s\\n' ${quote(text)}`;
}

export function sleep(ms: number): string {
  return `sleep ${ms / 1000}`;
}

export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The caller may be dead by now: then there is no reader, and nobody to tell. */
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

/** Those that are whole, and what is left. */
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
