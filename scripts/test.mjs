#!/usr/bin/env node
/**
 * Runs every test, group by group (scripts/test/groups.mjs), and says the true counts. Its last line is `N passed, N failed`.
 *
 *   npm test -- --only unit,e2e             these groups
 *   npm test -- --grep "static-ip"          anything else goes to mocha
 *   npm run test:campaign                   every mishap of every call; long
 *   npm run test:vm -- --dialogue FILE      one deployment, with kato's questions from that file
 *   npm run test:vm -- --kvm                not emulated
 */

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf, GROUPS, groupless } from './test/groups.mjs';
import { runGroup } from './test/run-group.mjs';
import { summary } from './test/summary.mjs';

const OPTIONS = { only: { type: 'string' }, dialogue: { type: 'string' }, kvm: { type: 'boolean' } };

async function main(args) {
  const { values, tokens } = parseArgs({ args, options: OPTIONS, strict: false, allowPositionals: true, tokens: true });
  if (typeof values.dialogue === 'string') process.env.STACKATO_VM_DIALOGUE = resolve(values.dialogue);
  if (values.kvm === true) process.env.STACKATO_VM_KVM = 'yes';
  const wanted = values.only?.split(',') ?? GROUPS.filter(({ asked }) => asked !== true).map(({ name }) => name);
  const unknown = wanted.find((name) => !GROUPS.some((group) => group.name === name));
  if (unknown !== undefined)
    return give([{ name: unknown, passed: 0, failed: [`There is no group ${unknown}.`], pending: [], seconds: 0 }]);

  const groups = GROUPS.filter(({ name }) => wanted.includes(name)).map((group) => ({
    ...group,
    files: filesOf(group),
  }));
  const mochaArgs = forMocha(args, tokens);
  const results = [...strays(), ...browser(groups)];
  results.push(
    ...(await inOrder(
      groups.filter(({ files }) => files.length > 0),
      mochaArgs,
    )),
  );
  give(results);
}

/** Those that use both cores by themselves one after another, then the others three at a time. */
async function inOrder(groups, mochaArgs) {
  const results = [];
  for (const group of groups.filter(({ jobs }) => jobs > 1)) results.push(await runGroup(group, mochaArgs));
  const queue = groups.filter(({ jobs }) => jobs === 1);
  const lane = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift())
      results.push(await runGroup(group, mochaArgs));
  };
  await Promise.all([lane(), lane(), lane()]);
  return results;
}

/** A test that no group runs would be taken for passed. */
function strays() {
  const files = groupless();
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

/** `npm start` needs no browser, so only the tests that do ask for one. */
function browser(groups) {
  if (!groups.some(({ chromium, files }) => chromium && files.length > 0)) return [];
  const { status } = spawnSync(process.execPath, ['scripts/setup.mjs', '--lab', '--chromium'], { stdio: 'inherit' });
  return status === 0
    ? []
    : [
        {
          name: 'setup',
          passed: 0,
          failed: ['There is no browser for the UI tests, see above.'],
          pending: [],
          seconds: 0,
        },
      ];
}

function forMocha(args, tokens) {
  const ours = tokens.filter(({ kind, name }) => kind === 'option' && name in OPTIONS);
  const gone = new Set(
    ours.flatMap(({ index, name, inlineValue }) =>
      OPTIONS[name].type === 'boolean' || inlineValue ? [index] : [index, index + 1],
    ),
  );
  return args.filter((_, index) => !gone.has(index));
}

function give(results) {
  const { text, ok } = summary(results);
  process.stdout.write(text);
  process.exitCode = ok ? 0 : 1;
}

await main(process.argv.slice(2));
