/**
 * The reference tables in the documents, and what they are compared with. Columns that are not listed here are not
 * checked.
 */

import { createRequire } from 'node:module';
import { keysOf } from './spec-keys.mjs';

const load = createRequire(import.meta.url);
const dist = (path) => load(`../../dist/${path}`);
const code = (value) => `\`${value}\``;

/**
 * `column`: heading of the first column, which identifies the table. `known`: for each row, the required values of
 * other columns.
 */
export const REFERENCES = [
  {
    path: 'docs/overview.md',
    column: 'step',
    known: () =>
      new Map(
        dist('src/deployment/steps.js').STEPS.map(({ id, skippable }) => [id, { skip: skippable ? 'yes' : 'no' }]),
      ),
  },
  { path: 'docs/spec.md', column: 'key', known: () => keysOf(dist('src/specfile/schema.js').jsonSchema()) },
  {
    path: 'docs/spec.md',
    column: 'kind',
    known: () =>
      mapped(dist('src/deployment/cloud-kinds.js').CLOUD_KINDS, ({ signature }) => ({
        'signed by': `Signature V${signature}`,
      })),
  },
  {
    path: 'docs/recovery.md',
    column: 'code',
    known: () =>
      mapped(dist('src/deployment/errors.js').ERRORS, ({ owner, retry }) => ({
        owner,
        retried: retry.replace('-', ' '),
      })),
  },
  {
    path: 'docs/operate.md',
    column: 'client code',
    known: () => mapped(dist('src/client/errors.js').CLIENT_ERRORS, ({ exit }) => ({ exit: String(exit) })),
  },
  {
    path: 'docs/lab.md',
    column: 'knob',
    known: () => mapped(dist('lab/knobs.js').DEFAULT_KNOBS, (value) => ({ default: code(textOf(value)) })),
  },
];

function mapped(object, factsOf) {
  return new Map(Object.entries(object).map(([name, value]) => [name, factsOf(value)]));
}

function textOf(value) {
  return Array.isArray(value) ? value.join(', ') : value === '' ? '""' : String(value);
}
