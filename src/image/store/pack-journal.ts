/** How far an archive has come, so that a run that was killed is resumed. Read only for the same files, name and compressor. */

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { formatLine, parseLine, write } from '../journal-lines';

export interface Checkpoint {
  /** The next one. */
  readonly block: number;
  /** Bytes of the archive so far. */
  readonly at: number;
  /** CRC-32 of the data before compression. */
  readonly crc: number;
  /** Of these bytes of the archive: after a power failure, the journal may be newer than the file. */
  readonly sha256: string;
}

export interface PackDone {
  /** Of the archive. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
}

export interface PackJournal {
  load(id: string): Promise<{ readonly checkpoints: readonly Checkpoint[]; readonly done?: PackDone } | undefined>;
  /** Deletes everything recorded before. */
  begin(id: string, checkpoints: readonly Checkpoint[]): Promise<void>;
  add(checkpoint: Checkpoint): Promise<void>;
  finish(done: PackDone): Promise<void>;
}

export function openPackJournal(path: string): PackJournal {
  return {
    load: async (id) => {
      const [head, ...rest] = (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(1).map(parseLine);
      if (!hasKey(head, 'pack') || head.pack !== id) return undefined;
      const done = rest.find((line): line is PackDone => hasKey(line, 'md5'));
      const checkpoints = rest.filter((line): line is Checkpoint => hasKey(line, 'block'));
      return { checkpoints, ...(done === undefined ? {} : { done }) };
    },
    begin: (id, checkpoints) =>
      write(path, () => writeFile(path, [{ pack: id }, ...checkpoints].map(formatLine).join(''))),
    add: (checkpoint) => write(path, () => appendFile(path, formatLine(checkpoint))),
    finish: (done) => write(path, () => appendFile(path, formatLine(done))),
  };
}

/** The checksum was right, so the line is as this program wrote it: only its type is in question. */
function hasKey<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}
