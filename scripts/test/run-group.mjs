/** Runs mocha for one group. A run without a report has failed, whatever its exit code. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MOCHA = 'node_modules/mocha/bin/mocha.js';

/** @returns {Promise<{ name: string, passed: number, failed: string[], pending: string[], seconds: number }>} */
export async function runGroup({ name, jobs, minutes, files }, mochaArgs) {
  const folder = mkdtempSync(join(tmpdir(), 'stackato-test-'));
  const started = Date.now();
  try {
    const report = join(folder, 'report.json');
    const parallel = jobs > 1 ? ['--parallel', '--jobs', String(jobs)] : [];
    const args = [
      MOCHA,
      '--reporter',
      'scripts/test/reporter.cjs',
      '--reporter-option',
      `report=${report}`,
      ...parallel,
      ...mochaArgs,
      ...files,
    ];
    const end = await runMocha(name, args, minutes);
    return { name, seconds: (Date.now() - started) / 1000, ...resultOf(read(report), end) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runMocha(name, args, minutes) {
  // In a process group of its own, so that a hung run can be killed with everything it started.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const endAll = () => endGroup(child.pid);
  const onSignal = () => {
    endAll();
    process.exit(130);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    endAll();
  }, minutes * 60_000);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => process.stdout.write(`${name} │ ${line}\n`));
  }
  return new Promise((resolve) => {
    // Not `close`: a process that a test left running may keep the pipes open.
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve(hung ? `took longer than ${minutes} minutes` : `ended with ${code ?? signal}`);
    });
  });
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return undefined;
  }
}

function resultOf(report, end) {
  if (report === undefined) return { passed: 0, failed: [`The group ${end} and left no report.`], pending: [] };
  // mocha's exit code is the number of failures. Any other code means that something failed outside a test.
  const expected = `ended with ${Math.min(report.failed.length, 255)}`;
  return end === expected ? report : { ...report, failed: [...report.failed, `The group ${end} after its report.`] };
}
