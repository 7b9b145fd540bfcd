/** The EC2 calls of a deployment, with the parameters that matter. */

import { ADDRESSES_GROUP, groupNameOf, OWNER_TAG } from '../deployment/names';
import type { CloudKindName, DeploymentSpec } from '../deployment/types';
import { referenceText } from './reference-text';

export interface PlannedAction {
  /** Who is told: an EC2 call, an nsupdate script, a command or request on the machine, a request to the console. */
  readonly where: 'cloud' | 'dns' | 'machine' | 'console';
  /** Exactly what is sent, secrets by their references. */
  readonly what: string;
  /** What decides whether and how it is sent. */
  readonly note?: string;
}

interface CloudCalls {
  readonly checks: readonly PlannedAction[];
  readonly address: readonly PlannedAction[];
  readonly group: readonly PlannedAction[];
  readonly launch: readonly PlannedAction[];
  readonly associate: readonly PlannedAction[];
  readonly hostKey: readonly PlannedAction[];
  readonly console: readonly PlannedAction[];
}

/** What of deployment/cloud-kinds.ts shows in these calls; a test compares the two. */
interface Dialect {
  /** Groups and addresses are named by ids. */
  readonly groupIds: boolean;
  readonly vpc: boolean;
  readonly tags: 'none' | 'afterwards' | 'at launch';
  readonly addressTags: 'none' | 'afterwards' | 'at once';
  readonly clientToken: boolean;
  readonly gentle: boolean;
}

const DIALECTS: Readonly<Record<CloudKindName, Dialect>> = {
  'eucalyptus-3.2': {
    groupIds: false,
    vpc: false,
    tags: 'none',
    addressTags: 'none',
    clientToken: false,
    gentle: false,
  },
  'eucalyptus-3.4': {
    groupIds: true,
    vpc: false,
    tags: 'afterwards',
    addressTags: 'none',
    clientToken: true,
    gentle: true,
  },
  'eucalyptus-4.4': {
    groupIds: true,
    vpc: false,
    tags: 'afterwards',
    addressTags: 'none',
    clientToken: true,
    gentle: true,
  },
  'eucalyptus-5.1': {
    groupIds: true,
    vpc: false,
    tags: 'at launch',
    addressTags: 'afterwards',
    clientToken: true,
    gentle: true,
  },
  aws: { groupIds: true, vpc: true, tags: 'at launch', addressTags: 'at once', clientToken: true, gentle: true },
};

export function cloudCalls(spec: DeploymentSpec, owner: string): CloudCalls {
  const {
    cloud,
    address,
    ssh,
    access,
    console: { httpPort, httpsPort },
  } = spec;
  const { vpc, gentle, addressTags } = DIALECTS[cloud.kind];
  const handle: Readonly<Record<string, string>> = vpc
    ? { AllocationId: '<allocation id>' }
    : { PublicIp: 'ip' in address ? address.ip : '<address>' };
  return {
    checks: [
      call('DescribeImages', 'id' in spec.image ? { 'ImageId.1': spec.image.id } : { 'Owner.1': 'self' }),
      ...keyPair(spec),
      call('DescribeAddresses', {}),
    ],
    address:
      'ip' in address
        ? [call('DescribeAddresses', {}, `${address.ip} must be among them, and is used`)]
        : [
            ...reserving(addressTags, owner),
            call(
              'AllocateAddress',
              { ...(vpc ? { Domain: 'vpc' } : {}), ...(addressTags === 'at once' ? tagged('elastic-ip', owner) : {}) },
              'unless this deployment has one',
            ),
            ...(addressTags === 'afterwards'
              ? [tagging('<allocation id>', owner, 'where it has an allocation id')]
              : []),
          ],
    group: [
      call('CreateSecurityGroup', { GroupName: groupNameOf(spec.name), GroupDescription: owner }, 'unless it is there'),
      ...rules(spec, access.ssh, [ssh.port]),
    ],
    launch: launch(spec, owner),
    associate: [
      call(
        'AssociateAddress',
        { ...handle, InstanceId: '<instance>', ...(gentle ? { AllowReassociation: 'false' } : {}) },
        'unless another instance has it: it is never taken away',
      ),
    ],
    hostKey:
      ssh.hostKey === 'console'
        ? [
            call(
              'GetConsoleOutput',
              { InstanceId: '<instance>' },
              'until the machine has printed its host keys there: it must show one of them',
            ),
          ]
        : [],
    console: rules(spec, access.console, [httpPort, httpsPort]),
  };
}

