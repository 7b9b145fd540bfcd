#!/usr/bin/env node
/**
 * Checks the documents: specs are valid, link targets, commands and npm scripts exist, reference tables match the code.
 * Also checks that no file names a package registry, since each machine has its own setting for where packages come
 * from.
 */

import { existsSync } from 'node:fs';
import { examples, specBlocks, specProblems } from './check/specs.mjs';
import { filesEndingIn, textOf } from './check/files.mjs';
import { commandProblems, linkProblems, npmScriptProblems } from './check/links-and-commands.mjs';
import { registryProblems } from './check/registries.mjs';
import { releaseProblems } from './check/releases.mjs';
import { tableProblems } from './check/tables.mjs';

if (!existsSync('dist/src/specfile/loader.js')) {
  process.stderr.write('check-docs: there is no dist to compare with; run `npm run setup` first.\n');
  process.exit(1);
}

const documents = filesEndingIn('.md').map((path) => ({ path, text: textOf(path) }));
const specs = [...documents.flatMap(specBlocks), ...examples()];
const problems = [
  ...specProblems(specs),
  ...documents.flatMap(linkProblems),
  ...documents.flatMap(npmScriptProblems),
  ...commandProblems(documents),
  ...tableProblems(documents),
  ...releaseProblems(documents),
  ...registryProblems(),
];
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`check-docs: ${documents.length} documents, ${specs.length} specs, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
