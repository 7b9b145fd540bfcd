#!/usr/bin/env node
/** `npm start`: runs the setup, then the demo (lab/demo.ts) with the same options. */

import { spawn, spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  ['scripts/setup.mjs', '--lab', ...(args.includes('--vm') ? ['--vm'] : [])],
  { stdio: 'inherit' },
);
if (status === 0) {
  const demo = spawn(process.execPath, ['dist/lab/demo.js', ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to the demo too; other signals have to be forwarded.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => demo.kill('SIGTERM'));
  demo.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else process.exitCode = status ?? 1;
