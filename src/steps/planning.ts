/** What `plan` shows of a step: what it would send, with references for secrets and `<…>` for values that only the cloud or the machine knows. */

import { CLOUD_KINDS } from '../deployment/cloud-kinds';
import type { CloudKind } from '../deployment/cloud-kinds';
import { specOfNode } from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { NodeName } from '../deployment/facts';
import { nodeMarkOf, OWNER_TAG, ownerOf } from '../deployment/names';
import type { DeploymentSpec, SecretRef } from '../deployment/spec';
import { katoOf } from '../machine/kato';
import type { Kato } from '../machine/kato';

export interface PlannedAction {
  /** An EC2 or S3 call, an nsupdate script, a command or request on the machine, or a request to the console. */
  readonly where: 'cloud' | 'dns' | 'machine' | 'console';
  /** Exactly what is sent. */
  readonly what: string;
  /** When it is sent, and how. */
  readonly note?: string;
}

export interface Planning {
  /** For a node other than the core: that of its group (`specOfNode`). */
  readonly spec: DeploymentSpec;
  /** Whose step it is; `core` for a step of the site. */
  readonly node: NodeName;
  readonly owner: string;
  /** The mark of the node. */
  readonly mark: string;
  readonly kind: CloudKind;
  readonly kato: Kato;
}

/** @param namespace of Temporal: part of the owner mark */
export function planningOf(spec: DeploymentSpec, namespace: string, node: NodeName = CORE): Planning {
  const owner = ownerOf(namespace, spec.name);
  return {
    spec: specOfNode(spec, node),
    node,
    owner,
    mark: nodeMarkOf(owner, node),
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

/** Parameters of a call that tags the resource it creates. */
export function tagSpecification(type: string, owner: string): Readonly<Record<string, string>> {
  const tag = 'TagSpecification.1';
  return { [`${tag}.ResourceType`]: type, [`${tag}.Tag.1.Key`]: OWNER_TAG, [`${tag}.Tag.1.Value`]: owner };
}

export function createTags(id: string, owner: string, note?: string): PlannedAction {
  return ec2Call('CreateTags', { 'ResourceId.1': id, 'Tag.1.Key': OWNER_TAG, 'Tag.1.Value': owner }, note);
}

/** The parameter that identifies the address on this cloud. */
export function addressHandle({ kind, spec: { address } }: Planning): Readonly<Record<string, string>> {
  if (kind.addressDomain === 'vpc') return { AllocationId: '<allocation id>' };
  return { PublicIp: 'ip' in address ? address.ip : '<address>' };
}

export function referenceText(reference: SecretRef): string {
  return 'env' in reference ? `<env ${reference.env}>` : `<file ${reference.file}>`;
}
