/** Runs programs and reports problems. */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What went wrong, and what the user can do about it. */
export class Problem extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

export function say(text) {
  process.stdout.write(`setup: ${text}\n`);
}

/** Often not on PATH. Debian has named there. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** @returns {string | undefined} */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Lines shown of a failed program's output. npm prints the cause first, compilers and apt last. */
const HEAD_LINES = 15;
const TAIL_LINES = 25;

/** Runs a program without showing its output. If it fails, the output is in the Problem. */
export async function run(program, args, { remedy, env = {}, cwd = ROOT }) {
  const { code, output } = await capture(program, args, { env, cwd });
  if (code === 0) return output;
  throw new Problem(`\`${[program, ...args].join(' ')}\` failed (${code}):\n${shortened(output)}`, remedy);
}

function shortened(output) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= HEAD_LINES + TAIL_LINES) return lines.join('\n');
  return [...lines.slice(0, HEAD_LINES), '…', ...lines.slice(-TAIL_LINES)].join('\n');
}

function capture(program, args, { env, cwd }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const append = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', append);
    child.stderr.on('data', append);
    child.on('error', (error) => resolve({ code: error.code, output: error.message }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
