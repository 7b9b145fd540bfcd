/** Our mark on what is there already. */

import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { OWNER_TAG } from '../deployment/names';
import type { Ec2 } from './ec2';
import { CloudFailure } from './failures';

/**
 * Whether it is marked now. A tag that fails is no reason to fail: the group marks an instance as well, from the very first moment,
 * and the desk knows the addresses. An address without an id (a classic one) cannot be tagged.
 */
export async function tag(ec2: Ec2, id: string | undefined, owner: string): Promise<boolean> {
  if (id === undefined) return false;
  try {
    await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: OWNER_TAG, Value: owner }] }));
    return true;
  } catch (error) {
    if (!(error instanceof CloudFailure)) throw error;
    return false;
  }
}
