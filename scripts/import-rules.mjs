/**
 * Who may import whom: a row for each folder of src. What a row does not name is refused. Of the folders in `types`, types only.
 * Imports inside a folder are free. test/infra/import-rules.test.ts shows that each row bites.
 */

import { dirname, relative, resolve, sep } from 'node:path';

/** Node's modules that neither open a socket nor start a process. */
const NODE = 'node:(?!(net|tls|https?|http2|dgram|dns|child_process|cluster|inspector)(/|$)).+';

export const FOLDERS = {
  deployment: {},
  specfile: { folders: 'deployment|machine', packages: 'zod|yaml|fastest-levenshtein|node:fs/promises|node:path' },
  machine: { folders: 'deployment', packages: 'node:(crypto|zlib)' },
  dns: { folders: 'deployment' },
  image: { folders: 'deployment', packages: `yauzl|p-limit|${NODE}` },
  steps: { folders: 'deployment|machine|dns|image', packages: 'node:(crypto|timers/promises|path)' },
  workflows: { folders: 'deployment', packages: '@temporalio/(workflow|common)' },
  activities: { folders: 'deployment|steps|temporal', packages: `@temporalio/(activity|client|common)|${NODE}` },
  net: { packages: 'node:(events|net|tls)' },
  cloud: {
    folders: 'deployment|net',
    types: 'steps',
    packages: `@aws-sdk/client-(ec2|s3)|https?-proxy-agent|fast-xml-parser|node:(http|net)|${NODE}`,
  },
  adapters: {
    folders: 'deployment|machine|image',
    types: 'steps|dns',
    packages: `ssh2|dns-packet|p-limit|node:(child_process|dns/promises|https?|net|tls)|${NODE}`,
  },
  temporal: { folders: 'deployment|net', packages: '@temporalio/(client|common|envconfig)|node:(crypto|events|fs)' },
  client: { folders: 'deployment|specfile|steps|temporal', packages: `@temporalio/(client|common)|${NODE}` },
  cli: {
    folders: 'deployment|specfile|image|adapters|steps|client',
    types: 'temporal',
    packages: `commander|picocolors|log-update|node:child_process|${NODE}`,
  },
  worker: {
    folders: 'deployment|activities|adapters|cloud|temporal',
    types: 'steps',
    packages: `@temporalio/worker|pino|${NODE}`,
  },
};

/** Pure: no import() that would get round the rules, no environment, no fetch. */
export const PURE = ['deployment', 'machine', 'dns', 'steps', 'workflows', 'activities'];

/** Only these folders may use the global fetch. */
export const OUTWARD = ['cloud', 'adapters'];

export const importRule = {
  meta: { messages: { refused: 'src/{{from}} may not import {{what}}: see scripts/import-rules.mjs.' } },
  create(context) {
    const from = folderOf(context.filename);
    const check = (node, source, typeOnly) => {
      if (source === undefined || from === undefined) return;
      const what = source.startsWith('.') ? folderOf(resolve(dirname(context.filename), source)) : source;
      if (!mayImport(from, what, source, typeOnly))
        context.report({ node, messageId: 'refused', data: { from, what: what ?? source } });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source.value, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => check(node, node.source?.value, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source.value, false),
      TSImportType: (node) => check(node, node.source?.value ?? node.argument?.literal?.value, true),
    };
  },
};

/** A new folder may import nothing until it has a row. */
function mayImport(from, what, source, typeOnly) {
  const { folders = '', types = '', packages = '' } = FOLDERS[from] ?? {};
  const isOneOf = (list, name) => new RegExp(`^(${list})$`).test(name);
  if (!source.startsWith('.')) return isOneOf(packages, source);
  return what === from || isOneOf(folders, what) || (typeOnly && isOneOf(types, what));
}

/** The folder of src that a file is in; undefined outside of src. */
function folderOf(path) {
  const [first, folder] = relative(resolve(import.meta.dirname, '..'), path).split(sep);
  return first === 'src' ? folder : undefined;
}
