import { DeployError } from '../../deployment/errors';
import type { Cloud, CloudAddress } from '../ports';

/** Throws ADDRESS_NOT_OURS if the account does not have the address any more. */
export async function addressOf(cloud: Cloud, publicIp: string): Promise<CloudAddress> {
  const address = (await cloud.listAddresses()).find((each) => each.publicIp === publicIp);
  if (address === undefined)
    throw new DeployError('ADDRESS_NOT_OURS', `The account has no address ${publicIp} any more.`);
  return address;
}