/** Where no tag tells whose an address is. */
function reserving(addressTags: Dialect['addressTags'], owner: string): PlannedAction[] {
  if (addressTags === 'at once') return [];
  return [
    call(
      'CreateSecurityGroup',
      { GroupName: ADDRESSES_GROUP, GroupDescription: `${owner} <desk>` },
      'keeps other namespaces from allocating meanwhile; deleted again',
    ),
  ];
}

function keyPair({ instance: { keyName } }: DeploymentSpec): PlannedAction[] {
  return keyName === undefined ? [] : [call('DescribeKeyPairs', { 'KeyName.1': keyName })];
}

function launch({ name, cloud, image, instance }: DeploymentSpec, owner: string): PlannedAction[] {
  const { groupIds, tags, clientToken } = DIALECTS[cloud.kind];
  const { type, zone, keyName, userData } = instance;
  const run = call(
    'RunInstances',
    {
      ImageId: 'id' in image ? image.id : '<image>',
      InstanceType: type,
      MinCount: '1',
      MaxCount: '1',
      ...(groupIds ? { 'SecurityGroupId.1': '<group id>' } : { 'SecurityGroup.1': groupNameOf(name) }),
      ...(keyName === undefined ? {} : { KeyName: keyName }),
      ...(zone === undefined ? {} : { 'Placement.AvailabilityZone': zone }),
      ...(userData === undefined ? {} : { UserData: referenceText(userData) }),
      ...(clientToken ? { ClientToken: '<of this launch>' } : {}),
      ...(tags === 'at launch' ? tagged('instance', owner) : {}),
    },
    `unless there is ${tags === 'none' ? '' : `an instance tagged ${OWNER_TAG}=${owner}, or `}one in the group ${groupNameOf(name)}`,
  );
  return tags === 'afterwards' ? [run, tagging('<instance>', owner)] : [run];
}

function tagged(type: string, owner: string): Readonly<Record<string, string>> {
  const tag = 'TagSpecification.1';
  return { [`${tag}.ResourceType`]: type, [`${tag}.Tag.1.Key`]: OWNER_TAG, [`${tag}.Tag.1.Value`]: owner };
}

function tagging(id: string, owner: string, note?: string): PlannedAction {
  return call('CreateTags', { 'ResourceId.1': id, 'Tag.1.Key': OWNER_TAG, 'Tag.1.Value': owner }, note);
}

function rules(
  { name, cloud }: DeploymentSpec,
  networks: readonly string[],
  ports: readonly number[],
): PlannedAction[] {
  const group: Readonly<Record<string, string>> = DIALECTS[cloud.kind].groupIds
    ? { GroupId: '<group id>' }
    : { GroupName: groupNameOf(name) };
  return networks.flatMap((cidr) =>
    ports.map((port) =>
      call('AuthorizeSecurityGroupIngress', {
        ...group,
        IpProtocol: 'tcp',
        FromPort: String(port),
        ToPort: String(port),
        CidrIp: cidr,
      }),
    ),
  );
}

export function call(action: string, parameters: Readonly<Record<string, string>>, note?: string): PlannedAction {
  const what = [action, ...Object.entries(parameters).map(([key, value]) => `${key}=${value}`)].join(' ');
  return { where: 'cloud', what, ...(note === undefined ? {} : { note }) };
}
