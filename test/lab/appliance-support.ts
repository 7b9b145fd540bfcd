/** Simulated appliances without a cloud, for tests that use the product's own ssh and commands. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppliance } from '../../lab/appliance';
import { DEFAULT_KNOBS } from '../../lab/knobs';
import type { Knobs } from '../../lab/knobs';
import { claimNet } from '../../lab/ports';
import type { Net } from '../../lab/ports';
import type { Appliance, Arrival, Rule } from '../../lab/types';
import { runJob } from '../../src/steps/machine/run-job';
import type { JobCommand, JobOutcome } from '../../src/steps/machine/run-job';
import type { ExecResult, RemoteSession } from '../../src/steps/ports';
import { createRemote } from '../../src/adapters/ssh';
import { parseSections, withPath } from '../../src/machine/shell';
import type { Sections } from '../../src/machine/shell';
import { parseBootId, READ_BOOT_ID } from '../../src/machine/system';
import { DeployError } from '../../src/deployment/errors';
import { eventually } from '../support/wait';

export const PORTS = { ssh: 21_922, http: 21_980, https: 21_943 };
export const ALL_OPEN: readonly Rule[] = Object.values(PORTS).map((port) => ({ port, cidr: '0.0.0.0/0' }));
const QUICK: Partial<Knobs> = { bootDelay: 20, readyDelay: 0, oldBootIdFor: 50, downFor: 100, katoTakes: 50 };
const BUDGET_MS = 25_000;

export class TestMachine {
  constructor(
    readonly appliance: Appliance,
    readonly ip: string,
    readonly privateIp: string,
  ) {}

  /** Opens a new connection, as each activity does. */
  async session<T>(
    use: (session: RemoteSession) => Promise<T>,
    login: { password?: string; key?: string; user?: string } = {},
  ): Promise<T> {
    const { password = 'stackato', key, user = 'stackato' } = login;
    const texts: Readonly<Record<string, string | undefined>> = { password, key };
    const remote = createRemote({
      resolve: (ref) => Promise.resolve({ reveal: () => ('env' in ref ? texts[ref.env] : undefined) ?? '' }),
    });
    const secret = key === undefined ? { password: { env: 'password' } } : { key: { env: 'key' } };
    const host = { host: this.ip, spec: { user, port: PORTS.ssh, ...secret } };
    return remote.withSession({ ...host, hostKeys: [await remote.hostKey(host)] }, use);
  }

  /** The host key, read without logging in. */
  hostKey(): Promise<string> {
    const remote = createRemote({ resolve: () => Promise.reject(new Error('no secret is needed')) });
    return remote.hostKey({ host: this.ip, spec: { user: 'nobody', port: PORTS.ssh } });
  }

  exec(command: string, stdin = ''): Promise<ExecResult> {
    return this.session((session) => session.exec(command, { stdin }));
  }

  async kato(...words: string[]): Promise<ExecResult> {
    return this.exec(withPath(`kato ${words.join(' ')}`));
  }

  async observe(command: string): Promise<Sections> {
    return parseSections((await this.exec(command)).stdout)!;
  }

  /** Runs a detached command, and answers sudo's prompt. */
  job(command: string, rest: Partial<JobCommand> = {}, budgetMs = BUDGET_MS): Promise<JobOutcome> {
    const answers = { password: { reveal: () => 'stackato' }, ...rest.answers };
    const need = command.replace(/\W+/g, '-').slice(0, 100);
    return this.session((session) =>
      runJob(session, { deployment: 'd', step: 's', need, ...rest, command, answers }, { budgetMs, patienceMs: 2000 }),
    );
  }

  async bootId(): Promise<string | undefined> {
    return parseBootId((await this.exec(READ_BOOT_ID)).stdout);
  }

  /**
   * Undefined while the machine does not answer. A connection that is dropped during login looks like a refused login.
   */
  async reached(): Promise<true | undefined> {
    return this.bootId().then(
      () => true as const,
      (error: unknown) => {
        if (error instanceof DeployError && ['SSH_UNREACHABLE', 'SSH_DROPPED', 'SSH_AUTH'].includes(error.code))
          return undefined;
        throw error;
      },
    );
  }

  async reboot(command?: string): Promise<void> {
    const { appliance } = this;
    const before = appliance.boots();
    await this.requestReboot(command);
    await eventually('the next boot', () => appliance.boots() > before);
  }

  /** The machine may go down before it has told how the command ended. */
  async requestReboot(command = 'echo stackato | sudo -S reboot'): Promise<void> {
    await this.exec(command).catch((error: unknown) => {
      if (!(error instanceof DeployError && error.code === 'SSH_DROPPED')) throw error;
    });
  }

  programs(): string[] {
    return this.appliance.invocations().map(({ program, args }) => [program, ...args].join(' '));
  }

  /** Requests a page of the console at the elastic IP; undefined if the port is closed. */
  get(host: string, path: string): Promise<{ status: number; body: string; subject: string } | undefined> {
    const options = {
      host: this.ip,
      port: PORTS.https,
      path,
      headers: { Host: host },
      rejectUnauthorized: false,
      agent: false,
    };
    return new Promise((resolve) => {
      const asked = request(options, (answer) => {
        const { CN } = (
          answer.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
        ).getPeerCertificate().subject;
        let body = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, subject: CN }));
      });
      asked.on('error', () => resolve(undefined));
      asked.end();
    });
  }
}

/** Machines on a loopback network of this test's own. */
export class TestMachines {
  private readonly dir = mkdtempSync(join(tmpdir(), 'machines-'));
  private readonly made: Appliance[] = [];
  private readonly byPrivateIp = new Map<string, Appliance>();
  /** Private addresses that no rule lets anybody reach. */
  readonly closed = new Set<string>();
  private count = 0;
  private net: Promise<Net> | undefined;

  /** Launches a machine without an address. */
  async launch(knobs: Partial<Knobs> = {}, memory = 4096, folder = '', userData?: Buffer): Promise<TestMachine> {
    const { number: net } = await (this.net ??= claimNet(undefined));
    const id = ++this.count;
    const instanceId = `i-${String(id).padStart(8, '0')}`;
    const privateIp = `10.1.2.${id + 10}`;
    const appliance = await createAppliance({
      instanceId,
      memory,
      privateIp,
      network: { open: (ip, port) => Promise.resolve(this.open(privateIp, ip, port)) },
      dir: join(this.dir, folder, instanceId),
      knobs: { ...DEFAULT_KNOBS, ...QUICK, ...knobs },
      ports: PORTS,
      ...(userData === undefined ? {} : { userData }),
    });
    this.made.push(appliance);
    this.byPrivateIp.set(privateIp, appliance);
    return new TestMachine(appliance, `127.${net}.9.${id}`, privateIp);
  }

  private open(from: string, ip: string, port: number): Arrival {
    return this.closed.has(ip) ? 'dropped' : (this.byPrivateIp.get(ip)?.arrive?.(port, from) ?? 'dropped');
  }

  /** Launches a machine and waits until it is up, with all ports open to everybody. */
  async machine(knobs: Partial<Knobs> = {}, memory = 4096, folder = '', userData?: Buffer): Promise<TestMachine> {
    const machine = await this.launch(knobs, memory, folder, userData);
    await machine.appliance.setRules(ALL_OPEN);
    await machine.appliance.setPublicIp(machine.ip);
    await eventually('its first boot', () => machine.appliance.boots() === 1);
    return machine;
  }

  async close(): Promise<void> {
    await Promise.all(this.made.map((appliance) => appliance.terminate()));
    (await this.net)?.release();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
