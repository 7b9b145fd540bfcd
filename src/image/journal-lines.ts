/** Lines of a journal that a killed process may leave incomplete: each has a checksum. */

import { createHash } from 'node:crypto';
import { fileError } from './errors';

/** The newline comes first: the line before may be incomplete. */
export function formatLine(content: object): string {
  const text = JSON.stringify(content);
  return `\n${checksum(text)} ${text}`;
}

export function parseLine(text: string): unknown {
  const [sum, json] = [text.slice(0, CHECKSUM_LENGTH), text.slice(CHECKSUM_LENGTH + 1)];
  return sum === checksum(json) ? (JSON.parse(json) as unknown) : undefined;
}

/** Writes to the journal at that path. Throws what can be said of a file. */
export async function write(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw fileError(path, error);
  }
}

const CHECKSUM_LENGTH = 16;

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, CHECKSUM_LENGTH);
}
