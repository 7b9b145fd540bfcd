/** dist: the compiled sources and the workflow bundle. Built again whenever a source was changed, added or removed. */

import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './process.mjs';

const FOLDERS = ['src', 'lab'];
const FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const STAMP = join(ROOT, 'dist', '.sources.json');
const REMEDY = 'Fix the errors above (`npx tsc --noEmit` checks the sources), then run this again.';

export const buildPart = { name: 'build', remedy: REMEDY, missing, provide };

function missing() {
  const built = readStamp();
  if (built === undefined) return ['dist'];
  const now = sources();
  const changed = [...new Set([...Object.keys(now), ...Object.keys(built)])].filter(
    (path) => now[path] !== built[path],
  );
  return changed.length === 0 ? [] : [`${changed.length} changed (${changed.slice(0, 3).join(', ')})`];
}

async function provide() {
  const before = readStamp();
  // Taken before the compiler runs, so that files edited meanwhile count as changed.
  const now = sources();
  if (before === undefined) removeBuildInfo();
  else removeOutputsOf(Object.keys(before).filter((path) => now[path] === undefined));
  await run('npm', ['run', '--silent', 'build'], { remedy: REMEDY });
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(STAMP, JSON.stringify(now));
}

/**
 * Without a stamp the contents of dist are unknown. tsc would trust its .tsbuildinfo and not write missing files again.
 */
function removeBuildInfo() {
  rmSync(join(ROOT, 'dist', '.tsbuildinfo'), { force: true });
}

/** tsc does not remove the output of deleted sources, which could then still be imported. */
function removeOutputsOf(paths) {
  for (const path of paths) {
    for (const ending of ['.js', '.js.map', '.d.ts']) {
      rmSync(join(ROOT, 'dist', path.replace(/\.ts$/, ending)), { force: true });
    }
  }
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'));
  } catch {
    return undefined;
  }
}

function sources() {
  const found = FOLDERS.flatMap((folder) => filesUnder(folder)).concat(FILES);
  return Object.fromEntries(found.map((path) => [path, fingerprint(path)]));
}

function filesUnder(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}

function fingerprint(path) {
  const { size, mtimeMs } = statSync(join(ROOT, path));
  return `${size}@${mtimeMs}`;
}
