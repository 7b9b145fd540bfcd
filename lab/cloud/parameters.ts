/**
 * The parameters that each release binds. Binding is strict: any other parameter makes the whole request fail. `#` is a
 * number.
 */

import type { Kind } from '../types';
import { isUnsimulated } from './unsimulated-actions';

export type Params = Readonly<Record<string, string>>;

const COMMON = [
  'Action',
  'Version',
  'AWSAccessKeyId',
  'SecurityToken',
  'Signature',
  'SignatureVersion',
  'SignatureMethod',
  'Timestamp',
  'Expires',
];
const FILTER = ['Filter.#.Name', 'Filter.#.Value.#'];
const PAGE = ['MaxResults', 'NextToken'];
const TAG = ['TagSpecification.#.ResourceType', 'TagSpecification.#.Tag.#.Key', 'TagSpecification.#.Tag.#.Value'];
const FLAT_RULE = [
  'IpProtocol',
  'FromPort',
  'ToPort',
  'CidrIp',
  'SourceSecurityGroupName',
  'SourceSecurityGroupOwnerId',
];
const RULES = [
  'IpProtocol',
  'FromPort',
  'ToPort',
  'IpRanges.#.CidrIp',
  'IpRanges.#.Description',
  'Groups.#.GroupName',
  'Groups.#.GroupId',
  'Groups.#.UserId',
].map((name) => `IpPermissions.#.${name}`);
const DISK = [
  'DeviceName',
  'VirtualName',
  'NoDevice',
  'Ebs.SnapshotId',
  'Ebs.VolumeSize',
  'Ebs.DeleteOnTermination',
].map((name) => `BlockDeviceMapping.#.${name}`);
const RUN = [
  'ImageId',
  'MinCount',
  'MaxCount',
  'KeyName',
  'SecurityGroup.#',
  'UserData',
  'InstanceType',
  'AddressingType',
  'KernelId',
  'RamdiskId',
  'Placement.AvailabilityZone',
  'Placement.GroupName',
  'ClientToken',
  'AdditionalInfo',
  'PrivateIpAddress',
  'SubnetId',
  ...DISK,
];
const RUN_3_3 = [
  ...RUN,
  'SecurityGroupId.#',
  'Monitoring.Enabled',
  'DisableApiTermination',
  'InstanceInitiatedShutdownBehavior',
  'IamInstanceProfile.Arn',
  'IamInstanceProfile.Name',
  'EbsOptimized',
];
const RUN_4_1 = [
  ...RUN_3_3,
  'NetworkInterface.#.DeviceIndex',
  'NetworkInterface.#.SubnetId',
  'NetworkInterface.#.SecurityGroupId.#',
  'NetworkInterface.#.AssociatePublicIpAddress',
];

/** From VmVolumeMessages and BlockStorageMessages of each release's sources. */
const VOLUMES = {
  CreateVolume: ['Size', 'SnapshotId', 'AvailabilityZone'],
  DescribeVolumes: ['VolumeId.#'],
  AttachVolume: ['VolumeId', 'InstanceId', 'Device'],
  DetachVolume: ['VolumeId', 'InstanceId', 'Device', 'Force'],
  DeleteVolume: ['VolumeId'],
};
const VOLUMES_3_4 = {
  ...VOLUMES,
  CreateVolume: [...VOLUMES.CreateVolume, 'VolumeType', 'Iops'],
  DescribeVolumes: [...VOLUMES.DescribeVolumes, ...FILTER],
};
const VOLUMES_5_1 = {
  ...VOLUMES_3_4,
  CreateVolume: [...VOLUMES_3_4.CreateVolume, 'Encrypted', 'KmsKeyId', ...TAG],
  DescribeVolumes: [...VOLUMES_3_4.DescribeVolumes, ...PAGE],
};
const VOLUMES_AWS = {
  CreateVolume: [...VOLUMES_5_1.CreateVolume, 'Throughput', 'MultiAttachEnabled', 'ClientToken', 'DryRun'],
  DescribeVolumes: [...VOLUMES_5_1.DescribeVolumes, 'DryRun'],
  AttachVolume: [...VOLUMES.AttachVolume, 'DryRun'],
  DetachVolume: [...VOLUMES.DetachVolume, 'DryRun'],
  DeleteVolume: [...VOLUMES.DeleteVolume, 'DryRun'],
};

const REGISTER = [
  'ImageLocation',
  'Name',
  'Description',
  'Architecture',
  'KernelId',
  'RamdiskId',
  'RootDeviceName',
  ...DISK,
];
const REGISTER_3_4 = [...REGISTER, 'VirtualizationType'];
const REGISTER_4_2 = [...REGISTER_3_4, 'Platform', 'SriovNetSupport'];

