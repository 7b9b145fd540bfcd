/** Deployments to machines under QEMU, from the image files to the web console. */

import assert from 'node:assert/strict';
import { utils } from 'ssh2';
import { builtImage } from '../../lab/vm';
import type { VirtualMachine } from '../../lab/types';
import type { Knobs } from '../../lab/knobs';
import type { DeploymentView } from '../../src/deployment/messages';
import type { DeploymentSpec } from '../../src/deployment/spec';
import type { Deployment } from '../support/deployment';
import { Site } from '../support/site';
import type { SpecChange, WorkerProcess } from '../support/site';
import { eventually } from '../support/wait';
import { Guest } from './guest';
import type { Login } from './guest';

export const KIND = 'eucalyptus-3.2';
export const QUEUE = 'vm';
/** 2 GiB: the least that Stackato needs. */
const TYPE = 'c1.medium';
/** Emulated machines are slow, and several of them share two processors here. The nodes of a cluster come after its core. */
const LIMIT_MS = 1_400_000;
/** Polling takes processor time that the machines need. */
const POLL_MS = 500;

export type VmSite = Site<VirtualMachine>;

export function openSite(): Promise<VmSite> {
  return Site.openVm(process.env.STACKATO_VM_KVM !== undefined);
}

export class RealDeployment {
  private constructor(
    readonly site: VmSite,
    private readonly spec: DeploymentSpec,
    readonly deployment: Deployment,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  static async start(site: VmSite, name: string, change: SpecChange, knobs: Partial<Knobs>): Promise<RealDeployment> {
    const spec = site.spec(
      name,
      KIND,
      {
        image: site.imageFrom('stackato-2.6.6', KIND, builtImage()),
        instance: { type: TYPE, key: 'lab' },
        timing: {
          // A login takes more than a second of an emulated machine's processor.
          poll: '8s',
          rebootWait: '15s',
          authGrace: '60s',
          deadline: {
            cloud: '2m',
            dns: '1m',
            launch: '8m',
            ready: '8m',
            command: '8m',
            reboot: '8m',
            console: '5m',
            publish: '8m',
          },
        },
        ...change,
      },
      { katoTakes: 3_000, readyDelay: 2_000, ...knobs },
    );
    return new RealDeployment(site, spec, await site.start(spec, QUEUE));
  }

  get machine(): VirtualMachine {
    return this.site.appliance(this.name);
  }

  get host(): string {
    return `${this.name}.${this.site.lab.state.dns.zone}`;
  }

  until(what: string, good: (view: DeploymentView) => boolean): Promise<DeploymentView> {
    return this.deployment.until(
      what,
      (view) => {
        assert.notEqual(view.stage, 'needs-attention', describeErrors(view));
        return good(view);
      },
      LIMIT_MS,
      POLL_MS,
    );
  }

  /** Waits until that kato command has begun, according to the machine's own log. */
  async started(command: string, login: Partial<Login> = {}): Promise<void> {
    await this.until('setup-core runs', ({ steps }) => steps['setup-core']?.state === 'running');
    const guest = await this.login(login);
    await eventually(
      `${command} was started`,
      async () => (await guest.changingCommands()).some((line) => line.startsWith(command)),
      LIMIT_MS,
      POLL_MS,
    );
    guest.close();
  }

  say(update: string): Promise<string> {
    return this.deployment.say(update);
  }

  settled(): Promise<DeploymentView> {
    return this.deployment.readyOrParked(LIMIT_MS, POLL_MS);
  }

  async ready(): Promise<DeploymentView> {
    const view = await this.settled();
    assert.equal(view.stage, 'ready', describeErrors(view));
    await this.deployment.result();
    return view;
  }

  /** Takes the deployment down. */
  async remove(): Promise<void> {
    const { facts } = await this.deployment.view();
    const { stage } = await this.site.teardown(this.spec, QUEUE, facts);
    assert.equal(stage, 'removed');
  }

  /** Retries: the product logs in, too, and a machine may allow only one login at a time. */
  async login(change: Partial<Login> = {}): Promise<Guest> {
    const { facts } = await this.deployment.view();
    const { publicIp } = facts.site.address ?? { publicIp: '' };
    const login = {
      host: publicIp,
      port: this.site.lab.state.ports.ssh,
      password: this.site.secrets.sshPassword,
      ...change,
    };
    return eventually('the test is logged in', () => Guest.connect(login).catch(() => undefined), 240_000);
  }
}

function describeErrors({ name, steps, nodes }: DeploymentView): string {
  const failed = [...Object.entries(steps), ...Object.entries(nodes)].flatMap(([of, { error }]) =>
    error === undefined ? [] : [[of, error]],
  );
  return `${name}: ${JSON.stringify(failed)}`;
}

/** For scenarios in which ssh accepts only this key, and the password serves sudo alone. */
export const KEYS = utils.generateKeyPairSync('ed25519');

export function startWorker(site: VmSite): Promise<WorkerProcess> {
  return site.worker(KIND, QUEUE, { SITE_SSH_KEY: KEYS.private });
}

/** Kills a worker with SIGKILL and starts another. */
export async function replaceWorker(site: VmSite, old: WorkerProcess): Promise<WorkerProcess> {
  await old.kill();
  return startWorker(site);
}
