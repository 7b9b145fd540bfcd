/** The files of this repository, without those that git ignores. Not asked of git, since a tarball has none. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const IGNORED = new Set(['.git', 'node_modules', 'dist', '.tools', '.lab']);

export const FILES = walk('.').sort();

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !IGNORED.has(name))
    .flatMap((entry) => (entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]));
}

export function filesEndingIn(...endings) {
  return FILES.filter((path) => endings.some((ending) => path.endsWith(ending)));
}

export function textOf(path) {
  return readFileSync(path, 'utf8');
}

/** The line number of a position, starting at 1. */
export function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}
