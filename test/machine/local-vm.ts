/** Uses this computer in place of a VM: a temporary home, `sh` instead of sshd, the real `script` and `setsid`. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseReply, wrapScript } from '../../src/machine/sh-wrapper';
import type { ExecResult, RemoteSession, Secret } from '../../src/steps/ports';

export class LocalVm {
  readonly home = mkdtempSync(join(tmpdir(), 'stackato-vm-'));
  /** All commands sent so far, with their input. */
  readonly sent: { command: string; stdin: string }[] = [];

  /** @param inside words to put before a command, so that it runs in another namespace or environment */
  constructor(public inside: readonly string[] = []) {
    mkdirSync(join(this.home, 'bin'));
  }

  /** Adds a program to the PATH of jobs. */
  program(name: string, text: string): void {
    writeFileSync(join(this.home, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  /** Runs a command as sshd would. `cutInput` closes the connection after that many characters of input. */
  run(command: string, stdin = '', cutInput = stdin.length): Promise<ExecResult> {
    this.sent.push({ command, stdin });
    const mark = `mark-${this.sent.length}`;
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.home, LOGNAME: 'stackato' };
    const [program, ...words] = [...this.inside, '/bin/sh', '-c', wrapScript(command, mark)];
    const child = spawn(program, words, { cwd: this.home, env, stdio: 'pipe' });
    return new Promise((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
      child.once('error', reject);
      child.once('close', (code) => {
        const reply = parseReply({ stdout, stderr, cut: false }, mark);
        if (reply === undefined) reject(new Error(`it ended with ${code}: ${stdout}${stderr}`));
        else resolve(reply);
      });
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin.slice(0, cutInput));
    });
  }

  /** `before(index)` may throw before a command runs; `after(index)` may throw once it has taken effect. */
  session(
    hooks: { before?: (index: number) => void; after?: (index: number) => void; password?: Secret } = {},
  ): RemoteSession {
    let index = 0;
    return {
      ...(hooks.password === undefined ? {} : { password: hooks.password }),
      exec: async (command, options) => {
        const call = index++;
        hooks.before?.(call);
        const result = await this.run(command, options?.stdin);
        hooks.after?.(call);
        return result;
      },
      https: () => Promise.reject(new Error('A LocalVm has no web console.')),
    };
  }

  path(...parts: string[]): string {
    return join(this.home, ...parts);
  }

  read(...parts: string[]): string {
    const path = this.path(...parts);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Kills every job that still runs, by the process ids in its journal. */
  dispose(): void {
    const root = this.path('.stackato-deploy');
    const files = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : [];
    for (const file of files.filter((name) => name.endsWith('/pid'))) endJob(join(root, file));
    rmSync(this.home, { recursive: true, force: true });
  }
}

function endJob(pidFile: string): void {
  const [pid, , , outer] = readFileSync(pidFile, 'utf8').trim().split(' ');
  if (existsSync(pidFile.replace(/pid$/, 'end'))) return;
  for (const group of [pid, outer]) {
    if (!/^\d+$/.test(group ?? '')) continue;
    try {
      process.kill(-Number(group), 'SIGKILL');
    } catch {
      // It has already ended.
    }
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, ms = 8000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`It did not happen within ${ms} ms.`);
    await sleep(50);
  }
}
