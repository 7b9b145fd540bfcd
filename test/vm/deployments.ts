/** Deployments to real machines, from the image files to the console. */

import assert from 'node:assert/strict';
import { utils } from 'ssh2';
import { builtImage } from '../../lab/vm';
import type { VirtualMachine } from '../../lab/types';
import type { Knobs } from '../../lab/knobs';
import type { DeploymentView } from '../../src/deployment/messages';
import type { DeploymentSpec } from '../../src/deployment/types';
import type { Deployment } from '../support/deployment';
import { Site } from '../support/site';
import { eventually } from '../support/wait';
import type { SpecChange, WorkerProcess } from '../support/site';
import { Guest } from './guest';
import type { Login } from './guest';

export const KIND = 'eucalyptus-3.2';
export const QUEUE = 'vm';
/** 2 GiB: what Stackato needs at least. */
const TYPE = 'c1.medium';
/** Emulated machines take their time, and several of them share two processors here. */
const LONG = 900_000;
/** Looks cost what the machines need. */
const LOOK_EVERY = 500;

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
          poll: '4s',
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
        assert.notEqual(view.stage, 'needs-attention', complaint(view));
        return good(view);
      },
      LONG,
      LOOK_EVERY,
    );
  }

  /** That command of kato has begun, by the machine's own log. */
  async started(command: string, login: Partial<Login> = {}): Promise<void> {
    await this.until('setup-core runs', ({ steps }) => steps['setup-core']?.state === 'running');
    const guest = await this.login(login);
    await eventually(
      `${command} was started`,
      async () => (await guest.changingCommands()).some((line) => line.startsWith(command)),
      LONG,
      LOOK_EVERY,
    );
    guest.close();
  }

  say(update: string): Promise<string> {
    return this.deployment.say(update);
  }

  settled(): Promise<DeploymentView> {
    return this.deployment.until(
      'ready or parked',
      ({ stage }) => stage === 'ready' || stage === 'needs-attention',
      LONG,
      LOOK_EVERY,
    );
  }

  async ready(): Promise<DeploymentView> {
    const view = await this.settled();
    assert.equal(view.stage, 'ready', complaint(view));
    await this.deployment.result();
    return view;
  }

  /** `down`. */
  async remove(): Promise<void> {
    const { facts } = await this.deployment.view();
    const { stage } = await this.site.teardown(this.spec, QUEUE, facts);
    assert.equal(stage, 'removed');
  }

  /** As often as it takes: the product logs in too, and where only one may at a time, one of them has to wait. */
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

function complaint({ name, steps }: DeploymentView): string {
  const bad = Object.entries(steps).find(([, { error }]) => error !== undefined);
  return `${name}: ${JSON.stringify(bad)}`;
}

/** The key alone opens ssh where a scenario says so; the password is sudo's. */
export const KEYS = utils.generateKeyPairSync('ed25519');

export function worker(site: VmSite): Promise<WorkerProcess> {
  return site.worker(KIND, QUEUE, { SITE_SSH_KEY: KEYS.private });
}

/** Ends one without a word, and begins another. */
export async function replaced(site: VmSite, old: WorkerProcess): Promise<WorkerProcess> {
  await old.kill();
  return worker(site);
}
