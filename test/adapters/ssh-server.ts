/** An sshd on loopback (ssh2's server) that behaves as a test needs. */

import { execFileSync, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { Server, utils } from 'ssh2';
import type { AuthContext, Connection, ServerChannel, ServerConfig } from 'ssh2';

export interface Behaviour {
  readonly methods?: readonly ('password' | 'keyboard-interactive' | 'publickey')[];
  readonly password?: string;
  /** Public key, OpenSSH format. */
  readonly authorized?: string;
  /** Cuts the connection at this offer, as sshd does after MaxAuthTries. */
  readonly cutAtOffer?: number;
  /** How many may be logging in at once, as sshd's MaxStartups; the others get these words and are cut off. */
  readonly maxStartups?: { readonly number: number; readonly words: string };
  /** Delays the answer to the first login request, ms. */
  readonly loginDelay?: number;
  readonly config?: Partial<ServerConfig>;
  /** Prompts after the password was accepted, one after the other. */
  readonly afterPassword?: readonly { readonly text: string; readonly prompt: string }[];
  /** Asks for a new password within the password method (RFC 4252, 8). */
  readonly changeRequest?: string;
  /** Runs a command instead of the login shell, unless it returns `false`. `script` is what src/machine wrapped in the command. */
  readonly onExec?: (script: string, channel: ServerChannel, connection: Connection) => boolean | void;
  /** The account's login shell and its environment. */
  readonly shell?: { readonly program: string; readonly env?: NodeJS.ProcessEnv };
  /** Forwards ports (`yes`), refuses as OpenSSH from 6.0 on (`prohibited`), or as before (`no`): with the message of a closed port. */
  readonly forwards?: 'yes' | 'prohibited' | 'no' | 'never answers';
}

export interface TestServer {
  readonly port: number;
  readonly offers: string[];
  /** Login requests, including the one that asks for the methods. */
  readonly requests: () => number;
  /** New passwords that clients sent. */
  readonly changes: string[];
  /** The most sessions open at once, and the connections still open. */
  readonly most: () => number;
  readonly connections: () => number;
  /** Where ports were forwarded to; each leads to loopback. */
  readonly forwarded: readonly string[];
  /** Cuts all connections. */
  cut(): void;
  /** How many connections were cut for `maxStartups`. */
  readonly turnedAway: () => number;
  close(): Promise<void>;
}

export const ED25519 = utils.generateKeyPairSync('ed25519');
export const RSA = utils.generateKeyPairSync('rsa', { bits: 2048 });

export async function startServer(behaviour: Behaviour = {}): Promise<TestServer> {
  const { methods = ['password'], onExec, config } = behaviour;
  const offers: string[] = [];
  const changes: string[] = [];
  const forwarded: string[] = [];
  const sockets = new Set<Socket>();
  let requests = 0;
  const open = new Set<Connection>();
  /** Client ports of connections that are logging in. */
  const startups = new Set<number>();
  let turnedAway = 0;
  let channels = 0;
  let most = 0;
  const ssh = new Server({ hostKeys: [ED25519.private, RSA.private], ...config }, (connection, { port: from }) => {
    open.add(connection);
    let delayed = behaviour.loginDelay ?? 0;
    connection.on('error', () => undefined);
    connection.on('close', () => open.delete(connection));
    connection.on('ready', () => startups.delete(from));
    connection.on('authentication', (context) => {
      requests += 1;
      if (context.method !== 'none') offers.push(context.method);
      if (offers.length === behaviour.cutAtOffer) return void connection.end();
      setTimeout(() => decide(context, behaviour, methods, changes), delayed);
      delayed = 0;
    });
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        most = Math.max(most, ++channels);
        channel.on('close', () => channels--);
        const taken = onExec?.(scriptIn(command), channel, connection) ?? onExec !== undefined;
        // A channel whose input is not read never closes.
        if (taken) channel.resume();
        else runIn(behaviour.shell ?? { program: '/bin/sh' }, command, channel, server);
      });
    });
    // ssh2 answers "prohibited" without a listener, and "connect failed" when the listener rejects.
    if (behaviour.forwards !== 'prohibited')
      connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
        if (behaviour.forwards === 'no') return void reject();
        forwarded.push(`${destIP}:${destPort}`);
        if (behaviour.forwards === 'never answers') return;
        const socket = connect(destPort, '127.0.0.1', () => {
          const channel = accept();
          channel.pipe(socket).pipe(channel);
          channel.on('error', () => socket.destroy());
          channel.on('close', () => socket.destroy());
        });
        socket.on('error', () => reject());
      });
  });
  const server: NetServer = createServer((socket) => {
    const { number = Infinity, words = '' } = behaviour.maxStartups ?? {};
    const from = socket.remotePort ?? 0;
    socket.on('error', () => undefined);
    if (startups.size >= number) {
      turnedAway += 1;
      return void socket.end(words, () => socket.destroy());
    }
    startups.add(from);
    socket.on('close', () => startups.delete(from));
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  return {
    port,
    offers,
    changes,
    requests: () => requests,
    most: () => most,
    connections: () => open.size,
    turnedAway: () => turnedAway,
    forwarded,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const connection of open) connection.end();
        server.close(() => resolve());
      }),
  };
}

