/**
 * Actions that a release knows and the lab does not simulate. They are no mistake of the caller, so they are answered
 * with 501.
 */

import type { Kind } from '../types';

/** From the message classes in the sources of 3.2. */
const FROM_3_2 = [
  'CreateKeyPair',
  'ImportKeyPair',
  'DeleteKeyPair',
  'RebootInstances',
  'StartInstances',
  'StopInstances',
  'MonitorInstances',
  'UnmonitorInstances',
  'GetPasswordData',
  'DescribeInstanceAttribute',
  'ModifyInstanceAttribute',
  'ResetInstanceAttribute',
  'DescribeImageAttribute',
  'ModifyImageAttribute',
  'ResetImageAttribute',
  'ConfirmProductInstance',
  'CreateImage',
  'BundleInstance',
  'CancelBundleTask',
  'DescribeBundleTasks',
  'CreateSnapshot',
  'DeleteSnapshot',
  'DescribeSnapshots',
  'DescribeSnapshotAttribute',
  'ModifySnapshotAttribute',
  'ResetSnapshotAttribute',
  'CreatePlacementGroup',
  'DeletePlacementGroup',
  'DescribePlacementGroups',
];
const FROM_3_4 = [...FROM_3_2, 'DeleteTags'];
const FROM_4_4 = [
  ...FROM_3_4,
  'AuthorizeSecurityGroupEgress',
  'RevokeSecurityGroupEgress',
  'CopyImage',
  'ImportImage',
  'ImportInstance',
  'ImportVolume',
  'DescribeConversionTasks',
  'CreateVpc',
  'DeleteVpc',
  'DescribeVpcs',
  'DescribeVpcAttribute',
  'ModifyVpcAttribute',
  'CreateSubnet',
  'DeleteSubnet',
  'DescribeSubnets',
  'ModifySubnetAttribute',
  'CreateInternetGateway',
  'DeleteInternetGateway',
  'AttachInternetGateway',
  'DetachInternetGateway',
  'DescribeInternetGateways',
  'DescribeNatGateways',
  'DescribeDhcpOptions',
  'CreateRouteTable',
  'DeleteRouteTable',
  'AssociateRouteTable',
  'DescribeRouteTables',
  'CreateRoute',
  'DeleteRoute',
  'DescribeNetworkAcls',
  'CreateNetworkInterface',
  'DeleteNetworkInterface',
  'AttachNetworkInterface',
  'DetachNetworkInterface',
  'DescribeNetworkInterfaces',
  'ModifyNetworkInterfaceAttribute',
];

const KNOWN: Readonly<Record<Kind, ReadonlySet<string>>> = {
  'eucalyptus-3.2': new Set(FROM_3_2),
  'eucalyptus-3.4': new Set(FROM_3_4),
  'eucalyptus-4.4': new Set(FROM_4_4),
  'eucalyptus-5.1': new Set(FROM_4_4),
  aws: new Set(FROM_4_4),
};

export function isUnsimulated(kind: Kind, action: string): boolean {
  return KNOWN[kind].has(action);
}
