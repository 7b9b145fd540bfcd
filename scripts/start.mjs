#!/usr/bin/env node
/** `npm start`: sets up what it needs, then runs the demonstration (lab/demo.ts) with the same options. */

import { spawn, spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  ['scripts/setup.mjs', '--lab', ...(args.includes('--vm') ? ['--vm'] : [])],
  { stdio: 'inherit' },
);
if (status === 0) {
  const demo = spawn(process.execPath, ['dist/lab/demo.js', ...args], { stdio: 'inherit' });
  // Ctrl-C reaches it by itself; a kill of this process has to be passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => demo.kill('SIGTERM'));
  demo.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} else process.exitCode = status ?? 1;
