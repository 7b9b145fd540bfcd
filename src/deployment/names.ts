/** All names that client, worker, workflows, cloud and DNS share. */

import { CORE } from './facts';
import type { NodeName } from './facts';
import type { CloudSpec, ImageSpec } from './spec';

export const TASK_QUEUE = 'stackato-deploy';

export const WORKFLOW = {
  deploy: 'deployStackato',
  teardown: 'teardownStackato',
  addressDesk: 'addressDesk',
  node: 'deployNode',
  removeNode: 'removeNode',
  doctor: 'checkPreconditions',
  publishImage: 'publishImage',
} as const;

export const SEARCH_ATTRIBUTE = { stage: 'StackatoStage', cloud: 'StackatoCloud', host: 'StackatoHost' } as const;

/** Memo key that holds the `DeploymentView`. */
export const MEMO_VIEW = 'stackato';

/** What memo keys begin with that hold the `NodeRow` of a node: a key for each, so that a change does not store all of them again. */
export const MEMO_NODE = 'stackatoNode.';

/** Memo key that holds the spec (temporal/memo.ts). */
export const MEMO_SPEC = 'stackatoSpec';

/** Memo key that holds the `PublishView` of an image. */
export const MEMO_IMAGE = 'stackatoImage';

/** Temporal allows one open workflow with this id, which makes it the deployment's lock. */
export function workflowIdOf(deployment: string): string {
  return `stackato/${deployment}`;
}

/** The workflow of a node other than the core. Neither deployments nor nodes have a slash in their names. */
export function nodeWorkflowIdOf(deployment: string, node: NodeName): string {
  return `${workflowIdOf(deployment)}/${node}`;
}

export function deploymentOf(workflowId: string): string {
  return workflowId.replace(/^stackato\//, '');
}

export function addressDeskId(account: string): string {
  return `stackato-addresses/${account}`;
}

/** One open workflow per cloud, account, bucket and name, so that nothing is uploaded or registered twice. */
export function imageWorkflowId({ endpoint, region }: CloudSpec, { name, bucket, signing }: ImageSpec): string {
  return `stackato-image/${endpoint?.replace(/^https?:\/\//, '') ?? region}/${signing.account}/${bucket}/${name}`;
}

/** The name of the deployment's security group, which is also the owner mark of its instance on clouds without tags. */
export function groupNameOf(deployment: string): string {
  return `stackato-${deployment}`;
}

/** The name of the security group of all nodes but the core. A deployment may be called that, too: the description tells (`nodesMarkOf`). */
export function nodesGroupNameOf(deployment: string): string {
  return `${groupNameOf(deployment)}-nodes`;
}

/** Keeps other desks from allocating while one does, on clouds without address tags. Deployment names have no underscore, so no deployment's group has this name. */
export const ADDRESSES_GROUP = 'stackato_addresses';

/** The owner mark: group description, tag value and TXT record of everything that belongs to a deployment. */
export function ownerOf(namespace: string, deployment: string): string {
  return `stackato-deploy/${namespace}/${deployment}`;
}

/** The mark of what belongs to one node. The core's is that of the deployment, so that what 0.1.0 made is found. */
export function nodeMarkOf(owner: string, node: string): string {
  return node === CORE ? owner : `${owner}/${node}`;
}

/** The mark of the nodes' security group. No node has this name: those of a group end in a number. */
export function nodesMarkOf(owner: string): string {
  return `${owner}/nodes`;
}

/** The mark of images and their objects, which the deployments of a namespace share. The id distinguishes namespaces with the same name. */
export function imageMarkOf(namespace: string, namespaceId: string): string {
  return `stackato-deploy/${namespace.slice(0, 80)}/${namespaceId.slice(-12)}`;
}

export const OWNER_TAG = 'stackato-deploy';

/** The host name of a deployment's API. */
export function apiNameOf(baseName: string): string {
  return `api.${baseName}`;
}

export function wildcardNameOf(baseName: string): string {
  return `*.${baseName}`;
}

/** The name of the TXT record with the owner mark. A name of its own, because a CNAME allows no other type beside it. */
export function ownershipNameOf(baseName: string): string {
  return `_stackato-deploy.${baseName}`;
}
