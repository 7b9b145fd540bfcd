/** What can be done over one connection: commands, one after the other, and requests to the machine's own console. */

import { randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import type { ExecResult, HttpAnswer, LocalHttpsRequest, RemoteSession, Secret } from '../steps/ports';
import { hasStarted, parseReply, wrapScript, removeMarkers } from '../machine/sh-wrapper';
import type { RawReply } from '../machine/sh-wrapper';
import { isPasswordExpired, lastLines } from '../machine/output';
import { maskSecrets } from '../deployment/mask';
import { DeployError } from '../deployment/errors';
import { Gathered, OLD_TLS, readAnswer } from './http-answer';
import type { Connection } from './ssh-connection';

const OUTPUT_LIMIT = 256 * 1024;
const EXEC_TIMEOUT_MS = 15_000;
const HTTPS_TIMEOUT_MS = 30_000;
const MOST_WORDS = 500;

export class SshSession implements RemoteSession {
  readonly password?: Secret;
  /** Ends when the channel before it did. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly lost: Promise<never>;
  private gone: DeployError | undefined;

  constructor(private readonly connection: Connection) {
    if (connection.password !== undefined) this.password = connection.password;
    this.lost = new Promise((_resolve, reject) => {
      const lose = (error?: Error): void => {
        this.gone ??= new DeployError(
          'SSH_DROPPED',
          `The connection was lost${error === undefined ? '' : `: ${error.message}`}.`,
        );
        reject(this.gone);
      };
      connection.client.on('error', lose);
      connection.client.on('close', () => lose());
      connection.client.on('end', () => lose());
    });
    // Nobody may be waiting when it happens.
    this.lost.catch(() => undefined);
  }

  exec(
    command: string,
    { stdin = '', timeoutMs = EXEC_TIMEOUT_MS }: { stdin?: string; timeoutMs?: number } = {},
  ): Promise<ExecResult> {
    return this.inTurn(timeoutMs, 'a command', () => this.ask(command, stdin));
  }

  https(request: LocalHttpsRequest): Promise<HttpAnswer> {
    return this.inTurn(HTTPS_TIMEOUT_MS, 'its own console', async () => {
      const stream = await this.openForward(request.port);
      return askThrough(stream, request).finally(() => stream.destroy());
    });
  }

  private inTurn<T>(timeoutMs: number, what: string, work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(() => this.bounded(timeoutMs, what, work));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** A channel that hangs cannot be taken back for sure, and sshd may allow no second one: the connection goes with it. */
  private async bounded<T>(timeoutMs: number, what: string, work: () => Promise<T>): Promise<T> {
    if (this.gone !== undefined) throw this.gone;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.gone ??= new DeployError(
          'SSH_DROPPED',
          `The machine did not answer ${what} within ${timeoutMs / 1000} s.`,
        );
        reject(this.gone);
        this.connection.client.destroy();
      }, timeoutMs);
    });
    try {
      return await Promise.race([work(), late, this.lost]);
    } catch (error) {
      // ssh2 throws plain errors where the connection went before anybody could be told.
      throw error instanceof DeployError ? error : new DeployError('SSH_DROPPED', 'The connection was lost.');
    } finally {
      clearTimeout(timer);
    }
  }

  private async ask(command: string, stdin = ''): Promise<ExecResult> {
    const mark = `stackato-${randomBytes(8).toString('hex')}`;
    const heard = await this.run(wrapScript(command, mark), stdin);
    const reply = parseReply(heard, mark);
    if (reply !== undefined) return reply;
    await this.insistOnConnection();
    throw this.notOurs(heard, mark);
  }

  /** A lost connection closes its channels first, as if they had ended: give the loss time to be told. */
  private async insistOnConnection(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.gone !== undefined) throw this.gone;
  }

  /**
   * A channel that is refused is asked for once more: with `MaxSessions 1` sshd counts the channel before it until it has dealt with the
   * packets it has, and ours may come together with the end of the last one. Its refusal says that it has, and nothing was started.
   */
  private run(command: string, stdin: string, again = true): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      this.connection.client.exec(command, (error, channel) => {
        // Listened to at once: all that a quick command says can come in one packet, and an exit status that nobody hears is lost.
        if (error === undefined) resolve(readChannel(channel, stdin));
        else if (again) resolve(this.run(command, stdin, false));
        else
          this.insistOnConnection().then(
            () =>
              reject(
                new DeployError(
                  'SSH_SHELL',
                  `sshd gives the account no channel to run a command in: ${error.message}.`,
                ),
              ),
            reject,
          );
      });
    });
  }

  /** A command that ended with a status did not lose its connection: something else of the account's ran in its place. */
  private notOurs(heard: RawReply, mark: string): DeployError {
    const { stdout, stderr, code } = heard;
    const secrets = this.password === undefined ? [] : [this.password.reveal()];
    const masked = (text: string): string => lastLines(maskSecrets(removeMarkers(text, mark), secrets), MOST_WORDS);
    const words = [masked(stderr), masked(stdout)].filter((text) => text !== '').join('\n');
    const said = `${code === undefined ? '' : ` with status ${code}`}${words === '' ? ', without a word' : `: "${words}"`}`;
    if (code === undefined || hasStarted(heard, mark))
      return new DeployError('SSH_DROPPED', `A command was cut off in its midst${said}.`);
    if (isPasswordExpired(words))
      return new DeployError(
        'SSH_PASSWORD_EXPIRED',
        `The password has expired: instead of running a command the machine ended${said}.`,
      );
    return new DeployError(
      'SSH_SHELL',
      `Instead of running a command the account's login shell, or what stands in its place, ended${said}.`,
    );
  }

  private async openForward(port: number): Promise<Duplex> {
    const forwarded = await this.forward('127.0.0.1', port);
    if (!(forwarded instanceof Error)) return forwarded;
    if (await this.forwardsNothing(forwarded)) {
      throw new DeployError(
        'SSH_FORWARDING',
        `sshd forwards no ports (AllowTcpForwarding), so the machine's own port ${port} cannot be reached: ${forwarded.message}.`,
      );
    }
    throw new DeployError('CONSOLE_NOT_UP', `The machine's own port ${port} does not answer: ${forwarded.message}.`);
  }

  private forward(host: string, port: number): Promise<Duplex | RefusedForward> {
    return new Promise((resolve) => {
      this.connection.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => resolve(error ?? channel));
    });
  }

  /** OpenSSH of 2011 refuses in the same words when nobody listens there: then sshd is asked for a port that surely answers, its own. */
  private async forwardsNothing(refused: RefusedForward): Promise<boolean> {
    if (refused.reason === PROHIBITED) return true;
    const { stdout } = await this.ask('echo "$SSH_CONNECTION"');
    const [, , host, port] = stdout.trim().split(' ');
    if (host === undefined) return false;
    const own = await this.forward(host, Number(port));
    if (own instanceof Error) return true;
    own.destroy();
    return false;
  }
}

