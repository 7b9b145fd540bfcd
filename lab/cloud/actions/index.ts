/** Every action the clouds answer. Which release knows which of them, with which parameters: parameters.ts. */

import type { Params } from '../parameters';
import type { Account } from '../signatures';
import type { World } from '../world';
import type { Branch } from '../xml';
import { allocateAddress, associateAddress, describeAddresses, disassociateAddress, releaseAddress } from './addresses';
import { describeAvailabilityZones, describeInstanceTypes, describeKeyPairs } from './catalogue';
import { getConsoleOutput } from './console';
import {
  authorizeSecurityGroupIngress, createSecurityGroup, deleteSecurityGroup, describeSecurityGroups, revokeSecurityGroupIngress,
} from './groups';
import { deregisterImage, describeImages, registerImage } from './images';
import { describeInstances, runInstances, terminateInstances } from './instances';
import { createTags } from './tags';

export type Action = (world: World, params: Params, caller: Account) => Branch | Promise<Branch>;

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeAvailabilityZones: describeAvailabilityZones,
  DescribeImages: describeImages,
  RegisterImage: registerImage,
  DeregisterImage: deregisterImage,
  DescribeKeyPairs: describeKeyPairs,
  DescribeInstanceTypes: describeInstanceTypes,
  AllocateAddress: allocateAddress,
  DescribeAddresses: describeAddresses,
  AssociateAddress: associateAddress,
  DisassociateAddress: disassociateAddress,
  ReleaseAddress: releaseAddress,
  CreateSecurityGroup: createSecurityGroup,
  DescribeSecurityGroups: describeSecurityGroups,
  AuthorizeSecurityGroupIngress: authorizeSecurityGroupIngress,
  RevokeSecurityGroupIngress: revokeSecurityGroupIngress,
  DeleteSecurityGroup: deleteSecurityGroup,
  RunInstances: runInstances,
  DescribeInstances: describeInstances,
  GetConsoleOutput: getConsoleOutput,
  TerminateInstances: terminateInstances,
  CreateTags: createTags,
};
