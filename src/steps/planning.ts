/** What `plan` shows of a step: what it would send, secrets by their references, and `<…>` for what only the cloud or the machine knows. */

import { CLOUD_KINDS } from '../deployment/cloud-kinds';
import type { CloudKind } from '../deployment/cloud-kinds';
import { OWNER_TAG, ownerOf } from '../deployment/names';
import type { DeploymentSpec, SecretRef } from '../deployment/types';
import { katoOf } from '../machine/kato';
import type { Kato } from '../machine/kato';

export interface PlannedAction {
  /** Who is told: an EC2 call, an nsupdate script, a command or request on the machine, a request to the console. */
  readonly where: 'cloud' | 'dns' | 'machine' | 'console';
  /** Exactly what is sent. */
  readonly what: string;
  /** What decides whether and how it is sent. */
  readonly note?: string;
}

export interface Planning {
  readonly spec: DeploymentSpec;
  readonly owner: string;
  readonly kind: CloudKind;
  readonly kato: Kato;
}

/** @param namespace Temporal's, because what is made is marked with it */
export function planningOf(spec: DeploymentSpec, namespace: string): Planning {
  return {
    spec,
    owner: ownerOf(namespace, spec.name),
    kind: CLOUD_KINDS[spec.cloud.kind],
    kato: katoOf(spec.release),
  };
}

export function ec2Call(action: string, parameters: Readonly<Record<string, string>>, note?: string): PlannedAction {
  const what = [action, ...Object.entries(parameters).map(([key, value]) => `${key}=${value}`)].join(' ');
  return { where: 'cloud', what, ...(note === undefined ? {} : { note }) };
}

export function onMachine(what: string, note?: string): PlannedAction {
  return { where: 'machine', what, ...(note === undefined ? {} : { note }) };
}

/** Parameters of a call that tags what it makes. */
export function tagSpecification(type: string, owner: string): Readonly<Record<string, string>> {
  const tag = 'TagSpecification.1';
  return { [`${tag}.ResourceType`]: type, [`${tag}.Tag.1.Key`]: OWNER_TAG, [`${tag}.Tag.1.Value`]: owner };
}

export function createTags(id: string, owner: string, note?: string): PlannedAction {
  return ec2Call('CreateTags', { 'ResourceId.1': id, 'Tag.1.Key': OWNER_TAG, 'Tag.1.Value': owner }, note);
}

/** The address, as the calls of this cloud name it. */
export function addressHandle({ kind, spec: { address } }: Planning): Readonly<Record<string, string>> {
  if (kind.addressDomain === 'vpc') return { AllocationId: '<allocation id>' };
  return { PublicIp: 'ip' in address ? address.ip : '<address>' };
}

export function referenceText(reference: SecretRef): string {
  return 'env' in reference ? `<env ${reference.env}>` : `<file ${reference.file}>`;
}
