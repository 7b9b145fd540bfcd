/** The simulated actions. parameters.ts says which releases know them, and with which parameters. */

import type { Cloud } from '../cloud';
import type { Params } from '../parameters';
import type { Account } from '../signatures';
import type { Branch } from '../xml';
import { allocateAddress, associateAddress, describeAddresses, disassociateAddress, releaseAddress } from './addresses';
import {
  describeAccountAttributes,
  describeAvailabilityZones,
  describeInstanceTypes,
  describeKeyPairs,
  describeRegions,
} from './catalogue';
import {
  authorizeSecurityGroupIngress,
  createSecurityGroup,
  deleteSecurityGroup,
  describeSecurityGroups,
  revokeSecurityGroupIngress,
} from './groups';
import { deregisterImage, describeImages, registerImage } from './images';
import {
  describeInstances,
  describeInstanceStatus,
  getConsoleOutput,
  runInstances,
  terminateInstances,
} from './instances';
import { createTags, describeTags } from './tags';
import { attachVolume, createVolume, deleteVolume, describeVolumes, detachVolume } from './volumes';

export type Action = (cloud: Cloud, params: Params, caller: Account) => Branch | Promise<Branch>;

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeRegions: describeRegions,
  DescribeAvailabilityZones: describeAvailabilityZones,
  DescribeAccountAttributes: describeAccountAttributes,
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
  CreateVolume: createVolume,
  DescribeVolumes: describeVolumes,
  AttachVolume: attachVolume,
  DetachVolume: detachVolume,
  DeleteVolume: deleteVolume,
  CreateTags: createTags,
  DescribeTags: describeTags,
};
