/** A folder of its own for a script of this repository that goes by where it lies, or by where it is run. */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'stackato-infra-'));

  /** Files and folders of the repository, copied to the same place here. */
  copy(...names: string[]): this {
    for (const name of names) cpSync(name, join(this.path, name), { recursive: true });
    return this;
  }

  /** The repository's node_modules, without copying them. */
  linkModules(): this {
    symlinkSync(resolve('node_modules'), join(this.path, 'node_modules'));
    return this;
  }

  write(name: string, text: string, mode = 0o644): this {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text, { mode });
    return this;
  }

  /** Runs node there and waits for its end. */
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
