/** What is done over one ssh connection: commands, one at a time, requests to the machine's own console, and streams to other machines. */

import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import pLimit from 'p-limit';
import type { ClientChannel } from 'ssh2';
import type { ExecResult, HttpAnswer, LocalHttpsRequest, RemoteSession, Secret } from '../steps/ports';
import { hasStarted, parseReply, wrapScript, removeMarkers } from '../machine/sh-wrapper';
import type { RawReply } from '../machine/sh-wrapper';
import { isPasswordExpired, lastLines } from '../machine/output';
import { maskSecrets } from '../deployment/mask';
import { DeployError } from '../deployment/errors';
import { requestThrough } from './http';
import { LimitedBuffer } from './limited-buffer';
import type { Connection } from './ssh-connection';

const OUTPUT_LIMIT = 256 * 1024;
const EXEC_TIMEOUT_MS = 15_000;
const HTTPS_TIMEOUT_MS = 30_000;
const SHOWN_LIMIT = 500;

export class SshSession implements RemoteSession {
  readonly password?: Secret;
  /** sshd may allow one channel at a time. */
  private readonly channels = pLimit(1);
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  private loss: DeployError | undefined;

  constructor(private readonly connection: Connection) {
    if (connection.password !== undefined) this.password = connection.password;
    this.lost = new Promise((_resolve, reject) => {
      const lose = (error?: Error): void => {
        this.loss ??= new DeployError(
          'SSH_DROPPED',
          `The connection was lost${error === undefined ? '' : `: ${error.message}`}.`,
        );
        reject(this.loss);
      };
      connection.client.on('error', lose);
      connection.client.on('close', () => lose());
      connection.client.on('end', () => lose());
    });
    // There may be no command waiting for it.
    this.lost.catch(() => undefined);
  }

  exec(
    command: string,
    { stdin = '', timeoutMs = EXEC_TIMEOUT_MS }: { stdin?: string; timeoutMs?: number } = {},
  ): Promise<ExecResult> {
    return this.channels(() => this.bounded(timeoutMs, 'a command', () => this.runInShell(command, stdin)));
  }

  https(request: LocalHttpsRequest): Promise<HttpAnswer> {
    const send = async (): Promise<HttpAnswer> => {
      const stream = await this.openForward(request.port);
      return requestThrough(stream, request).finally(() => stream.destroy());
    };
    return this.channels(() => this.bounded(HTTPS_TIMEOUT_MS, 'its own console', send));
  }

