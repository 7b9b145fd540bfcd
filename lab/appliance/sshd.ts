/** The machine's sshd: ssh2's server, made to look like the OpenSSH 5.9 of Ubuntu 12.04. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { Server, utils } from 'ssh2';
import type { Algorithms, Connection, ServerChannel, Session } from 'ssh2';
import type { Console } from './console';
import { onTerminal } from './shell';
import type { Shell } from './shell';
import { login } from './ssh-login';
import type { State } from './state';

/** What that release knows, of what ssh2 knows. */
const ALGORITHMS: Algorithms = {
  kex: ['ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group14-sha1'],
  serverHostKey: ['ecdsa-sha2-nistp256'],
  cipher: ['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes128-cbc', '3des-cbc'],
  hmac: ['hmac-sha2-256', 'hmac-sha1', 'hmac-md5'],
};
const IDENT = 'OpenSSH_5.9p1 Debian-5ubuntu1';

export class Sshd {
  constructor(private readonly state: State, private readonly shell: Shell, private readonly web: Console) {
    this.keepKey();
  }

  accept(socket: Socket): void {
    const { banner } = this.state.knobs;
    const config = { hostKeys: [readFileSync(this.keyFile)], ident: IDENT, algorithms: ALGORITHMS, ...(banner === '' ? {} : { banner }) };
    const server = new Server(config, (connection) => {
      new Visit(connection, socket, this.state, this.shell, this.web).begin();
    });
    server.injectSocket(socket);
  }

  /** A first-boot script that cannot tell a first boot would do this. */
  changeKey(): void {
    rmSync(this.keyFile, { force: true });
    this.keepKey();
  }

  private get keyFile(): string {
    return join(this.state.place.dir, 'ssh_host_ecdsa_key');
  }

  private keepKey(): void {
    if (!existsSync(this.keyFile)) writeFileSync(this.keyFile, utils.generateKeyPairSync('ecdsa', { bits: 256 }).private, { mode: 0o600 });
  }
}

/** One connection. */
class Visit {
  private readonly channels = new Set<ServerChannel>();
  private execs = 0;

  constructor(
    private readonly connection: Connection,
    private readonly socket: Socket,
    private readonly state: State,
    private readonly shell: Shell,
    private readonly web: Console,
  ) {}

  begin(): void {
    this.connection.on('error', () => this.socket.destroy());
    this.connection.on('authentication', (context) => login(context, this.state));
    this.connection.on('session', (accept, reject) => {
      if (this.full) reject();
      else this.serve(accept());
    });
    this.connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const inside = ['127.0.0.1', 'localhost'].includes(destIP) ? { 80: this.web.http, 443: this.web.https }[destPort] : undefined;
      if (inside === undefined || this.full) return reject();
      const channel = accept();
      this.keep(channel);
      inside.call(this.web, channel);
    });
  }

  private get full(): boolean {
    return this.state.knobs.maxSessionsOne && [...this.channels].some(isOpen);
  }

  private serve(session: Session): void {
    let terminal = false;
    session.on('pty', (accept) => {
      terminal = true;
      accept();
    });
    session.on('window-change', (accept) => accept?.());
    session.on('shell', (accept) => this.run(accept(), undefined, true));
    session.on('exec', (accept, _reject, { command }) => this.run(accept(), command, terminal));
  }

  private run(channel: ServerChannel, command: string | undefined, terminal: boolean): void {
    const cut = ++this.execs === this.state.knobs.dropChannel;
    this.keep(channel);
    if (terminal && this.state.knobs.banner !== '') channel.write(`Last login: ${new Date().toUTCString()} from 10.0.0.1\r\n`);
    this.shell.run(terminal ? onTerminal(command) : command ?? '', channel, (code, signal) => {
      if (cut) return void this.socket.destroy();
      if (signal === null) channel.exit(code ?? 0);
      else channel.exit(signal.replace('SIG', ''));
      channel.end();
    });
  }

  private keep(channel: ServerChannel): void {
    this.channels.add(channel);
    channel.once('close', () => this.channels.delete(channel));
  }
}

/** The client may open the next one right behind its close, which the stream hears of later than the protocol. */
function isOpen(channel: ServerChannel): boolean {
  return (channel as unknown as { incoming: { state: string } }).incoming.state !== 'closed';
}
