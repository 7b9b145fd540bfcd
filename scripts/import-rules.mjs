/**
 * Who may import whom (design: the house). An allow list for each folder: what it does not name is refused, so a new library or
 * folder has to be let in here first. Used by eslint.config.mjs; test/infra/import-rules.test.ts shows that each rule bites.
 */

const UP = '(?:\\.\\./)+';
const SAME_FOLDER = '\\.(?:/[^.].*)?';
/** The plain part of spec: no library, no I/O, safe in the workflow sandbox. */
const PLAIN = ['types', 'names', 'steps', 'messages', 'errors', 'mask', 'view'];
const PLAIN_SPEC = `${UP}spec/(?:${PLAIN.join('|')})`;
const SPEC = `${UP}spec/[\\w-]+`;
const COMMANDS = `${UP}commands(?:/[\\w-]+)?`;
const ACTIVITY_TYPES = `${UP}activities/(?:types|ports|dependencies)`;
/** Node's modules that neither open a socket nor start a process. */
const QUIET_NODE = 'node:(?!(?:net|tls|http|https|http2|dgram|dns|child_process|cluster|inspector)(?:/|$)).+';
const ANY_NODE = 'node:.+';

/** `values` may be imported; of `types`, types only. `calm`: no import() either, no process.env, no fetch. */
export const RULES = {
  spec: {
    values: [SAME_FOLDER, 'zod', 'yaml', 'fastest-levenshtein', QUIET_NODE],
    types: [],
    why: 'spec stands below everything else.',
  },
  workflows: {
    values: [SAME_FOLDER, '@temporalio/workflow', '@temporalio/common', PLAIN_SPEC],
    types: [ACTIVITY_TYPES],
    calm: true,
    why: 'Workflow code is deterministic and small: Temporal, the plain part of spec, and the types of activities.',
  },
  commands: {
    values: [SAME_FOLDER, PLAIN_SPEC, 'node:crypto'],
    types: [ACTIVITY_TYPES],
    calm: true,
    why: 'Commands are data, built by pure functions and run elsewhere.',
  },
  activities: {
    values: [
      SAME_FOLDER,
      '@temporalio/(?:activity|common|client)',
      PLAIN_SPEC,
      COMMANDS,
      `${UP}image(?:/[\\w-]+)?`,
      'node:(?:crypto|timers/promises|path|buffer|util)',
    ],
    types: [],
    calm: true,
    why: 'Activities know the outside through the interfaces in activities/ports.ts only.',
  },
  image: {
    values: [SAME_FOLDER, PLAIN_SPEC, QUIET_NODE],
    types: [ACTIVITY_TYPES],
    why: 'The image format knows nothing of Temporal and opens no socket.',
  },
  connection: {
    values: [SAME_FOLDER, ANY_NODE, '@temporalio/envconfig'],
    types: [],
    why: 'connection is what client, worker and cloud share on the way to a server, and stands below them.',
  },
  cloud: {
    values: [
      SAME_FOLDER,
      PLAIN_SPEC,
      `${UP}connection/[\\w-]+`,
      ANY_NODE,
      '@aws-sdk/.+',
      '@smithy/.+',
      '@aws-crypto/.+',
      'https?-proxy-agent',
      'fast-xml-parser',
    ],
    types: [ACTIVITY_TYPES],
    why: 'cloud implements activities/ports.ts for clouds and knows nothing else of the product.',
  },
  adapters: {
    values: [SAME_FOLDER, PLAIN_SPEC, COMMANDS, ANY_NODE, 'ssh2', 'dns-packet'],
    types: [ACTIVITY_TYPES],
    why: 'Adapters implement activities/ports.ts and know nothing else of the product.',
  },
  worker: {
    values: [SAME_FOLDER, `${UP}(?!client(?:/|$))[\\w-]+(?:/.+)?`, '@temporalio/.+', 'pino', QUIET_NODE],
    types: [],
    why: 'A worker knows everything but the client.',
  },
  client: {
    values: [
      SAME_FOLDER,
      `${UP}client(?:/.+)?`,
      SPEC,
      COMMANDS,
      `${UP}image(?:/[\\w-]+)?`,
      '@temporalio/(?:client|common)',
      `${UP}connection/[\\w-]+`,
      'commander',
      'picocolors',
      'log-update',
      'node:child_process',
      QUIET_NODE,
    ],
    types: [`${UP}workflows(?:/.+)?`, ACTIVITY_TYPES],
    why: 'The client reaches a worker through Temporal only, and starts fast because it loads nothing of it.',
  },
};

export const PLAIN_SPEC_RULE = {
  files: PLAIN.map((name) => `src/spec/${name}.ts`),
  refused: `^(?!\\./(?:${PLAIN.join('|')})$)`,
  why: 'Workflows import this: no library, no I/O, nothing of schema or loader.',
};

/** What the lab may not import; it is free otherwise. */
export const LAB_REFUSED = {
  regex: `^${UP}src(?:/|$)`,
  why: 'The lab stands for the outside: it imports nothing of the product, so that it cannot share its mistakes.',
};

/** @returns {string} matches every import that the folder may not have, as a value */
export function refusedValues({ values }) {
  return `^(?!(?:${values.join('|')})$)`;
}