  /** A hanging channel cannot reliably be closed, and sshd may allow no second one, so the connection is closed with it. */
  private async bounded<T>(timeoutMs: number, what: string, work: () => Promise<T>): Promise<T> {
    if (this.loss !== undefined) throw this.loss;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.loss ??= new DeployError(
          'SSH_DROPPED',
          `The machine did not answer ${what} within ${timeoutMs / 1000} s.`,
        );
        reject(this.loss);
        this.connection.client.destroy();
      }, timeoutMs);
    });
    try {
      return await Promise.race([work(), timeout, this.lost]);
    } catch (error) {
      // ssh2 throws plain errors where the connection was lost before its events were emitted.
      throw error instanceof DeployError ? error : new DeployError('SSH_DROPPED', 'The connection was lost.');
    } finally {
      clearTimeout(timer);
    }
  }

  private async runInShell(command: string, stdin = ''): Promise<ExecResult> {
    const mark = `stackato-${randomBytes(8).toString('hex')}`;
    const exchange = await this.openChannel(wrapScript(command, mark), stdin);
    const reply = parseReply(exchange, mark);
    if (reply !== undefined) return reply;
    await this.throwIfLost();
    throw shellFailure(exchange, mark, this.password);
  }

  private async throwIfLost(): Promise<void> {
    const loss = await this.findLoss();
    if (loss !== undefined) throw loss;
  }

  /**
   * A refused channel is requested once more: with `MaxSessions 1`, sshd counts the previous channel until it has processed the packets
   * that close it, and our request may arrive together with them. Its refusal says that it has, and nothing was started.
   */
  private openChannel(command: string, stdin: string, again = true): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      this.connection.client.exec(command, (error, channel) => {
        // Read at once: a quick command can send everything in one packet, and an exit status without a listener is lost.
        if (error === undefined) resolve(readChannel(channel, stdin));
        else if (again) resolve(this.openChannel(command, stdin, false));
        else
          this.throwIfLost().then(
            () => reject(new DeployError('SSH_SHELL', `sshd refuses a channel to run a command in: ${error.message}.`)),
            reject,
          );
      });
    });
  }

  private async openForward(port: number): Promise<Duplex> {
    const forwarded = await this.forward('127.0.0.1', port);
    if (!(forwarded instanceof Error)) return forwarded;
    if (await this.forwardsNothing(forwarded)) {
      throw new DeployError(
        'SSH_FORWARDING',
        `sshd forwards no ports (AllowTcpForwarding), so the machine's port ${port} cannot be reached from inside: ${forwarded.message}.`,
      );
    }
    throw new DeployError(
      'CONSOLE_NOT_UP',
      `The machine's port ${port} does not answer from inside: ${forwarded.message}.`,
    );
  }

  /** A stream to a port of another machine, made by this machine's sshd. It counts for no limit of sshd's. */
  async tunnel(host: string, port: number): Promise<Duplex | RefusedTunnel> {
    const forwarded = await Promise.race([this.forward(host, port), this.lost]);
    if (!(forwarded instanceof Error)) return forwarded;
    const forwardsNothing = await this.channels(() =>
      this.bounded(EXEC_TIMEOUT_MS, 'a command', () => this.forwardsNothing(forwarded)),
    );
    return { forwardsNothing, reason: reasonOf(forwarded) };
  }

  /** Why the connection is lost. A lost connection first closes its channels as if they had ended normally, so its own event is waited for. */
  async findLoss(): Promise<DeployError | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.loss;
  }

  close(): void {
    // Not `end`, which waits for a machine that may be gone.
    this.connection.client.destroy();
  }

  private forward(host: string, port: number): Promise<Duplex | RefusedForward> {
    return new Promise((resolve) => {
      this.connection.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => resolve(error ?? channel));
    });
  }

  /** OpenSSH of 2011 gives the same message when nothing listens there, so a port that surely answers is tried: sshd's own. */
  private async forwardsNothing(refusal: RefusedForward): Promise<boolean> {
    if (refusal.reason === PROHIBITED) return true;
    const { stdout } = await this.runInShell('echo "$SSH_CONNECTION"');
    const [, , host, port] = stdout.trim().split(' ');
    if (host === undefined) return false;
    const own = await this.forward(host, Number(port));
    if (own instanceof Error) return true;
    own.destroy();
    return false;
  }
}

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, 5.1). */
const PROHIBITED = 1;

type RefusedForward = Error & { readonly reason?: unknown };

export interface RefusedTunnel {
  /** Not only there: sshd forwards no ports at all. */
  readonly forwardsNothing: boolean;
  /** In sshd's words; it may have none. */
  readonly reason: string;
}

function reasonOf({ message }: RefusedForward): string {
  return message.replace(/^\(SSH\) Channel open failure: /, '').trim();
}

function readChannel(channel: ClientChannel, stdin: string): Promise<RawReply> {
  const stdout = new LimitedBuffer(OUTPUT_LIMIT);
  const stderr = new LimitedBuffer(OUTPUT_LIMIT);
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

/** A command that ended with a status did not lose its connection: something of the account's own ran instead. */
function shellFailure(exchange: RawReply, mark: string, password: Secret | undefined): DeployError {
  const { stdout, stderr, code } = exchange;
  const secrets = password === undefined ? [] : [password.reveal()];
  const shown = (text: string): string => lastLines(maskSecrets(removeMarkers(text, mark), secrets), SHOWN_LIMIT);
  const output = [shown(stderr), shown(stdout)].filter((text) => text !== '').join('\n');
  const end = `${code === undefined ? '' : ` with status ${code}`}${output === '' ? ', without output' : `: "${output}"`}`;
  if (code === undefined || hasStarted(exchange, mark))
    return new DeployError('SSH_DROPPED', `A command was cut off before its end${end}.`);
  if (isPasswordExpired(output))
    return new DeployError(
      'SSH_PASSWORD_EXPIRED',
      `The password has expired: instead of running a command, the machine ended the session${end}.`,
    );
  return new DeployError(
    'SSH_SHELL',
    `Instead of running a command, the account's login shell (or what runs in its place) ended${end}.`,
  );
}
