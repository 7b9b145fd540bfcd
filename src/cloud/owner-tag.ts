/** The tag that marks what belongs to a deployment. */

import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import type { ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { OWNER_TAG } from '../deployment/names';
import type { Ec2 } from './ec2';
import { CloudFailure } from './failures';

export function ownerIn(tags: readonly Tag[] | undefined): string | undefined {
  return tags?.find(({ Key }) => Key === OWNER_TAG)?.Value;
}

/** For calls that tag what they create. */
export function taggedWith(owner: string, type: ResourceType): { TagSpecifications: TagSpecification[] } {
  return { TagSpecifications: [{ ResourceType: type, Tags: [{ Key: OWNER_TAG, Value: owner }] }] };
}

/**
 * Tags what exists already. A tag that is refused does not fail the step: instances are also marked by their security group, from the
 * very first moment, and the address desk keeps account of addresses. An address without an allocation id cannot be tagged.
 * @returns whether it is tagged now
 */
export async function tagOwner(ec2: Ec2, id: string | undefined, owner: string): Promise<boolean> {
  if (id === undefined) return false;
  try {
    await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: OWNER_TAG, Value: owner }] }));
    return true;
  } catch (error) {
    if (!(error instanceof CloudFailure)) throw error;
    return false;
  }
}
