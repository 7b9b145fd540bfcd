/** What the appliance's console answers, and how to speak to it. */

import type { IncomingMessage } from 'node:http';
import type { HttpAnswer } from '../steps/ports';

const BODY_LIMIT = 64 * 1024;

/** nginx of 2012, with a certificate of its own making: TLS 1.0, SHA-1 and 1024 bits must do. */
export const OLD_TLS = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

export async function readAnswer(answer: IncomingMessage): Promise<HttpAnswer> {
  const body = new Gathered(BODY_LIMIT);
  for await (const chunk of answer) body.add(chunk as Buffer);
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
  return {
    status: answer.statusCode ?? 0,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: body.text,
  };
}

/** Bytes up to a limit; the rest is read and dropped, so that nobody blocks. */
export class Gathered {
  /** Whether something was dropped. */
  cut = false;
  private readonly chunks: Buffer[] = [];
  private room: number;

  constructor(limit: number) {
    this.room = limit;
  }

  add(chunk: Buffer): void {
    const part = chunk.subarray(0, this.room);
    this.room -= part.length;
    this.cut ||= part.length < chunk.length;
    if (part.length > 0) this.chunks.push(part);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
