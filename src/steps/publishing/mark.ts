/**
 * How what was published from here is told from what others published: a registered image says so in its description, an object in its
 * metadata. Neither name nor place would do: anybody of the account may have chosen them as well.
 */

import { createHash } from 'node:crypto';
import type { ImageFile } from '../../deployment/types';
import type { CloudImage } from '../ports';
import type { Target } from './target';

/** Clouds take 255 characters. */
const DESCRIPTION = 255;

/** @param mark see Publisher.mark */
export function descriptionOf({ facts: { kind }, name, file }: Target, mark: string): string {
  const source = sourceOf(file);
  return `${kind} of ${name}${source === undefined ? '' : `, made of ${source}`}, by ${mark}`.slice(-DESCRIPTION);
}

export function isMarked({ description = '' }: CloudImage, mark: string): boolean {
  return description.endsWith(` by ${mark}`);
}

/** Whether its description says that it was made of that file. One without a SHA-256 is taken by its name, as the spec does. */
export function isMadeOf({ description = '' }: CloudImage, file: ImageFile): boolean {
  const source = sourceOf(file);
  return source === undefined || description.includes(` made of ${source},`);
}

/** In few characters: the file, and which of those in it. */
function sourceOf({ sha256, inside = '' }: ImageFile): string | undefined {
  return sha256 === undefined
    ? undefined
    : createHash('sha256').update(`${sha256}/${inside}`).digest('hex').slice(0, 16);
}
