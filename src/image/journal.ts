/**
 * What an attempt leaves to the next one: a text file, a line for the survey and one for each part made. Nothing in it is secret. A line
 * that was not written to its end is left out, and a journal of another bundle, or of a file that has changed, is begun anew.
 * One attempt at a time has it open: two would write into each other's lines.
 */

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { fileError } from './file-error';
import type { PartRecord } from './parts';
import type { Survey } from './survey';

export interface Journal {
  /** What is known of the bundle of this name, made of a source with this stamp. */
  load(key: JournalKey): Promise<Remembered | undefined>;
  /** Forgets everything else. */
  begin(key: JournalKey, survey: Survey): Promise<void>;
  /** Before the part is given away: a part that was uploaded is never unknown. */
  add(record: PartRecord): Promise<void>;
}

export interface JournalKey {
  readonly bundle: string;
  readonly stamp: string;
}

export interface Remembered {
  readonly survey: Survey;
  /** From the first on, none left out. */
  readonly parts: readonly PartRecord[];
}

export function openJournal(path: string): Journal {
  return {
    load: async (key) => parse(key, await readFile(path, 'utf8').catch(() => '')),
    begin: async (key, survey) => {
      await written(path, () => writeFile(path, line({ ...key, survey: packed(survey) }), { mode: 0o600 }));
    },
    add: async (record) => {
      await written(path, () => appendFile(path, line(record)));
    },
  };
}

async function written(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw fileError(path, error);
  }
}

function parse(key: JournalKey, text: string): Remembered | undefined {
  const [head, ...rest] = text.split('\n').slice(1).map(lineOf);
  if (!isHead(head) || head.bundle !== key.bundle || head.stamp !== key.stamp) return undefined;
  const parts: PartRecord[] = [];
  for (const record of rest) if (isRecord(record) && record.index === parts.length) parts.push(record);
  return { survey: unpacked(head.survey), parts };
}

/** The newline first: the line before may not have been written to its end. */
function line(content: object): string {
  const text = JSON.stringify(content);
  return `\n${sumOf(text)} ${text}`;
}

function lineOf(text: string): unknown {
  const [sum, json] = [text.slice(0, SUM), text.slice(SUM + 1)];
  return sum === sumOf(json) ? (JSON.parse(json) as unknown) : undefined;
}

const SUM = 16;

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SUM);
}

/** The sum was right, so it is what was written: only which kind of line is asked. */
function isHead(value: unknown): value is JournalKey & { readonly survey: PackedSurvey } {
  return typeof value === 'object' && value !== null && 'survey' in value;
}

function isRecord(value: unknown): value is PartRecord {
  return typeof value === 'object' && value !== null && 'md5' in value;
}

interface PackedSurvey extends Omit<Survey, 'blocks'> {
  /** Base64 of five bytes for each block: whether there is something in it, and the CRC-32. */
  readonly blocks: string;
}

const ENTRY = 5;

function packed(survey: Survey): PackedSurvey {
  const bytes = Buffer.alloc(survey.blocks.length * ENTRY);
  survey.blocks.forEach((crc, index) => {
    bytes.writeUInt8(crc === undefined ? 0 : 1, index * ENTRY);
    bytes.writeUInt32BE(crc ?? 0, index * ENTRY + 1);
  });
  return { ...survey, blocks: bytes.toString('base64') };
}

function unpacked(survey: PackedSurvey): Survey {
  const bytes = Buffer.from(survey.blocks, 'base64');
  const blocks = Array.from({ length: bytes.length / ENTRY }, (_, index) =>
    bytes[index * ENTRY] === 0 ? undefined : bytes.readUInt32BE(index * ENTRY + 1),
  );
  return { ...survey, blocks };
}
