/**
 * What the description of a registered image says: what it is, which file it was made from, and the mark of who published it. A name or a
 * manifest location proves nothing: anybody in the account may have chosen the same.
 */

import { createHash } from 'node:crypto';
import type { ImageFile } from '../../deployment/spec';
import type { CloudImage } from '../ports';
import type { PlannedImage } from './planned-image';

/** Clouds accept 255 characters. */
const MAX_LENGTH = 255;

/** @param mark see Publisher.mark */
export function descriptionOf({ facts: { kind }, name, file }: PlannedImage, mark: string): string {
  const digest = digestOf(file);
  return `${kind} of ${name}${digest === undefined ? '' : `, made of ${digest}`}, by ${mark}`.slice(-MAX_LENGTH);
}

export function isMarked({ description = '' }: CloudImage, mark: string): boolean {
  return description.endsWith(` by ${mark}`);
}

/** Whether the description says that the image was made from this file. A file without a SHA-256 is identified by its name alone, as in the spec. */
export function isMadeFrom({ description = '' }: CloudImage, file: ImageFile): boolean {
  const digest = digestOf(file);
  return digest === undefined || description.includes(` made of ${digest},`);
}

/** A short digest of the file and of the entry in it that is used. */
function digestOf({ sha256, inside = '' }: ImageFile): string | undefined {
  return sha256 === undefined
    ? undefined
    : createHash('sha256').update(`${sha256}/${inside}`).digest('hex').slice(0, 16);
}