type Table = Readonly<Record<string, readonly string[]>>;

const EUCALYPTUS_3_2: Table = {
  DescribeRegions: ['RegionName.#'],
  DescribeAvailabilityZones: ['ZoneName.#'],
  DescribeImages: ['ImageId.#', 'Owner.#', 'ExecutableBy.#'],
  RegisterImage: REGISTER,
  DeregisterImage: ['ImageId'],
  DescribeKeyPairs: ['KeyName.#'],
  AllocateAddress: [],
  DescribeAddresses: ['PublicIp.#'],
  AssociateAddress: ['PublicIp', 'InstanceId'],
  DisassociateAddress: ['PublicIp'],
  ReleaseAddress: ['PublicIp'],
  CreateSecurityGroup: ['GroupName', 'GroupDescription'],
  DescribeSecurityGroups: ['GroupName.#'],
  AuthorizeSecurityGroupIngress: ['GroupName', ...FLAT_RULE],
  RevokeSecurityGroupIngress: ['GroupName', ...FLAT_RULE],
  DeleteSecurityGroup: ['GroupName'],
  RunInstances: RUN,
  DescribeInstances: ['InstanceId.#'],
  GetConsoleOutput: ['InstanceId', 'InstanceId.1'],
  TerminateInstances: ['InstanceId.#'],
  ...VOLUMES,
};

const EUCALYPTUS_4_4: Table = {
  DescribeAccountAttributes: ['AttributeName.#', ...FILTER],
  DescribeRegions: ['RegionName.#', ...FILTER],
  DescribeAvailabilityZones: ['ZoneName.#', ...FILTER],
  DescribeImages: ['ImageId.#', 'Owner.#', 'ExecutableBy.#', ...FILTER],
  RegisterImage: REGISTER_4_2,
  DeregisterImage: ['ImageId'],
  DescribeKeyPairs: ['KeyName.#', ...FILTER],
  DescribeInstanceTypes: ['InstanceType.#', 'Verbose', 'Availability'],
  AllocateAddress: ['Domain'],
  DescribeAddresses: ['PublicIp.#', 'AllocationId.#', ...FILTER],
  AssociateAddress: [
    'PublicIp',
    'InstanceId',
    'AllocationId',
    'NetworkInterfaceId',
    'PrivateIpAddress',
    'AllowReassociation',
  ],
  DisassociateAddress: ['PublicIp', 'AssociationId'],
  ReleaseAddress: ['PublicIp', 'AllocationId'],
  CreateSecurityGroup: ['GroupName', 'GroupDescription', 'VpcId'],
  DescribeSecurityGroups: ['GroupName.#', 'GroupId.#', ...FILTER],
  AuthorizeSecurityGroupIngress: ['GroupName', 'GroupId', ...FLAT_RULE, ...RULES],
  RevokeSecurityGroupIngress: ['GroupName', 'GroupId', ...FLAT_RULE, ...RULES],
  DeleteSecurityGroup: ['GroupName', 'GroupId'],
  RunInstances: RUN_4_1,
  DescribeInstances: ['InstanceId.#', ...FILTER, ...PAGE],
  GetConsoleOutput: ['InstanceId', 'InstanceId.1'],
  TerminateInstances: ['InstanceId.#'],
  DescribeInstanceStatus: ['InstanceId.#', 'IncludeAllInstances', ...FILTER, ...PAGE],
  ...VOLUMES_3_4,
  CreateTags: ['ResourceId.#', 'Tag.#.Key', 'Tag.#.Value'],
  DescribeTags: [...FILTER, ...PAGE],
};

const { DescribeAccountAttributes: _since4, ...BEFORE_4 } = EUCALYPTUS_4_4;

const EUCALYPTUS_3_4: Table = {
  ...BEFORE_4,
  RegisterImage: REGISTER_3_4,
  AllocateAddress: [],
  DescribeAddresses: ['PublicIp.#', ...FILTER],
  AssociateAddress: ['PublicIp', 'InstanceId', 'AllowReassociation'],
  DisassociateAddress: ['PublicIp'],
  ReleaseAddress: ['PublicIp'],
  CreateSecurityGroup: ['GroupName', 'GroupDescription'],
  RunInstances: RUN_3_3,
  DescribeInstances: ['InstanceId.#', ...FILTER],
  DescribeInstanceStatus: ['InstanceId.#', 'IncludeAllInstances', ...FILTER],
  DescribeTags: FILTER,
};

