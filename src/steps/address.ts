/** The deployment's elastic IP, through the account's desk. What the desk itself does is in address-desk.ts. */

import { ownerOf } from '../deployment/names';
import type { AddressRequest } from '../deployment/messages';
import type { Dependencies } from './dependencies';
import type { StepInput, StepOutcome } from '../deployment/activities';

export async function ensureAddress({ clouds, desk, namespace }: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { account } = await clouds.open(input.spec.cloud);
  const address = await desk.allocate(account, updateId(input), requestOf(namespace, input));
  const changed = input.known.address?.publicIp !== address.publicIp;
  return { changed, note: address.publicIp, known: { account, address } };
}

export async function giveBackAddress(
  { clouds, desk, namespace }: Dependencies,
  input: StepInput,
): Promise<StepOutcome> {
  const { account } = await clouds.open(input.spec.cloud);
  const { released, left } = await desk.release(account, updateId(input), requestOf(namespace, input));
  const said = [
    ...(released.length === 0 ? [] : [`elastic IP ${released.join(', ')}`]),
    ...(left === undefined ? [] : [left]),
  ];
  return { changed: said.length > 0, note: said.join('; '), known: {} };
}

function requestOf(namespace: string, { spec, known, deadline }: StepInput): AddressRequest {
  return {
    deployment: spec.name,
    cloud: spec.cloud,
    owner: ownerOf(namespace, spec.name),
    deadline,
    ...('ip' in spec.address ? { ip: spec.address.ip } : {}),
    ...(known.address === undefined ? {} : { known: known.address }),
  };
}

function updateId({ spec, need }: StepInput): string {
  return `${spec.name}/${need}`;
}
