/** After a step has failed: is what the steps before it made still there? Cheap looks at cloud and DNS only; nothing is changed. */

import type { LostEffect } from '../deployment/messages';
import { groupNameOf, ownerOf } from '../deployment/names';
import type { StepId } from '../deployment/steps';
import { authorityOf } from './zone/authority';
import type { Dependencies } from './dependencies';
import { namesNotPointingTo } from './zone/name-state';
import type { Cloud } from './ports';
import { consoleRules, missingRules, ourGroup, sshRules } from './security-group';
import type { LookBackInput } from '../deployment/activities';

interface Look {
  readonly input: LookBackInput;
  readonly cloud: Cloud;
  readonly deps: Dependencies;
}

/** What is wrong, in a sentence; undefined where all is well. */
type LookAt = (look: Look) => Promise<string | undefined>;

/** In the order of the steps: what is lost early explains what is lost late. */
const LOOKS: Partial<Readonly<Record<StepId, LookAt>>> = {
  address: async ({
    input: {
      known: { address },
    },
    cloud,
  }) => {
    if (address === undefined || (await cloud.listAddresses()).some(({ publicIp }) => publicIp === address.publicIp))
      return undefined;
    return `The account no longer has the address ${address.publicIp}.`;
  },
  'security-group': (look) => lostRules(look, sshRules(look.input.spec)),
  launch: async ({
    input: {
      spec,
      known: { instance },
    },
    cloud,
    deps,
  }) => {
    const all = await cloud.findInstances(ownerOf(deps.namespace, spec.name), groupNameOf(spec.name));
    const state = all.find(({ id }) => id === instance?.id)?.state;
    if (instance === undefined || state === 'running' || state === 'pending') return undefined;
    return `The instance ${instance.id} is ${state ?? 'not listed by the cloud any more'}.`;
  },
  associate: async ({
    input: {
      known: { address, instance },
    },
    cloud,
  }) => {
    const there = (await cloud.listAddresses()).find(({ publicIp }) => publicIp === address?.publicIp);
    if (there === undefined || there.instanceId === instance?.id) return undefined;
    return `The address ${there.publicIp} is associated with ${there.instanceId ?? 'no instance'}, not with ${instance?.id ?? 'ours'}.`;
  },
  dns: async ({
    input: {
      spec,
      known: { dns },
    },
    deps,
  }) => {
    if (dns === undefined) return undefined;
    const astray = await namesNotPointingTo(await authorityOf(deps, spec), dns.target);
    return astray.length === 0
      ? undefined
      : `${spec.dns.server} does not lead ${astray.join(', ')} to ${dns.target.value}.`;
  },
  'open-console': (look) => lostRules(look, consoleRules(look.input.spec)),
};

export async function findLost(deps: Dependencies, input: LookBackInput): Promise<LostEffect | undefined> {
  const cloud = await deps.clouds.open(input.spec.cloud);
  for (const [step, lookAt] of Object.entries(LOOKS) as [StepId, LookAt][]) {
    const message = input.steps.includes(step) ? await lookAt({ input, cloud, deps }) : undefined;
    if (message !== undefined) return { step, message: deps.secrets.mask(message) };
  }
  return undefined;
}

async function lostRules(
  { input: { spec }, cloud, deps }: Look,
  wanted: ReturnType<typeof sshRules>,
): Promise<string | undefined> {
  const name = groupNameOf(spec.name);
  const group = await ourGroup(cloud, name, ownerOf(deps.namespace, spec.name));
  if (group === undefined) return `The security group ${name} is gone.`;
  const closed = missingRules(group, wanted);
  return closed.length === 0
    ? undefined
    : `The security group ${name} no longer opens ${closed.map(({ port, cidr }) => `tcp ${port} to ${cidr}`).join(', ')}.`;
}
