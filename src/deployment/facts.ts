/**
 * What a deployment has made or learnt about the site and about each of its nodes. Kept in the memo, so that it can be read without a
 * worker and outlives the workflow run.
 */

import type { DnsRecord, StorageSpec } from './spec';

/** A machine of the deployment: `core`, or `<group>-<number>` (cluster.ts). */
export type NodeName = string;
export const CORE = 'core';

export interface SiteFacts {
  /** Identifies the cloud account (a digest of endpoint and access key). */
  account?: string;
  address?: AddressFact;
  group?: { name: string; id?: string };
  /** The security group was requested without an answer so far: it may still be created. */
  groupRequest?: Unsettled;
  /** The security group of the nodes other than the core. */
  nodesGroup?: { name: string; id?: string };
  nodesGroupRequest?: Unsettled;
  /** The published machine image, and the kernel and ramdisk to which it is bound. */
  image?: { id: string; kernelId: string; ramdiskId: string };
  /** Run id of the `publishImage` that the deployment is waiting for. */
  publishing?: string;
  dns?: DnsMemory;
}

export interface NodeFacts {
  /** `publicIp`: one that the cloud gave it by itself. */
  instance?: { id: string; privateIp?: string; publicIp?: string };
  /** The launch was requested without an answer so far: the instance may still appear. */
  launchRequest?: Unsettled;
  /**
   * Holds the container store; GiB. It outlives the instance. `made`: by us, so that `down --volumes` deletes it. `unproved`: its creation
   * was not answered, so it may be somebody else's, and is not deleted before the containers are on it. `found`: it was there before this
   * deployment remembered anything, and may hold the containers of an earlier one.
   */
  volume?: { id: string; size: number; made: boolean; unproved?: true; found?: true };
  /** The volumes of the account before one was requested. */
  volumesBefore?: readonly string[];
  /** A volume was requested without an answer so far: it may still appear. */
  volumeRequest?: Unsettled;
  /** The disks that the machine had in that boot, before the volume was attached. */
  disks?: { boot: string; names: readonly string[] };
  /** `SHA256:…` */
  hostKey?: string;
  /** The instance whose host key was replaced by another, during its first boot. Once per instance. */
  hostKeyRenewed?: string;
  /** The instance whose first boot by cloud-init is over. */
  firstBootOver?: string;
  /** Set before the first administrator is created: from then on the unix account may have the same password. */
  claiming?: true;
  /** The network configuration that `kato op static_ip` wrote, as text. */
  network?: string;
  /** Boot ids: the one stored before the reboot was requested, and the one seen twice after it. */
  reboot?: { before: string; after?: string };
  /**
   * The address under which it is, or may be, in the core's list. It outlives the instance: the entry of a dead one is removed. `stale`:
   * addresses of earlier instances that may still be in it.
   */
  attached?: { ip: string; stale?: readonly string[] };
  /** What it was made with: a node of a group that has changed since is replaced. */
  made?: NodeMake;
  /** Steps whose effect needs a reboot that has not happened since. */
  rebootOwed?: readonly RebootReason[];
}

/** What cannot change in place on a node other than the core. */
export interface NodeMake {
  readonly type: string;
  readonly zone?: string;
  /** Sorted. */
  readonly roles: readonly string[];
  readonly storage?: StorageSpec;
}

export interface Facts {
  site: SiteFacts;
  nodes: { core: NodeFacts; [node: NodeName]: NodeFacts };
}

/** The facts that a step gets: those of the site and those of its node. */
export type Known = SiteFacts & NodeFacts;

const OF_THE_SITE = [
  'account',
  'address',
  'group',
  'groupRequest',
  'nodesGroup',
  'nodesGroupRequest',
  'image',
  'publishing',
  'dns',
] as const satisfies readonly (keyof SiteFacts)[];

export type RebootReason = 'static-ip' | 'rename' | 'disable-mdns';

/** A request whose outcome is unknown: it may have taken effect, or may still do so. */
export interface Unsettled {
  /** The call, in a word. */
  readonly call: string;
  /** When it was given up, epoch ms. Absent: it was still running when this was stored. */
  readonly since?: number;
  /** It was sent by an earlier activity. */
  readonly earlier?: true;
}

export interface DnsMemory {
  /** Where the name points, or is to point. */
  target: DnsTarget;
  /** The records that were there before, which `down` restores. */
  replaced: readonly DnsRecord[];
  /** Where a confirmed update pointed it. */
  written?: readonly Pick<DnsTarget, 'type' | 'value'>[];
}

export interface AddressFact {
  publicIp: string;
  /** VPC clouds only. */
  allocationId?: string;
  /** False if the spec names the address: `down` disassociates it and does not release it. */
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

/** The inverse of `knownOf`, for a deployment with one node. */
export function factsOf(known: Known): Facts {
  const facts = noFacts();
  learn(facts, CORE, known);
  return facts;
}

/** Stores what a step learnt with the site or with the node. */
export function learn({ site, nodes }: Facts, node: NodeName, learnt: Partial<Known>): void {
  for (const [fact, value] of Object.entries(learnt)) {
    Object.assign(isOfTheSite(fact) ? site : (nodes[node] ??= {}), { [fact]: value });
  }
}

export function forget({ site, nodes }: Facts, node: NodeName, fact: keyof Known): void {
  if (isOfTheSite(fact)) delete site[fact];
  else delete nodes[node]?.[fact];
}

function isOfTheSite(fact: string): fact is keyof SiteFacts {
  return (OF_THE_SITE as readonly string[]).includes(fact);
}
