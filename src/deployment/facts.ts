/**
 * What a deployment has made or learnt: of the site, and of each of its nodes. Kept in the memo, so it is readable with no worker and
 * outlives the run.
 */

import type { DnsRecord } from './types';

/** A machine of the deployment. */
export type NodeName = 'core';
export const CORE: NodeName = 'core';

export interface SiteFacts {
  /** Identifies the cloud account (a digest of endpoint and access key). */
  account?: string;
  address?: AddressFact;
  group?: { name: string; id?: string };
  /** The security group was asked for, and there is no answer yet: it may still come. */
  groupRequest?: Unsettled;
  /** The image that was published, and what it is bound to. */
  image?: { id: string; kernelId: string; ramdiskId: string };
  /** The run of `publishImage` that is waited for. */
  publishing?: string;
  dns?: DnsMemory;
}

export interface NodeFacts {
  instance?: { id: string; privateIp?: string };
  /** The instance was asked for, and there is no answer yet: it may still come. */
  launchRequest?: Unsettled;
  /** `SHA256:…` */
  hostKey?: string;
  /** Set before the first administrator is created: from then on the unix account may have that password. */
  claiming?: true;
  /** What `kato op static_ip` wrote, in words. */
  network?: string;
  /** Boot ids: the one stored before the reboot was asked for, and the one seen twice after it. */
  reboot?: { before: string; after?: string };
  /** Steps that changed what only a boot puts into effect, and no boot has been seen since. */
  rebootOwed?: readonly RebootReason[];
}

export interface Facts {
  site: SiteFacts;
  nodes: Record<NodeName, NodeFacts>;
}

/** What a step goes by: the facts of the site and those of its node. */
export type Known = SiteFacts & NodeFacts;

const OF_THE_SITE = [
  'account',
  'address',
  'group',
  'groupRequest',
  'image',
  'publishing',
  'dns',
] as const satisfies readonly (keyof SiteFacts)[];

export type RebootReason = 'static-ip' | 'rename' | 'disable-mdns';

/** A request whose end nobody knows: it may have had its effect, or may have it yet. */
export interface Unsettled {
  /** What was asked for, in a word. */
  readonly call: string;
  /** When it was given up, epoch ms. Absent: it was under way when this was noted. */
  readonly since?: number;
  /** It is of an activity before this one. */
  readonly earlier?: true;
}

export interface DnsMemory {
  /** Where the name shall point, or does. */
  target: DnsTarget;
  /** What stood there before, and is put back. */
  replaced: readonly DnsRecord[];
  /** Where an update that was seen pointed it. */
  written?: readonly Pick<DnsTarget, 'type' | 'value'>[];
}

export interface AddressFact {
  publicIp: string;
  /** VPC clouds only. */
  allocationId?: string;
  /** False where the spec named the address: `down` gives it back free, not released. */
  allocated: boolean;
}

/** What the base name points at, and where that came from (shown to the user). */
export interface DnsTarget {
  type: 'CNAME' | 'A';
  value: string;
  from: 'cloud.addressName' | 'instance' | 'address';
}

export function noFacts(): Facts {
  return { site: {}, nodes: { core: {} } };
}

export function knownOf({ site, nodes }: Facts, node: NodeName): Known {
  return { ...site, ...nodes[node] };
}

/** The other way round, for a deployment of one machine. */
export function factsOf(known: Known): Facts {
  const facts = noFacts();
  learn(facts, CORE, known);
  return facts;
}

/** Files what a step learnt where it belongs. */
export function learn({ site, nodes }: Facts, node: NodeName, learnt: Partial<Known>): void {
  for (const [fact, value] of Object.entries(learnt)) {
    Object.assign(isOfTheSite(fact) ? site : nodes[node], { [fact]: value });
  }
}

export function forget({ site, nodes }: Facts, node: NodeName, fact: keyof Known): void {
  if (isOfTheSite(fact)) delete site[fact];
  else delete nodes[node][fact];
}

function isOfTheSite(fact: string): fact is keyof SiteFacts {
  return (OF_THE_SITE as readonly string[]).includes(fact);
}
