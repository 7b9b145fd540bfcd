/**
 * Connections to the core of a cluster, through which its nodes are reached: one for all who are on the way to some node, for as long as
 * there is anybody. A login each would be refused by sshd's MaxStartups when many nodes are worked on at once.
 */

import type { Duplex } from 'node:stream';
import type { Secrets, SshHost, SshTarget } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { connect, Unreachable } from './ssh-connection';
import type { Route, Timeouts } from './ssh-connection';
import { loginOf } from './ssh-login';
import { SshSession } from './ssh-session';

type Core = NonNullable<SshTarget['via']>;

interface Jump {
  readonly session: Promise<SshSession>;
  users: number;
}

export class Jumps {
  /** By what they lead to; the secrets in it are references. */
  private readonly jumps = new Map<string, Jump>();

  constructor(
    private readonly secrets: Secrets,
    private readonly timeouts: Timeouts,
  ) {}

  /** @param work gets the route to the host; undefined: it is reached directly */
  async reach<T>(host: SshHost, work: (route: Route | undefined) => Promise<T>): Promise<T> {
    const { via } = host;
    if (via === undefined) return work(undefined);
    return this.withJump(via, async (opening) => {
      const session = await naming(host, opening);
      try {
        return await work(() => this.open(session, host, via));
      } catch (error) {
        // Whatever became of the node's connection is then no word about the node.
        const code = error instanceof DeployError ? CODES_OF_A_LOSS.get(error.code) : undefined;
        const loss = code === undefined ? undefined : await session.findLoss();
        if (code === undefined || loss === undefined) throw error;
        throw new DeployError(
          code,
          `${host.host} is reached through the core, ${via.host}, and that connection was lost: ${loss.message}`,
        );
      }
    });
  }

  private async withJump<T>(via: Core, use: (session: Promise<SshSession>) => Promise<T>): Promise<T> {
    const key = JSON.stringify(via);
    const jump = this.jumps.get(key) ?? this.begin(key, via);
    jump.users += 1;
    try {
      return await use(jump.session);
    } finally {
      jump.users -= 1;
      if (jump.users === 0) this.end(key, jump);
    }
  }

  private begin(key: string, via: Core): Jump {
    const jump: Jump = { session: this.logIn(via), users: 0 };
    this.jumps.set(key, jump);
    // Whoever comes after it was lost, or was refused, begins another one.
    jump.session.then(
      (session) => session.lost.catch(() => this.forget(key, jump)),
      () => this.forget(key, jump),
    );
    return jump;
  }

  private async logIn(via: Core): Promise<SshSession> {
    return new SshSession(await connect(via, await loginOf(via, this.secrets), this.timeouts));
  }

  private end(key: string, jump: Jump): void {
    this.forget(key, jump);
    jump.session.then(
      (session) => session.close(),
      () => undefined,
    );
  }

  private forget(key: string, jump: Jump): void {
    if (this.jumps.get(key) === jump) this.jumps.delete(key);
  }

  private async open(session: SshSession, host: SshHost, via: Core): Promise<Duplex> {
    const { port } = host.spec;
    const late = timeoutOf(this.timeouts.connect);
    const opening = naming(host, session.tunnel(host.host, port));
    const stream = await Promise.race([opening, late.passed]).finally(late.cancel);
    if (stream === undefined) {
      opening.then(closeIfOpen, () => undefined);
      throw new Unreachable(host, `no answer (${this.timeouts.connect / 1000} s)`, 'other');
    }
    if (!('forwardsNothing' in stream)) return stream;
    const words = stream.reason === '' ? '' : ` (${stream.reason})`;
    if (!stream.forwardsNothing) throw new Unreachable(host, `the core cannot connect to it${words}`, 'other');
    throw new DeployError(
      'SSH_FORWARDING',
      `sshd of the core, ${via.host}, forwards no ports (AllowTcpForwarding), so ${host.host} cannot be reached through it${words}.`,
    );
  }
}

/** What the loss of the core's connection looks like on the node's, and what it is. */
const CODES_OF_A_LOSS: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  ['SSH_DROPPED', 'SSH_DROPPED'],
  ['SSH_UNREACHABLE', 'SSH_UNREACHABLE'],
  ['SSH_AUTH', 'SSH_UNREACHABLE'],
]);

/** Says of an error of the core that it is the core's, and to whom it matters. */
async function naming<T>({ host, via }: SshHost, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    throw new DeployError(
      error.code === 'SSH_DROPPED' ? 'SSH_UNREACHABLE' : error.code,
      `${host} is reached through the core, ${via?.host ?? ''}, and the core fails: ${error.message}`,
    );
  }
}

function timeoutOf(ms: number): { readonly passed: Promise<undefined>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return { passed, cancel: () => clearTimeout(timer) };
}

function closeIfOpen(stream: Duplex | object): void {
  if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
}
