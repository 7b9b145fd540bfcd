/** node_modules, exactly as in package-lock.json. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './process.mjs';

const REMEDY = 'Check that npm reaches its registry (`npm ping`), then run this again.';

export const modulesPart = { name: 'npm packages', remedy: REMEDY, missing, provide };

/** npm writes node_modules/.package-lock.json at the end of an installation. */
function missing() {
  const wanted = packagesOf('package-lock.json');
  const have = packagesOf('node_modules/.package-lock.json');
  if (have === undefined) return ['node_modules'];
  const lacking = Object.entries(wanted)
    .filter(([path, { optional }]) => path !== '' && !optional)
    .filter(([path, { version }]) => have[path]?.version !== version)
    .map(([path]) => path.replace(/^node_modules\//, ''));
  const surplus = Object.keys(have).filter((path) => wanted[path] === undefined);
  return lacking.length + surplus.length === 0
    ? []
    : [`node_modules differs from package-lock.json (${[...lacking, ...surplus].slice(0, 3).join(', ')})`];
}

async function provide() {
  // No install scripts: none is needed (binaries come as packages), and some would download from outside the registry.
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { remedy: REMEDY });
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}
