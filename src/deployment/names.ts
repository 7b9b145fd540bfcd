/** Every name that client, worker, workflow, cloud and DNS have to agree on. */

import type { CloudSpec, ImageSpec } from './types';

export const TASK_QUEUE = 'stackato-deploy';

export const WORKFLOW = {
  deploy: 'deployStackato',
  teardown: 'teardownStackato',
  addressDesk: 'addressDesk',
  doctor: 'checkPreconditions',
  publishImage: 'publishImage',
} as const;

export const SEARCH_ATTRIBUTE = { stage: 'StackatoStage', cloud: 'StackatoCloud', host: 'StackatoHost' } as const;

/** Memo key that holds the `DeploymentView`. */
export const MEMO_VIEW = 'stackato';

/** Memo key that holds the spec (temporal/memo.ts). */
export const MEMO_SPEC = 'stackatoSpec';

/** Memo key that holds the `PublishView` of an image. */
export const MEMO_IMAGE = 'stackatoImage';

/** One open workflow per deployment name: Temporal itself is the lock. */
export function workflowIdOf(deployment: string): string {
  return `stackato/${deployment}`;
}

export function deploymentOf(workflowId: string): string {
  return workflowId.replace(/^stackato\//, '');
}

export function addressDeskId(account: string): string {
  return `stackato-addresses/${account}`;
}

/** One at a time per cloud, account, bucket and name, whoever asks: nothing is uploaded or registered twice. */
export function imageWorkflowId({ endpoint, region }: CloudSpec, { name, bucket, signing }: ImageSpec): string {
  return `stackato-image/${endpoint?.replace(/^https?:\/\//, '') ?? region}/${signing.account}/${bucket}/${name}`;
}

/** The marker of what is ours: security group name, and the instance's group on clouds without tags. */
export function groupNameOf(deployment: string): string {
  return `stackato-${deployment}`;
}

/** Keeps other desks from allocating while one does, where addresses bear no tag. No deployment's group: their names have no underscore. */
export const ADDRESSES_GROUP = 'stackato_addresses';

/** Written where a cloud or a zone lets us write something: group description, tag value, TXT record. */
export function ownerOf(namespace: string, deployment: string): string {
  return `stackato-deploy/${namespace}/${deployment}`;
}

/** The mark of images and their objects, which deployments of one namespace share. The id tells namespaces of one name apart. */
export function imageMarkOf(namespace: string, namespaceId: string): string {
  return `stackato-deploy/${namespace.slice(0, 80)}/${namespaceId.slice(-12)}`;
}

export const OWNER_TAG = 'stackato-deploy';

/** The name of the API of a deployment. */
export function apiNameOf(baseName: string): string {
  return `api.${baseName}`;
}

export function wildcardNameOf(baseName: string): string {
  return `*.${baseName}`;
}

/** Holds the TXT record that says whose the base name is. A name of its own, because a CNAME allows no other type beside it. */
export function ownershipNameOf(baseName: string): string {
  return `_stackato-deploy.${baseName}`;
}
