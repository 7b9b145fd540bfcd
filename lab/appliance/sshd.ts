/** The machine's sshd: ssh2's server, made to look like the OpenSSH 5.9 of Ubuntu 12.04. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
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

/** The words of OpenSSH 9; that of 2011 says nothing, and both hang up at once. */
const TURNED_AWAY = 'Exceeded MaxStartups\r\n';

export class Sshd {
  /** Connections that are not logged in yet. */
  private readonly startups = new Set<Socket>();

  constructor(
    private readonly state: State,
    private readonly shell: Shell,
    private readonly web: Console,
  ) {
    this.keepKey();
  }

  accept(socket: Socket): void {
    const { banner, maxStartups } = this.state.knobs;
    if (maxStartups > 0 && this.startups.size >= maxStartups)
      return void socket.end(TURNED_AWAY, () => socket.destroy());
    this.startups.add(socket);
    socket.once('close', () => this.startups.delete(socket));
    const config = {
      hostKeys: [readFileSync(this.keyFile)],
      ident: IDENT,
      algorithms: ALGORITHMS,
      ...(banner === '' ? {} : { banner }),
    };
    const server = new Server(config, (connection) => {
      connection.once('ready', () => this.startups.delete(socket));
      new Visit(connection, socket, this.state, this.shell, this.web).begin();
    });
    server.injectSocket(socket);
  }

  /** A first-boot script that cannot tell a first boot would do this. */
  changeKey(): void {
    rmSync(this.keyFile, { force: true });
    this.keepKey();
  }

  /** As it goes over the wire. */
  get hostKey(): Buffer {
    const key = utils.parseKey(readFileSync(this.keyFile));
    if (key instanceof Error) throw key;
    return key.getPublicSSH();
  }

  private get keyFile(): string {
    return join(this.state.place.dir, 'ssh_host_ecdsa_key');
  }

  private keepKey(): void {
    if (!existsSync(this.keyFile))
      writeFileSync(this.keyFile, utils.generateKeyPairSync('ecdsa', { bits: 256 }).private, { mode: 0o600 });
  }
}

/** What a slow machine takes for one, ms. */
const ONE_BREATH = 100;

/** One connection. */
class Visit {
  private readonly channels = new Set<ServerChannel>();
  private execs = 0;
  private lookedUp = false;
  private lastClosed = 0;

  constructor(
    private readonly connection: Connection,
    private readonly socket: Socket,
    private readonly state: State,
    private readonly shell: Shell,
    private readonly web: Console,
  ) {}

  begin(): void {
    this.connection.on('error', () => this.socket.destroy());
    this.connection.on('authentication', (context) => this.lookUp(() => login(context, this.state)));
    this.connection.on('session', (accept, reject) => {
      if (this.full) reject();
      else this.serve(accept());
    });
    this.connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const inside = ['127.0.0.1', 'localhost'].includes(destIP)
        ? { 22: greet, 80: this.web.http, 443: this.web.https }[destPort]
        : undefined;
      // OpenSSH 5.9 says the same where nobody listens and where it may forward nothing.
      if (inside === undefined || !this.state.knobs.forwardsPorts) return reject();
      inside.call(this.web, accept());
    });
  }

  /** With UseDNS, sshd looks for its client's name at the first request to log in, when the keys are exchanged already. */
  private lookUp(then: () => void): void {
    const { loginDelay } = this.state.knobs;
    if (this.lookedUp || loginDelay === 0) return then();
    this.lookedUp = true;
    const timer = setTimeout(then, loginDelay);
    this.socket.once('close', () => clearTimeout(timer));
  }

  /**
   * As MaxSessions 1 has it: of commands and shells, not of forwarded ports. sshd counts a channel until it is through with all the packets
   * that it has, so that the next one, asked for in the same breath as the last one ends, is refused; after that it is through.
   */
  private get full(): boolean {
    if (!this.state.knobs.maxSessionsOne) return false;
    const inOneBreath = Date.now() < this.lastClosed + ONE_BREATH;
    this.lastClosed = 0;
    return inOneBreath || [...this.channels].some(isOpen);
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
    if (terminal) this.recordLogin(channel, command);
    this.shell.run(terminal ? onTerminal(command) : (command ?? ''), channel, (code, signal) => {
      if (cut) return void this.socket.destroy();
      if (signal === null) channel.exit(code ?? 0);
      else channel.exit(signal.replace('SIG', ''));
      channel.end();
    });
  }

  /** Every terminal is a login, but only a shell is told of the one before. */
  private recordLogin(channel: ServerChannel, command: string | undefined): void {
    const { lastLogin } = this.state;
    if (command === undefined && lastLogin !== undefined) channel.write(`Last login: ${lastLogin}\r\n`);
    this.state.lastLogin = `${ctime(new Date())} from ${this.socket.remoteAddress ?? ''}`;
  }

  private keep(channel: ServerChannel): void {
    this.channels.add(channel);
    channel.once('close', () => {
      this.channels.delete(channel);
      this.lastClosed = Date.now();
    });
  }
}

/** Its own port, from inside. */
function greet(stream: Duplex): void {
  stream.on('error', () => undefined);
  stream.end(`SSH-2.0-${IDENT}\r\n`);
  stream.resume();
}

/** As C's: `Mon Nov  3 14:15:13 2025`. */
function ctime(time: Date): string {
  const [day, date = '', month, year, clock] = time.toUTCString().replace(',', '').split(' ');
  return [day, month, date.replace(/^0/, ' '), clock, year].join(' ');
}

/** Behind its close by the protocol, of which the stream hears later. */
function isOpen(channel: ServerChannel): boolean {
  return (channel as unknown as { incoming: { state: string } }).incoming.state !== 'closed';
}
