/** The state of the machine itself, over an SSH connection of the test's own. */

import { Client } from 'ssh2';
import type { ClientChannel, ConnectConfig } from 'ssh2';

export interface Login {
  readonly host: string;
  readonly port: number;
  /** Serves sudo, too. */
  readonly password: string;
  readonly privateKey?: string;
  /** The machine whose sshd forwards the connection. */
  readonly through?: Guest;
}

export class Guest {
  /** Rejects when the connection is lost: ssh2 never reports a channel that was being opened at that moment. */
  private readonly lost: Promise<never>;

  private constructor(
    private readonly client: Client,
    private readonly password: string,
  ) {
    this.lost = new Promise((_resolve, reject) =>
      client.once('close', () => reject(new Error('The connection is lost.'))),
    );
    this.lost.catch(() => undefined);
  }

  static async connect({ host, port, password, privateKey, through }: Login): Promise<Guest> {
    const client = new Client();
    // Errors may also come later, for instance at a reboot, when nobody waits for one.
    client.on('error', () => undefined);
    client.on('keyboard-interactive', (_name, _text, _language, prompts, finish) =>
      finish(prompts.map(() => password)),
    );
    const config: ConnectConfig = {
      host,
      port,
      username: 'stackato',
      readyTimeout: 40_000,
      ...(through === undefined ? {} : { sock: await through.forward(host, port) }),
      ...(privateKey === undefined ? { password, tryKeyboard: true } : { privateKey }),
    };
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      // A machine that goes down in the middle of the handshake closes the connection, and there is no error.
      client.once('close', () => reject(new Error('The connection was closed.')));
      client.connect(config);
    });
    return new Guest(client, password);
  }

  close(): void {
    this.client.end();
  }

  private forward(host: string, port: number): Promise<ClientChannel> {
    const opened = new Promise<ClientChannel>((resolve, reject) => {
      this.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
        error === undefined ? resolve(channel) : reject(error),
      );
    });
    return Promise.race([opened, this.lost]);
  }

  /** @returns what the command printed */
  run(command: string, stdin = ''): Promise<string> {
    return Promise.race([this.exec(command, stdin, true), this.lost]);
  }

  /** Tries once more: with MaxSessions 1, sshd may still count the previous channel. */
  private exec(command: string, stdin: string, retry: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, (error, channel) => {
        if (error !== undefined && retry) return resolve(this.exec(command, stdin, false));
        if (error !== undefined) return reject(error);
        let output = '';
        channel.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
        channel.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
        channel.on('close', () => resolve(output));
        channel.end(stdin);
      });
    });
  }

  asRoot(command: string): Promise<string> {
    return this.run(`sudo -S -p '' sh -c '${command.replaceAll("'", `'\\''`)}'`, `${this.password}\n`);
  }

  file(path: string): Promise<string> {
    return this.asRoot(`cat ${path}`);
  }

  /** All kato commands so far that change something, oldest first. */
  async changingCommands(): Promise<string[]> {
    const log = await this.file('/home/stackato/stackato/logs/kato.log');
    return log
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { args: string[] }).args.join(' '))
      .filter((line) => CHANGING.test(line));
  }

  /** Number of boots according to journald. */
  async boots(): Promise<number> {
    return (await this.asRoot('journalctl --list-boots -q'))
      .trim()
      .split('\n')
      .filter((line) => /^ *-?\d+ [0-9a-f]{32} /.test(line)).length;
  }
}

const CHANGING =
  /^(op |((node )?(rename|setup)|disable|enable|role (add|remove)|(node )?attach|node remove) |(stop|start)$)/;
