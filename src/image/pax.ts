/** The records of a pax header: `<length> <key>=<value>` and a newline, the length being that of all of it. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

export type PaxRecords = readonly (readonly [key: string, value: string])[];

/** Digits of a length. */
const DIGITS = 9;

/** In their order: one key may come several times. Keys and values as Latin-1. */
export function paxRecords(bytes: Buffer, otherwise: ErrorCode): PaxRecords {
  const records: (readonly [string, string])[] = [];
  for (let at = 0; at < bytes.length;) {
    const [stated = ''] = /^[0-9]+(?= )/.exec(bytes.toString('latin1', at, at + DIGITS + 1)) ?? [];
    const record = bytes.toString('latin1', at + stated.length + 1, at + Number(stated));
    const equals = record.indexOf('=');
    if (equals < 1 || !record.endsWith('\n') || at + Number(stated) > bytes.length)
      throw new DeployError(otherwise, 'A header of the tar archive is damaged.');
    records.push([record.slice(0, equals), record.slice(equals + 1, -1)]);
    at += Number(stated);
  }
  return records;
}
