#!/usr/bin/env node
/**
 * Sets a clone up: node_modules and dist; with `--lab` the programs of the lab, with `--chromium` the browser of the UI
 * tests, with `--bench` the programs of the benchmarks, with `--vm` QEMU and the image of the real machine. Does only
 * what is needed: if nothing is missing, it takes a fraction of a second.
 */

import { buildPart } from './setup/build.mjs';
import { withLock } from './setup/lock.mjs';
import { modulesPart } from './setup/modules.mjs';
import { Problem, say } from './setup/process.mjs';
import { browserPart, labProgramsPart, benchmarkProgramsPart } from './setup/system.mjs';
import { labToolsPart } from './setup/lab-tools.mjs';
import { hypervisorPart, machineImagePart } from './setup/vm.mjs';

const FLAGS = ['--lab', '--chromium', '--bench', '--vm'];
const MIN_NODE = [20, 19];

async function main(args) {
  const unknown = args.find((arg) => !FLAGS.includes(arg));
  if (unknown !== undefined) throw new Problem(`Unknown option ${unknown}.`, `Options are: ${FLAGS.join(', ')}.`);
  checkNode();
  const parts = [
    ...(args.includes('--lab') ? [labProgramsPart, labToolsPart] : []),
    ...(args.includes('--chromium') ? [browserPart] : []),
    ...(args.includes('--bench') ? [benchmarkProgramsPart] : []),
    ...(args.includes('--vm') ? [hypervisorPart, machineImagePart] : []),
    modulesPart,
    buildPart,
  ];
  if (parts.every((part) => part.missing().length === 0)) return;
  // Two setups at once (npm test beside npm start) would get in each other's way.
  await withLock(() => install(parts));
}

async function install(parts) {
  for (const part of parts) {
    const missing = part.missing();
    if (missing.length === 0) continue;
    say(`${part.name}: ${missing.join(', ')}`);
    const started = Date.now();
    await part.provide(missing);
    const still = part.missing();
    if (still.length > 0) throw new Problem(`Still missing after the installation: ${still.join(', ')}.`, part.remedy);
    say(`${part.name}: done in ${Math.round((Date.now() - started) / 1000)} s`);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new Problem(`This is Node ${process.versions.node}.`, `Install Node ${MIN_NODE.join('.')} or later.`);
}

main(process.argv.slice(2)).catch((error) => {
  const remedy = error instanceof Problem ? `\n${error.remedy}` : '';
  process.stderr.write(`setup: ${error instanceof Problem ? error.message : error.stack}${remedy}\n`);
  process.exitCode = 1;
});
