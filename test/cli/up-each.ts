/** Runs `up` for each file named in the arguments, all in this one process. Prints a line of JSON for each: what it printed, and its exit code. */

import { reportError } from '../../src/cli/errors';
import { createProgram } from '../../src/cli/program';
import type { Ended } from './cli';

const print = process.stdout.write.bind(process.stdout);

async function up(file: string): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    process[stream].write = (text: string | Uint8Array): boolean => {
      printed[stream] += String(text);
      return true;
    };
  let code = 0;
  const program = createProgram((exit) => {
    code = exit;
  });
  try {
    await program.parseAsync(['up', file], { from: 'user' });
  } catch (error) {
    code = reportError(error, false);
  }
  return { ...printed, code };
}

async function main(files: readonly string[]): Promise<void> {
  for (const file of files) print(`${JSON.stringify(await up(file))}\n`);
}

void main(process.argv.slice(2));
