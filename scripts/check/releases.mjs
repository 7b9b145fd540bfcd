/**
 * Checks the table of releases: every cell has its source, or names a knob of the lab's machines; every release has a
 * page, which lists all of its cells and hazards.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tableProblems } from './tables.mjs';

const load = createRequire(import.meta.url);
const dist = (path) => load(`../../dist/${path}`);
const pageOf = (release) => `docs/releases/${release}.md`;

export function releaseProblems(documents) {
  if (!existsSync('dist/src/deployment/releases.js')) return [];
  const { RELEASES, hazardsOf } = dist('src/deployment/releases.js');
  const knobs = dist('lab/knobs.js').DEFAULT_KNOBS;
  return Object.entries(RELEASES).flatMap(([release, row]) => [
    ...Object.entries(row).flatMap(([name, cell]) =>
      cellProblems(cell, knobs).map((problem) => `src/deployment/releases.ts: ${release}: ${name} ${problem}`),
    ),
    ...(documents.some(({ path }) => path === pageOf(release)) ? [] : [`${pageOf(release)} is missing`]),
    ...tableProblems(documents, referencesOf(release, row, hazardsOf(release))),
  ]);
}

function cellProblems({ source, otherwise, knob }, knobs) {
  if (knob === undefined) return source ? [] : ['has no source'];
  return [
    ...(otherwise ? [] : ['does not say what happens if it is wrong']),
    ...(Object.hasOwn(knobs, knob) ? [] : [`names the knob ${knob}, which does not exist`]),
  ];
}

function referencesOf(release, row, hazards) {
  const path = pageOf(release);
  const cells = Object.entries(row);
  return [
    {
      path,
      column: 'known',
      known: () =>
        new Map(
          cells
            .filter(([, { knob }]) => knob === undefined)
            .map(([name, { value, source }]) => [name, { is: textOf(value), source }]),
        ),
    },
    {
      path,
      column: 'not known',
      known: () =>
        new Map(
          cells
            .filter(([, { knob }]) => knob !== undefined)
            .map(([name, { value, otherwise, knob }]) => [
              name,
              { assumed: textOf(value), 'if it is wrong': otherwise, knob: `\`${knob}\`` },
            ]),
        ),
    },
    {
      path,
      column: 'bug',
      known: () =>
        new Map(
          hazards.map(({ bug, what, fixedIn, answer }) => [
            String(bug),
            { effect: what, 'fixed in': fixedIn, 'what a deployment does': answer },
          ]),
        ),
    },
  ];
}

/** A value as the pages write it. */
export function textOf(value) {
  if (Array.isArray(value)) return value.map((word) => `\`${word}\``).join(', ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, part]) => `${key} \`${part}\``)
      .join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : `\`${value}\``;
}
