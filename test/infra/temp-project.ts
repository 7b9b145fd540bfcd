/**
 * A temporary folder for tests of scripts, which find their files relative to themselves or to the working directory.
 */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export class TempProject {
  readonly path = mkdtempSync(join(tmpdir(), 'stackato-infra-'));

  /** Copies files and folders of the repository to the same path here. */
  copy(...names: string[]): this {
    for (const name of names) cpSync(name, join(this.path, name), { recursive: true });
    return this;
  }

  /** Links the repository's node_modules. */
  linkModules(): this {
    symlinkSync(resolve('node_modules'), join(this.path, 'node_modules'));
    return this;
  }

  write(name: string, text: string, mode = 0o644): this {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text, { mode });
    return this;
  }

  /** Runs node in the folder and waits for its exit. */
  async node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = spawn(process.execPath, args, {
      cwd: this.path,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const append = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', append);
    child.stderr.on('data', append);
    const code = await new Promise<number | null>((done, fail) => child.on('error', fail).on('close', done));
    return { code, output };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
