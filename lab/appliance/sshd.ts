/** The machine's sshd: ssh2's server, which behaves like OpenSSH 5.9 of Ubuntu 12.04. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Server, utils } from 'ssh2';
import type { Algorithms, Connection, ServerChannel, Session } from 'ssh2';
import { join as joined } from './connected-pair';
import type { Incoming } from './connected-pair';
import { onTerminal } from './shell';
import type { Shell } from './shell';
import { login } from './ssh-login';
import type { State } from './state';
import type { WebConsole } from './web-console';

/** The algorithms that both that release and ssh2 support. */
const ALGORITHMS: Algorithms = {
  kex: ['ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521', 'diffie-hellman-group14-sha1'],
  serverHostKey: ['ecdsa-sha2-nistp256'],
  cipher: ['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes128-cbc', '3des-cbc'],
  hmac: ['hmac-sha2-256', 'hmac-sha1', 'hmac-md5'],
};
const IDENT = 'OpenSSH_5.9p1 Debian-5ubuntu1';

/** OpenSSH 9's message. 5.9 prints none; both close the connection at once. */
const TOO_MANY_STARTUPS = 'Exceeded MaxStartups\r\n';

export class Sshd {
  /** Connections before login. */
  private readonly startups = new Set<Incoming | Socket>();

  constructor(
    private readonly state: State,
    private readonly shell: Shell,
    private readonly web: WebConsole,
  ) {
    this.createKeyOnce();
  }

  /** From outside, or from the private network. */
  accept(socket: Incoming | Socket): void {
    const { banner, maxStartups } = this.state.knobs;
    if (maxStartups > 0 && this.startups.size >= maxStartups)
      return void socket.end(TOO_MANY_STARTUPS, () => socket.destroy());
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
      new ClientConnection(connection, socket, this.state, this.shell, this.web).start();
    });
    // It uses nothing but the stream, and the address.
    server.injectSocket(socket as Socket);
  }

  /** As a first-boot script does that mistakes every boot for the first. */
  changeKey(): void {
    rmSync(this.keyFile, { force: true });
    this.createKeyOnce();
  }

  /** The public key in ssh wire format. */
  get hostKey(): Buffer {
    const key = utils.parseKey(readFileSync(this.keyFile));
    if (key instanceof Error) throw key;
    return key.getPublicSSH();
  }

  private get keyFile(): string {
    return join(this.state.files.dir, 'ssh_host_ecdsa_key');
  }

  private createKeyOnce(): void {
    if (!existsSync(this.keyFile))
      writeFileSync(this.keyFile, utils.generateKeyPairSync('ecdsa', { bits: 256 }).private, { mode: 0o600 });
  }
}

/** How long a closed session still counts, ms. */
const CLOSING_MS = 100;

/** A client's connection. */
class ClientConnection {
  private readonly channels = new Set<ServerChannel>();
  private execs = 0;
  private lookedUp = false;
  private lastClosed = 0;

  constructor(
    private readonly connection: Connection,
    private readonly socket: Incoming | Socket,
    private readonly state: State,
    private readonly shell: Shell,
    private readonly web: WebConsole,
  ) {}

  start(): void {
    this.connection.on('error', () => this.socket.destroy());
    this.connection.on('authentication', (context) => this.lookUp(() => login(context, this.state)));
    this.connection.on('session', (accept, reject) => {
      if (this.full) reject();
      else this.serve(accept());
    });
    this.connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      // OpenSSH 5.9 gives the same answer where nothing listens and where forwarding is not allowed.
      if (!this.state.knobs.forwardsPorts) return reject();
      if (!['127.0.0.1', 'localhost'].includes(destIP)) return void this.forward(destIP, destPort, accept, reject);
      const inside = { 22: sendBanner, 80: this.web.http, 443: this.web.https }[destPort];
      if (inside === undefined) return reject();
      inside.call(this.web, accept());
    });
  }

  /** To another machine. As from sshd, there is an answer only once it is connected, or has given up. */
  private async forward(ip: string, port: number, accept: () => ServerChannel, reject: () => void): Promise<void> {
    const arrival = (await this.state.network?.open(ip, port)) ?? 'dropped';
    if (arrival === 'refused') return reject();
    if (arrival === 'dropped') {
      const timer = setTimeout(reject, this.state.knobs.connectTimeout).unref();
      return void this.socket.once('close', () => clearTimeout(timer));
    }
    if (this.socket.destroyed) arrival.destroy();
    else joined(accept(), arrival);
  }

  /** With UseDNS, sshd looks up its client's name at the first login request, after the key exchange. */
  private lookUp(then: () => void): void {
    const { loginDelay } = this.state.knobs;
    if (this.lookedUp || loginDelay === 0) return then();
    this.lookedUp = true;
    const timer = setTimeout(then, loginDelay);
    this.socket.once('close', () => clearTimeout(timer));
  }

  /**
   * MaxSessions 1 limits commands and shells, not forwarded ports. sshd still counts a session until it has processed
   * all packets received so far, so that a session requested just as the last one closes is refused, once.
   */
  private get full(): boolean {
    if (!this.state.knobs.maxSessionsOne) return false;
    const closing = Date.now() < this.lastClosed + CLOSING_MS;
    this.lastClosed = 0;
    return closing || [...this.channels].some(isOpen);
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

  /** Every session with a terminal is recorded, but only a shell shows the previous one. */
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

/** sshd's own port, reached from inside the machine. */
function sendBanner(stream: Duplex): void {
  stream.on('error', () => undefined);
  stream.end(`SSH-2.0-${IDENT}\r\n`);
  stream.resume();
}

/** As ctime(3): `Mon Nov  3 14:15:13 2025`. */
function ctime(time: Date): string {
  const [day, date = '', month, year, clock] = time.toUTCString().replace(',', '').split(' ');
  return [day, month, date.replace(/^0/, ' '), clock, year].join(' ');
}

/** By the protocol's state: the stream emits `close` later. */
function isOpen(channel: ServerChannel): boolean {
  return (channel as unknown as { incoming: { state: string } }).incoming.state !== 'closed';
}
