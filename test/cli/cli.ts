/** The command line as a process of its own. */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const COMMAND = [process.execPath, '--import', 'tsx', 'src/cli/main.ts'] as const;

export class Cli {
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    [program, ...before]: readonly [string, ...string[]] = COMMAND,
  ) {
    this.child = spawn(program, [...before, ...args], {
      cwd: ROOT,
      env: { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get pid(): number {
    return this.child.pid ?? assert.fail('it was not started');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export function cli(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  return new Cli(args, env).ended;
}

/** With a terminal of its own, whose output is stdout. */
export function onTerminal(args: readonly string[]): Promise<Ended> {
  const command = [...COMMAND, ...args].map((word) => `'${word}'`).join(' ');
  return new Cli([`stty cols 100 rows 40; ${command}`, '/dev/null'], { TERM: 'xterm' }, ['script', '-qec']).ended;
}
