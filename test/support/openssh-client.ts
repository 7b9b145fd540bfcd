/** OpenSSH's own client, as a person would use it: a witness that knows nothing of the product. */

import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utils } from 'ssh2';

export class OpenSshClient {
  /** For the knob `authorizedKey`. */
  readonly publicKey: string;
  private readonly config: string;

  /** @param folder where its key goes, and who deletes that */
  constructor(folder: string, port: number) {
    const dir = mkdtempSync(join(folder, 'openssh-'));
    const keys = utils.generateKeyPairSync('ecdsa', { bits: 256 });
    this.publicKey = keys.public;
    writeFileSync(join(dir, 'key'), keys.private, { mode: 0o600 });
    this.config = join(dir, 'config');
    const options = [
      'Host *',
      `Port ${port}`,
      'User stackato',
      `IdentityFile ${join(dir, 'key')}`,
      'BatchMode yes',
      'LogLevel ERROR',
      'ConnectTimeout 5',
      'StrictHostKeyChecking no',
      'UserKnownHostsFile /dev/null',
    ];
    writeFileSync(this.config, `${options.join('\n')}\n`);
  }

  /** @param via the machine through which it is reached; its output comes with its errors */
  run(host: string, command: string, via?: string): Promise<{ readonly code: number; readonly text: string }> {
    const words = ['-F', this.config, ...(via === undefined ? [] : ['-J', via]), host, command];
    return new Promise((done) => {
      execFile('ssh', words, { timeout: 30_000 }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
      );
    });
  }

  /** @returns what it prints; rejects unless it ends with 0 */
  async kato(host: string, line: string, via?: string): Promise<string> {
    const { code, text } = await this.run(host, `$HOME/bin/kato ${line}`, via);
    if (code !== 0) throw new Error(`kato ${line} ended with ${code}: ${text}`);
    return text;
  }
}