const EUCALYPTUS_5_1: Table = {
  ...EUCALYPTUS_4_4,
  AllocateAddress: ['Domain', 'Address'],
  RunInstances: [...RUN_4_1, ...TAG],
  ...VOLUMES_5_1,
};

const AWS: Table = {
  ...EUCALYPTUS_4_4,
  DescribeAccountAttributes: ['AttributeName.#', 'DryRun'],
  DescribeRegions: ['RegionName.#', 'AllRegions', 'DryRun', ...FILTER],
  DescribeAvailabilityZones: ['ZoneName.#', 'ZoneId.#', 'AllAvailabilityZones', 'DryRun', ...FILTER],
  DescribeImages: [
    'ImageId.#',
    'Owner.#',
    'ExecutableBy.#',
    'IncludeDeprecated',
    'IncludeDisabled',
    'DryRun',
    ...FILTER,
    ...PAGE,
  ],
  DescribeKeyPairs: ['KeyName.#', 'KeyPairId.#', 'IncludePublicKey', 'DryRun', ...FILTER],
  DescribeInstanceTypes: ['InstanceType.#', 'DryRun', ...FILTER, ...PAGE],
  AllocateAddress: ['Domain', 'Address', 'PublicIpv4Pool', 'NetworkBorderGroup', 'DryRun', ...TAG],
  DescribeAddresses: ['PublicIp.#', 'AllocationId.#', 'DryRun', ...FILTER],
  CreateSecurityGroup: ['GroupName', 'GroupDescription', 'VpcId', 'DryRun', ...TAG],
  DescribeSecurityGroups: ['GroupName.#', 'GroupId.#', 'DryRun', ...FILTER, ...PAGE],
  AuthorizeSecurityGroupIngress: ['GroupName', 'GroupId', 'DryRun', ...FLAT_RULE, ...RULES, ...TAG],
  RegisterImage: [...REGISTER_4_2, 'EnaSupport', 'BootMode', 'ImdsSupport', 'DryRun', ...TAG],
  DeregisterImage: ['ImageId', 'DryRun'],
  RunInstances: [...RUN_4_1, 'DryRun', 'MetadataOptions.HttpTokens', ...TAG],
  DescribeInstances: ['InstanceId.#', 'DryRun', ...FILTER, ...PAGE],
  GetConsoleOutput: ['InstanceId', 'Latest', 'DryRun'],
  TerminateInstances: ['InstanceId.#', 'DryRun', 'Force'],
  DescribeInstanceStatus: ['InstanceId.#', 'IncludeAllInstances', 'DryRun', ...FILTER, ...PAGE],
  ...VOLUMES_AWS,
  CreateTags: ['ResourceId.#', 'Tag.#.Key', 'Tag.#.Value', 'DryRun'],
  DescribeTags: ['DryRun', ...FILTER, ...PAGE],
};

const TABLES: Readonly<Record<Kind, ReadonlyMap<string, RegExp>>> = {
  'eucalyptus-3.2': compiled(EUCALYPTUS_3_2),
  'eucalyptus-3.4': compiled(EUCALYPTUS_3_4),
  'eucalyptus-4.4': compiled(EUCALYPTUS_4_4),
  'eucalyptus-5.1': compiled(EUCALYPTUS_5_1),
  aws: compiled(AWS),
};

/**
 * The parameters that the release does not know for this action; undefined if it does not know the action itself.
 * Parameters of actions that the lab does not simulate are not checked.
 */
export function unknownParameters(kind: Kind, params: Params): readonly string[] | undefined {
  const action = params['Action'] ?? '';
  const known = TABLES[kind].get(action);
  if (known === undefined) return isUnsimulated(kind, action) ? [] : undefined;
  return Object.keys(params).filter((name) => !known.test(name));
}

/** `InstanceId.1`, `InstanceId.2` … in order. */
export function listed(params: Params, name: string): readonly string[] {
  return Object.keys(params)
    .filter((key) => key.startsWith(`${name}.`) && /^\d+$/.test(key.slice(name.length + 1)))
    .sort((a, b) => Number(a.slice(name.length + 1)) - Number(b.slice(name.length + 1)))
    .map((key) => params[key] ?? '');
}

/** The parameters whose name starts with the prefix. */
export function withPrefix(params: Params, prefix: string): Params {
  return Object.fromEntries(Object.entries(params).filter(([name]) => name.startsWith(prefix)));
}

function compiled(table: Table): ReadonlyMap<string, RegExp> {
  return new Map(
    Object.entries(table).map(([action, names]) => {
      const patterns = [...COMMON, ...names].map((name) => name.replaceAll('.', '\\.').replaceAll('#', '\\d+'));
      return [action, new RegExp(`^(${patterns.join('|')})$`)];
    }),
  );
}
