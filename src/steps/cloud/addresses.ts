import { DeployError } from '../../deployment/errors';
import type { Cloud, CloudAddress } from '../ports';

/** The address as the account has it; throws ADDRESS_NOT_OURS where it has it no longer. */
export async function addressOf(cloud: Cloud, publicIp: string): Promise<CloudAddress> {
  const address = (await cloud.listAddresses()).find((each) => each.publicIp === publicIp);
  if (address === undefined)
    throw new DeployError('ADDRESS_NOT_OURS', `The account has no address ${publicIp} any more.`);
  return address;
}
