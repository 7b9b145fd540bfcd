/**
 * The journal lets an attempt resume where another stopped: a text file with a line for the survey and one for each part. It holds no
 * secret. Incomplete lines are ignored, and the journal of another bundle, or of a file that has changed, is started anew.
 * Only one attempt at a time may use it: two would write into each other's lines.
 */

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { formatLine, parseLine, write } from '../journal-lines';
import type { PartRecord } from './parts';
import type { Survey } from './survey';

export interface Journal {
  /** What earlier attempts recorded for this bundle and source. */
  load(id: JournalId): Promise<JournalEntries | undefined>;
  /** Deletes everything recorded before. */
  begin(id: JournalId, survey: Survey): Promise<void>;
  /** Called before the part is handed out, so that no uploaded part is missing here. */
  add(record: PartRecord): Promise<void>;
}

/** A journal is only used for the same bundle of an unchanged source. */
export interface JournalId {
  /** Its fingerprint. */
  readonly bundle: string;
  /** Of the source. */
  readonly stamp: string;
}

export interface JournalEntries {
  readonly survey: Survey;
  /** From the first on, without gaps. */
  readonly parts: readonly PartRecord[];
}

export function openJournal(path: string): Journal {
  return {
    load: async (id) => parse(id, await readFile(path, 'utf8').catch(() => '')),
    begin: async (id, survey) => {
      await write(path, () => writeFile(path, formatLine({ ...id, survey: encodeSurvey(survey) }), { mode: 0o600 }));
    },
    add: async (record) => {
      await write(path, () => appendFile(path, formatLine(record)));
    },
  };
}

function parse(id: JournalId, text: string): JournalEntries | undefined {
  const [head, ...rest] = text.split('\n').slice(1).map(parseLine);
  if (!isHead(head) || head.bundle !== id.bundle || head.stamp !== id.stamp) return undefined;
  const parts: PartRecord[] = [];
  for (const record of rest) if (isRecord(record) && record.index === parts.length) parts.push(record);
  return { survey: decodeSurvey(head.survey), parts };
}

/** The checksum was right, so the line is as this program wrote it: only its type is in question. */
function isHead(value: unknown): value is JournalId & { readonly survey: EncodedSurvey } {
  return typeof value === 'object' && value !== null && 'survey' in value;
}

function isRecord(value: unknown): value is PartRecord {
  return typeof value === 'object' && value !== null && 'md5' in value;
}

interface EncodedSurvey extends Omit<Survey, 'blocks'> {
  /** Base64 of five bytes per block: 1 or, for a block of zeros, 0; and the CRC-32. */
  readonly blocks: string;
}

const BLOCK_BYTES = 5;

function encodeSurvey(survey: Survey): EncodedSurvey {
  const bytes = Buffer.alloc(survey.blocks.length * BLOCK_BYTES);
  survey.blocks.forEach((crc, index) => {
    bytes.writeUInt8(crc === undefined ? 0 : 1, index * BLOCK_BYTES);
    bytes.writeUInt32BE(crc ?? 0, index * BLOCK_BYTES + 1);
  });
  return { ...survey, blocks: bytes.toString('base64') };
}

function decodeSurvey(survey: EncodedSurvey): Survey {
  const bytes = Buffer.from(survey.blocks, 'base64');
  const blocks = Array.from({ length: bytes.length / BLOCK_BYTES }, (_, index) =>
    bytes[index * BLOCK_BYTES] === 0 ? undefined : bytes.readUInt32BE(index * BLOCK_BYTES + 1),
  );
  return { ...survey, blocks };
}
