/** Every action the clouds answer. Which release knows which of them, with which parameters: parameters.ts. */

import type { Params } from '../parameters';
import type { Account } from '../signatures';
import type { World } from '../world';
import type { Branch } from '../xml';
import { allocateAddress, associateAddress, describeAddresses, disassociateAddress, releaseAddress } from './addresses';
import { describeAvailabilityZones, describeInstanceTypes, describeKeyPairs, describeRegions } from './catalogue';
import { getConsoleOutput } from './console';
import {
  authorizeSecurityGroupIngress,
  createSecurityGroup,
  deleteSecurityGroup,
  describeSecurityGroups,
  revokeSecurityGroupIngress,
} from './groups';
import { deregisterImage, describeImages, registerImage } from './images';
import { describeInstances, runInstances, terminateInstances } from './instances';
import { describeInstanceStatus } from './status';
import { createTags, describeTags } from './tags';

export type Action = (world: World, params: Params, caller: Account) => Branch | Promise<Branch>;

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeRegions: describeRegions,
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
  DescribeInstanceStatus: describeInstanceStatus,
  GetConsoleOutput: getConsoleOutput,
  TerminateInstances: terminateInstances,
  CreateTags: createTags,
  DescribeTags: describeTags,
};
