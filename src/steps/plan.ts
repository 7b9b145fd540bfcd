/** What a deployment would do, step by step, in the words it would do it in. Asks nobody: what only they know stands in `<…>`. */

import { dialectOf } from '../machine/kato';
import { pointAt, probe } from '../dns/update';
import { putResolverFirst } from '../machine/resolver';
import { ownerOf } from '../deployment/names';
import { STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DnsTarget } from '../deployment/facts';
import type { DeploymentSpec, NetworkSpec } from '../deployment/types';
import { cloudCalls } from './plan-cloud';
import type { PlannedAction } from './plan-cloud';
import { publishActions } from './plan-image';
import { referenceText } from './reference-text';

export interface PlannedStep {
  readonly id: StepId;
  readonly title: string;
  /** Why this spec does without it. */
  readonly notNeeded?: string;
  readonly actions: readonly PlannedAction[];
}

interface Plan {
  readonly spec: DeploymentSpec;
  readonly owner: string;
}

/** @param namespace Temporal's, because what is made is marked with it */
export function planOf(spec: DeploymentSpec, namespace = 'default'): readonly PlannedStep[] {
  const plan = { spec, owner: ownerOf(namespace, spec.name) };
  return STEPS.map(({ id, title }) => {
    const notNeeded = NOT_NEEDED[id]?.(spec);
    return {
      id,
      title,
      ...(notNeeded === undefined ? {} : { notNeeded }),
      actions: notNeeded === undefined ? ACTIONS[id](plan) : [],
    };
  });
}

/** The same as in workflows/steps.ts, which is not for the client to import. */
const NOT_NEEDED: Partial<Readonly<Record<StepId, (spec: DeploymentSpec) => string | undefined>>> = {
  'publish-kernel': ({ image }) => idGiven(image),
  'publish-ramdisk': ({ image }) => idGiven(image),
  'publish-image': ({ image }) => idGiven(image),
  'static-ip': ({ network }) => (network.mode === 'dhcp' ? 'network: dhcp' : undefined),
  'claim-admin': ({ admin }) => (admin === undefined ? 'no admin in the spec' : undefined),
};

const ACTIONS: Readonly<Record<StepId, (plan: Plan) => readonly PlannedAction[]>> = {
  preflight: ({ spec, owner }) => [
    ...cloudCalls(spec, owner).checks,
    {
      where: 'dns',
      what: probe(spec.dns).trimEnd(),
      note: 'nsupdate; deletes what is never there: it shows whether the key is accepted',
    },
  ],
  'publish-kernel': ({ spec }) => publishActions(spec, 'kernel'),
  'publish-ramdisk': ({ spec }) => publishActions(spec, 'ramdisk'),
  'publish-image': ({ spec }) => publishActions(spec, 'machine'),
  address: ({ spec, owner }) => cloudCalls(spec, owner).address,
  'security-group': ({ spec, owner }) => cloudCalls(spec, owner).group,
  dns: (plan) => dnsActions(plan),
  launch: ({ spec, owner }) => cloudCalls(spec, owner).launch,
  associate: ({ spec, owner }) => cloudCalls(spec, owner).associate,
  connect: ({ spec, owner }) => [...cloudCalls(spec, owner).hostKey, kato(spec, ({ status }) => status)],
  'static-ip': ({ spec }) => [
    { ...kato(spec, ({ staticIp }) => staticIp), note: `answers: ${staticAnswers(spec.network)}` },
  ],
  rename: ({ spec }) => [kato(spec, ({ rename }) => rename(spec.dns.name))],
  'disable-mdns': ({ spec }) => [kato(spec, ({ disableRole }) => disableRole('mdns'))],
  reboot: () => [
    { where: 'machine', what: 'sudo reboot', note: 'once, while the boot id is still the one noted before' },
  ],
  'setup-core': ({ spec }) => [kato(spec, ({ setUpCore }) => setUpCore(`api.${spec.dns.name}`))],
  'enable-roles': ({ spec }) => [kato(spec, ({ enableAllBut }) => enableAllBut('mdns'))],
  resolver: ({ spec }) => [{ where: 'machine', what: putResolverFirst(spec.network.mode) }],
  'claim-admin': ({ spec }) => claimActions(spec),
  'open-console': ({ spec, owner }) => cloudCalls(spec, owner).console,
  verify: ({
    spec: {
      dns,
      console: { httpPort, httpsPort },
    },
  }) => [
    { where: 'console', what: `GET http://${dns.name}:${httpPort}/` },
    { where: 'console', what: `GET https://api.${dns.name}:${httpsPort}/info` },
    { where: 'console', what: `GET http://<made-up label>.${dns.name}:${httpPort}/` },
  ],
};

function idGiven(image: DeploymentSpec['image']): string | undefined {
  return 'id' in image ? 'image has an id' : undefined;
}

function kato({ release }: DeploymentSpec, command: (dialect: ReturnType<typeof dialectOf>) => string): PlannedAction {
  return { where: 'machine', what: command(dialectOf(release)) };
}

/** Stands for the address where it is not known: a script with `<…>` in it would be refused by its builder. Of 198.18.0.0/15, nobody's. */
const STAND_IN = '198.19.255.254';

function dnsActions({ spec, owner }: Plan): PlannedAction[] {
  const { dns, address } = spec;
  const script = pointAt({
    dns,
    target: targetOf(spec, 'ip' in address ? address.ip : STAND_IN),
    owner,
    observed: { ownership: [], records: [] },
  });
  const what = script
    .replaceAll(STAND_IN.replaceAll('.', '-'), '<address-with-hyphens>')
    .replaceAll(STAND_IN, '<address>')
    .trimEnd();
  const key =
    dns.tsig === undefined
      ? 'without a key'
      : `signed with ${dns.tsig.name} (${dns.tsig.algorithm}, ${referenceText(dns.tsig.secret)})`;
  const otherwise =
    spec.cloud.addressName === undefined
      ? "; a CNAME to the instance's public DNS name instead, where that leads to the address"
      : '';
  const replaced = dns.replace ? '; what stands at the name is replaced, and put back by down' : '';
  return [{ where: 'dns', what, note: `nsupdate, ${key}${otherwise}${replaced}` }];
}

function targetOf({ cloud: { addressName } }: DeploymentSpec, ip: string): DnsTarget {
  if (addressName === undefined) return { type: 'A', value: ip, from: 'address' };
  return { type: 'CNAME', value: addressName.replace('{dashed}', ip.replaceAll('.', '-')), from: 'cloud.addressName' };
}

function staticAnswers({ netmask, gateway, nameservers, search }: NetworkSpec): string {
  const seen = '<as the machine has it>';
  const answers = {
    address: seen,
    netmask: netmask ?? seen,
    gateway: gateway ?? seen,
    nameservers: nameservers?.join(' ') ?? seen,
    search: search?.join(' ') ?? seen,
  };
  return Object.entries(answers)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

function claimActions({ dns, admin }: DeploymentSpec): PlannedAction[] {
  if (admin === undefined) return [];
  const password = referenceText(admin.password);
  const form = `email=${admin.email}&password=${password}&unix_password=${password}`;
  return [
    {
      where: 'machine',
      what: `POST https://127.0.0.1/stackato/license ${form}`,
      note: `through ssh, Host: api.${dns.name}, unless somebody has claimed it`,
    },
  ];
}
