/** The groups of tests, by folder of test/. */

import { readdirSync } from 'node:fs';

/**
 * `jobs`: number of processes. `minutes`: timeout of the group. `chromium`: needs the browser. `onDemand`: runs only if
 * named with `--only`. Groups with one job run three at a time, in this order: the longest first.
 */
export const GROUPS = [
  {
    name: 'unit',
    jobs: 2,
    minutes: 20,
    folders: [
      'deployment',
      'specfile',
      'machine',
      'dns',
      'cloud',
      'adapters',
      'activities',
      'steps',
      'temporal',
      'client',
      'cli',
      'infra',
      'worker',
      'image',
    ],
  },
  { name: 'e2e', jobs: 1, minutes: 20, folders: ['e2e'] },
  { name: 'crash', jobs: 1, minutes: 20, folders: ['crash'] },
  { name: 'publish', jobs: 1, minutes: 20, folders: ['publish'] },
  { name: 'late', jobs: 1, minutes: 20, folders: ['late'] },
  { name: 'lab', jobs: 1, minutes: 15, folders: ['lab'] },
  { name: 'workflows', jobs: 1, minutes: 15, folders: ['workflows'] },
  { name: 'ui', jobs: 1, minutes: 10, folders: ['ui'], chromium: true },
  { name: 'replay', jobs: 1, minutes: 3, folders: ['replay'] },
  { name: 'campaign', jobs: 1, minutes: 30, folders: ['campaign'], onDemand: true },
  { name: 'matrix', jobs: 2, minutes: 30, folders: ['matrix'], onDemand: true },
  { name: 'cluster', jobs: 2, minutes: 30, folders: ['cluster'], onDemand: true },
  { name: 'vm', jobs: 1, minutes: 30, folders: ['vm'], onDemand: true },
  { name: 'lan', jobs: 1, minutes: 10, folders: ['lan'], onDemand: true },
];

const ALL = readdirSync('test', { recursive: true })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file}`)
  .sort();

export function filesOf({ folders }) {
  return ALL.filter((file) => folders.some((folder) => file.startsWith(`test/${folder}/`)));
}

export function ungroupedFiles() {
  const taken = new Set(GROUPS.flatMap(filesOf));
  return ALL.filter((file) => !taken.has(file));
}
