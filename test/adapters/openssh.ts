/** The system's own sshd on loopback, as the account that runs the test; it takes one key and no password. */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { programPath } from '../support/programs';
import { eventually } from '../support/wait';

export interface OpenSsh {
  readonly port: number;
  readonly user: string;
  log(): string;
  stop(): Promise<void>;
}

interface Keys {
  /** Private, OpenSSH format. */
  readonly host: string;
  /** Public. */
  readonly authorized: string;
}

export async function startOpenSsh(keys: Keys, settings: readonly string[]): Promise<OpenSsh> {
  const dir = mkdtempSync(join(tmpdir(), 'stackato-sshd-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const port = await freePort();
  // As root it insists on this folder, which only its service makes.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${file('host', keys.host)}`,
    `AuthorizedKeysFile ${file('authorized', keys.authorized)}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'LogLevel DEBUG1',
    ...settings,
  ];
  const log = file('log', '');
  const child = spawn(programPath('sshd'), ['-D', '-E', log, '-f', file('config', `${config.join('\n')}\n`)], {
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await eventually('sshd listens', () => {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(log, 'utf8')}`);
    return readFileSync(log, 'utf8').includes('Server listening');
  });
  return {
    port,
    user: userInfo().username,
    log: () => readFileSync(log, 'utf8'),
    stop: async () => {
      child.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
