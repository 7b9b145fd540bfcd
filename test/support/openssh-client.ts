/** OpenSSH's own client, as a person would use it: a witness that knows nothing of the product. */

import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { utils } from 'ssh2';

const run = promisify(execFile);

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
      'ConnectTimeout 10',
      'StrictHostKeyChecking no',
      'UserKnownHostsFile /dev/null',
    ];
    writeFileSync(this.config, `${options.join('\n')}\n`);
  }

  /** @returns what it prints. Rejects unless it ends with 0 */
  async kato(host: string, line: string): Promise<string> {
    const { stdout } = await run('ssh', ['-F', this.config, host, `$HOME/bin/kato ${line}`], { timeout: 30_000 });
    return stdout;
  }
}
