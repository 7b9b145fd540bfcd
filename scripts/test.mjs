#!/usr/bin/env node
/**
 * Runs all tests, group by group (scripts/test/groups.mjs). The last line is `N passed, N failed`.
 *
 *   npm test -- --only unit,e2e             only these groups
 *   npm test -- --grep "static-ip"          other options are passed to mocha
 *   npm run test:campaign                   every fault in every call; takes long
 *   npm run test:matrix                     every release, disk and image; takes long
 *   npm run test:cluster                    clusters that change, with accidents and kills; takes long
 *   npm run test:vm -- --dialogue FILE      one deployment, with kato's questions from this file
 *   npm run test:vm -- --kvm                with KVM, not emulated
 */

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { filesOf, GROUPS, ungroupedFiles } from './test/groups.mjs';
import { runGroup } from './test/run-group.mjs';
import { summary } from './test/summary.mjs';

const OPTIONS = { only: { type: 'string' }, dialogue: { type: 'string' }, kvm: { type: 'boolean' } };

async function main(args) {
  const { values, tokens } = parseArgs({ args, options: OPTIONS, strict: false, allowPositionals: true, tokens: true });
  if (typeof values.dialogue === 'string') process.env.STACKATO_VM_DIALOGUE = resolve(values.dialogue);
  if (values.kvm === true) process.env.STACKATO_VM_KVM = 'yes';
  const wanted = values.only?.split(',') ?? GROUPS.filter(({ onDemand }) => onDemand !== true).map(({ name }) => name);
  const unknown = wanted.find((name) => !GROUPS.some((group) => group.name === name));
  if (unknown !== undefined)
    return report([{ name: unknown, passed: 0, failed: [`There is no group ${unknown}.`], pending: [], seconds: 0 }]);

  const groups = GROUPS.filter(({ name }) => wanted.includes(name)).map((group) => ({
    ...group,
    files: filesOf(group),
  }));
  const mochaArgs = mochaArgsOf(args, tokens);
  const results = [...ungrouped(), ...ensureBrowser(groups)];
  results.push(
    ...(await runGroups(
      groups.filter(({ files }) => files.length > 0),
      mochaArgs,
    )),
  );
  report(results);
}

/** Runs groups that use several processes one after another, then the others three at a time. */
async function runGroups(groups, mochaArgs) {
  const results = [];
  const run = async (group) => results.push(await runGroup(group, mochaArgs));
  for (const group of groups.filter(({ jobs }) => jobs > 1)) await run(group);
  const limit = pLimit(3);
  await Promise.all(groups.filter(({ jobs }) => jobs === 1).map((group) => limit(run, group)));
  return results;
}

/** A test file that belongs to no group would never run, so it is a failure. */
function ungrouped() {
  const files = ungroupedFiles();
  return files.length === 0
    ? []
    : [
        {
          name: 'groups',
          passed: 0,
          failed: files.map((file) => `${file} is in no group of scripts/test/groups.mjs`),
          pending: [],
          seconds: 0,
        },
      ];
}

/** Installs the browser only if a test needs it. */
function ensureBrowser(groups) {
  if (!groups.some(({ chromium, files }) => chromium && files.length > 0)) return [];
  const { status } = spawnSync(process.execPath, ['scripts/setup.mjs', '--lab', '--chromium'], { stdio: 'inherit' });
  return status === 0
    ? []
    : [
        {
          name: 'setup',
          passed: 0,
          failed: ['The browser for the UI tests could not be installed, see above.'],
          pending: [],
          seconds: 0,
        },
      ];
}

function mochaArgsOf(args, tokens) {
  const ours = tokens.filter(({ kind, name }) => kind === 'option' && name in OPTIONS);
  const gone = new Set(
    ours.flatMap(({ index, name, inlineValue }) =>
      OPTIONS[name].type === 'boolean' || inlineValue ? [index] : [index, index + 1],
    ),
  );
  return args.filter((_, index) => !gone.has(index));
}

function report(results) {
  const { text, ok } = summary(results);
  process.stdout.write(text);
  process.exitCode = ok ? 0 : 1;
}

await main(process.argv.slice(2));
