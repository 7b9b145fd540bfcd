/**
 * The keys of bundles: one pair for the cloud and one for the account, made by openssl when a lab starts. All clouds
 * share them.
 */

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class BundleKeys {
  private readonly made: Promise<unknown>;

  constructor(private readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.made = Promise.all([this.make('cloud'), this.make('user')]);
    this.made.catch(() => undefined);
  }

  async ready(): Promise<void> {
    await this.made;
  }

  certificate(of: 'cloud' | 'user'): string {
    return join(this.dir, `${of}-cert.pem`);
  }

  privateKey(of: 'cloud' | 'user'): string {
    return join(this.dir, `${of}-pk.pem`);
  }

  private async make(of: 'cloud' | 'user'): Promise<void> {
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '3650',
      '-subj',
      `/CN=lab-${of}`,
      '-keyout',
      this.privateKey(of),
      '-out',
      this.certificate(of),
    ]);
  }
}
