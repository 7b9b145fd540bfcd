/**
 * A lab's child processes: each has a log and is recorded in a file, and is killed only while its pid still is that
 * process.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookUp } from './programs';

export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** Start time in clock ticks since boot: identifies the process together with the pid, which may be reused. */
  readonly started: string;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  running(): boolean;
  /** Sends the signal and waits for the process to exit. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How long a process may take to exit before it is killed. */
const GRACE_MS = 5_000;

export class ChildProcesses {
  private readonly children = new Set<Child>();

  constructor(private readonly dir: string) {}

  start(options: ChildOptions): Child {
    const log = join(this.dir, `${options.name}.log`);
    const output = openSync(log, 'a', 0o600);
    // If the lab is killed, the kernel kills its children too.
    const [program, args] = boundToParent(options.program, options.args);
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
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await gone;
      clearTimeout(timer);
      this.children.delete(handle);
      this.writeRecords();
    };
    const handle: Child = { name: options.name, pid: child.pid, log, running, end };
    this.children.add(handle);
    this.writeRecords();
    return handle;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.children].map((child) => child.end('SIGTERM')));
    rmSync(recordsFile(this.dir), { force: true });
  }

  private writeRecords(): void {
    const records = [...this.children].flatMap(({ name, pid }) => {
      const started = startTimeOf(pid);
      return started === undefined ? [] : [{ name, pid, started }];
    });
    writeFileSync(recordsFile(this.dir), JSON.stringify(records), { mode: 0o600 });
  }
}

/** Kills what a dead lab left running. */
export function killOrphans(dir: string): ProcessRecord[] {
  const orphans = readRecords(dir).filter(({ pid, started }) => startTimeOf(pid) === started);
  for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  rmSync(recordsFile(dir), { force: true });
  return orphans;
}

/** Start time of the process with that pid; undefined where there is none, or only a zombie. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program name in parentheses, which may itself contain spaces and parentheses.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function readRecords(dir: string): ProcessRecord[] {
  try {
    return JSON.parse(readFileSync(recordsFile(dir), 'utf8')) as ProcessRecord[];
  } catch {
    return [];
  }
}

function recordsFile(dir: string): string {
  return join(dir, 'processes.json');
}

function boundToParent(program: string, args: readonly string[]): [string, string[]] {
  const setpriv = lookUp('setpriv');
  return setpriv === undefined ? [program, [...args]] : [setpriv, ['--pdeathsig', 'KILL', '--', program, ...args]];
}
