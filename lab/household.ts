/** The processes of one lab: started with a log, written down, and ended by pid only while the pid is still the same process. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookUp } from './programs';

export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** Clock ticks since boot: with the pid it names one process for ever. */
  readonly started: string;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  running(): boolean;
  /** Ends it and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PATIENCE = 5_000;

export class Household {
  private readonly children = new Set<Child>();

  constructor(private readonly dir: string) {}

  start(options: ChildOptions): Child {
    const log = join(this.dir, `${options.name}.log`);
    const output = openSync(log, 'a', 0o600);
    // A lab that is killed must not leave its parts behind: the kernel ends them with it.
    const [program, args] = tied(options.program, options.args);
    const child = spawn(program, args, {
      cwd: this.dir,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    if (child.pid === undefined) throw new Error(`The lab could not start ${options.program}.`);
    const running = (): boolean => child.exitCode === null && child.signalCode === null;
    const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
      if (running()) child.kill(signal);
      const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
      await gone;
      clearTimeout(impatience);
      this.children.delete(handle);
      this.record();
    };
    const handle: Child = { name: options.name, pid: child.pid, log, running, end };
    this.children.add(handle);
    this.record();
    return handle;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.children].map((child) => child.end('SIGTERM')));
    rmSync(recordsOf(this.dir), { force: true });
  }

  private record(): void {
    const records = [...this.children].flatMap(({ name, pid }) => {
      const started = startOf(pid);
      return started === undefined ? [] : [{ name, pid, started }];
    });
    writeFileSync(recordsOf(this.dir), JSON.stringify(records), { mode: 0o600 });
  }
}

/** Ends what a lab that died left behind. */
export function endOrphans(dir: string): ProcessRecord[] {
  const orphans = readRecords(dir).filter(({ pid, started }) => startOf(pid) === started);
  for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  rmSync(recordsOf(dir), { force: true });
  return orphans;
}

/** When the process of that pid started; undefined where there is none (or only its zombie). */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function readRecords(dir: string): ProcessRecord[] {
  try {
    return JSON.parse(readFileSync(recordsOf(dir), 'utf8')) as ProcessRecord[];
  } catch {
    return [];
  }
}

function recordsOf(dir: string): string {
  return join(dir, 'processes.json');
}

function tied(program: string, args: readonly string[]): [string, string[]] {
  const setpriv = lookUp('setpriv');
  return setpriv === undefined ? [program, [...args]] : [setpriv, ['--pdeathsig', 'KILL', '--', program, ...args]];
}
