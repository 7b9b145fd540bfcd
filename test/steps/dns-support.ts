import { firstAttempt } from './support';
import { dns } from '../../src/steps/dns';
import { preflight } from '../../src/steps/preflight';
import type { Dependencies } from '../../src/steps/dependencies';
import type { CloudInstance, Dns, TsigKey } from '../../src/steps/ports';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import { createDns } from '../../src/adapters/dns';
import type { Known } from '../../src/deployment/facts';
import type { CloudSpec, DeploymentSpec, DnsSpec } from '../../src/deployment/spec';
import { specNamed } from '../support/specs';

export const NAMESPACE = 'testing';

export interface NameOptions {
  readonly dns: DnsSpec;
  readonly key: TsigKey;
  readonly publicIp: string;
  readonly cloud?: Partial<CloudSpec>;
  readonly instances?: readonly Partial<CloudInstance>[];
  readonly wrap?: (real: Dns) => Dns;
}

/** One deployment's DNS activities, with the updates counted and what is known kept, as a workflow does. */
export class NameDeployment {
  updates = 0;
  known: Known;
  readonly spec: DeploymentSpec;
  readonly deps: Dependencies;

  constructor(label: string, { dns, key, publicIp, cloud = {}, instances = [], wrap = (real) => real }: NameOptions) {
    const base = specNamed(label);
    this.spec = { ...base, dns, cloud: { ...base.cloud, ...cloud } };
    this.known = { address: { publicIp, allocated: true }, instance: { id: 'i-1' } };
    const real = wrap(createDns());
    const counted: Dns = {
      ...real,
      update: (script, signer) => real.update(script, signer).then(() => void (this.updates += 1)),
    };
    this.deps = {
      dns: counted,
      namespace: NAMESPACE,
      secrets: { resolve: () => Promise.resolve(key.secret) },
      clouds: { open: () => Promise.resolve({ findInstances: () => Promise.resolve(instances) }) },
    } as unknown as Dependencies;
  }

  /** As if the cloud had nothing to say. */
  preflight(): Promise<StepOutcome> {
    const cloud = {
      account: 'a',
      checkAccess: () => Promise.resolve(),
      imageExists: () => Promise.resolve(true),
      typeMemory: () => Promise.resolve(4_096),
      listAddresses: () => Promise.resolve([]),
      findGroups: () => Promise.resolve([]),
      findGroup: () => Promise.resolve(undefined),
    };
    return firstAttempt(preflight.activities.preflight)(
      { ...this.deps, clouds: { open: () => Promise.resolve(cloud) } } as unknown as Dependencies,
      this.input,
    );
  }

  async observe(): Promise<string> {
    return this.remembered(await firstAttempt(dns.activities.observeDns)(this.deps, this.input)).note;
  }

  async update(): Promise<boolean> {
    return this.remembered(await firstAttempt(dns.activities.updateDns)(this.deps, this.input)).changed;
  }

  async up(): Promise<boolean> {
    await this.observe();
    return this.update();
  }

  async down(): Promise<boolean> {
    return (await this.takeBack()).changed;
  }

  takeBack(): Promise<StepOutcome> {
    return firstAttempt(dns.undo)(this.deps, this.input);
  }

  private remembered(outcome: StepOutcome): StepOutcome {
    Object.assign(this.known, outcome.known);
    return outcome;
  }

  get input(): StepInput {
    return { spec: this.spec, node: 'core', known: this.known, need: 'n', deadline: 1_000 };
  }
}