/** The script wrapped in a command line by src/machine; the line itself if there is none. */
export function scriptIn(line: string): string {
  const pieces = [...line.matchAll(/ '([A-Za-z0-9+/=]+)'/g)].map(([, piece = '']) => piece).join('');
  return /\n\(\n([^]*)\n\)\n/.exec(Buffer.from(pieces, 'base64').toString())?.[1] ?? line;
}

/** As sshd does: in the login shell, with SSH_CONNECTION set. */
function runIn(
  shell: { readonly program: string; readonly env?: NodeJS.ProcessEnv },
  command: string,
  channel: ServerChannel,
  server: NetServer,
): void {
  const { port } = server.address() as AddressInfo;
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    SSH_CLIENT: '127.0.0.1 1 2',
    SSH_CONNECTION: `127.0.0.1 1 127.0.0.1 ${port}`,
    ...shell.env,
  };
  const child = spawn(shell.program, ['-c', command], { env, stdio: 'pipe' });
  child.once('error', () => {
    channel.exit(127);
    channel.end();
  });
  child.stdin.on('error', () => undefined);
  channel.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdin.once('close', () => channel.unpipe(child.stdin).resume());
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.once('close', (code, signal) => {
    if (signal === null) channel.exit(code ?? 0);
    else channel.exit(signal.replace('SIG', ''));
    channel.end();
  });
}

function decide(
  context: AuthContext,
  { password = 'stackato', authorized, afterPassword = [], changeRequest }: Behaviour,
  methods: readonly string[],
  changes: string[],
): void {
  const refuse = (): void => context.reject([...methods] as never);
  if (!methods.includes(context.method)) return refuse();
  if (context.method === 'password') {
    if (context.password !== password) return refuse();
    if (changeRequest === undefined) return context.accept();
    return context.requestChange(changeRequest, (changed) => {
      changes.push(changed);
      refuse();
    });
  }
  if (context.method === 'keyboard-interactive') {
    const ask = ([next, ...rest]: typeof afterPassword): void => {
      if (next === undefined) return context.accept();
      context.prompt([{ prompt: next.prompt, echo: false }], next.text, ([answer = '']) => {
        changes.push(answer);
        if (answer === '') refuse();
        else ask(rest);
      });
    };
    return void context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
      answers[0] === password ? ask(afterPassword) : refuse(),
    );
  }
  if (context.method !== 'publickey' || authorized === undefined) return refuse();
  const key = utils.parseKey(authorized);
  if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return refuse();
  // Without a signature, the client only asks whether the key would be accepted.
  if (context.signature === undefined || context.blob === undefined) return context.accept();
  return key.verify(context.blob, context.signature, context.hashAlgo) ? context.accept() : refuse();
}

export function selfSigned(dir: string): { key: string; cert: string } {
  const [key, cert] = [`${dir}/tls.key`, `${dir}/tls.crt`];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x', '-days', '2', '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  );
  return { key, cert };
}
