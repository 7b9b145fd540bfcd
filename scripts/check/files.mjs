/** The files of this repository, as they lie here: what git ignores is left out by name, since a tarball has no git. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', '.tools', '.lab']);

export const FILES = walk('.').sort();

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !LEFT_OUT.has(name))
    .flatMap((entry) => (entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]));
}

export function filesEndingIn(...endings) {
  return FILES.filter((path) => endings.some((ending) => path.endsWith(ending)));
}

export function textOf(path) {
  return readFileSync(path, 'utf8');
}

/** 1-based line of a position. */
export function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}