/** RFC 4254, 5.1. */
const PROHIBITED = 1;

type RefusedForward = Error & { readonly reason?: unknown };

function readChannel(channel: ClientChannel, stdin: string): Promise<RawReply> {
  const stdout = new Gathered(OUTPUT_LIMIT);
  const stderr = new Gathered(OUTPUT_LIMIT);
  let code: number | undefined;
  return new Promise((resolve) => {
    channel.on('data', (chunk: Buffer) => stdout.add(chunk));
    channel.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    channel.on('exit', (status: number | null) => (code = status ?? undefined));
    channel.on('error', () => undefined);
    channel.on('close', () =>
      resolve({ stdout: stdout.text, stderr: stderr.text, cut: stdout.cut, ...(code === undefined ? {} : { code }) }),
    );
    channel.end(stdin);
  });
}

function askThrough(stream: Duplex, { host, method, path, form }: LocalHttpsRequest): Promise<HttpAnswer> {
  const body = form === undefined ? '' : new URLSearchParams(form).toString();
  const headers = {
    Host: host,
    Connection: 'close',
    ...(form === undefined
      ? {}
      : { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    // Never the body nor the stream's own words: both may hold what was sent.
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(
        new DeployError(
          'CONSOLE_NOT_UP',
          `The machine's own console ends the request for ${path}: ${error.code ?? 'no TLS'}.`,
        ),
      );
    const socket = tlsConnect({ socket: stream, servername: host, ...OLD_TLS });
    socket.on('error', fail);
    const request = httpsRequest({ createConnection: () => socket, method, path, headers }, (answer) => {
      readAnswer(answer).then(resolve, fail);
    });
    request.on('error', fail);
    request.end(body);
  });
}
