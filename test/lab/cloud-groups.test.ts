/**
 * Rules whose source is a group, limits and public addresses, as the sources of Eucalyptus 3.2.0, 3.4.2 and 4.4.2 have
 * them (NetworkGroups.java, NetworkGroupManager.java, AdmissionControl.java, ComputeService.java) and as AWS documents
 * them. Machines are fakes.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeAccountAttributesCommand,
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { EC2Client, IpPermission } from '@aws-sdk/client-ec2';
import type { Clouds } from '../../lab/cloud';
import { KINDS } from '../../lab/types';
import type { Arrival, Kind } from '../../lab/types';
import { callV2, codeOf, fakeMachineFactory, sdkOf, startClouds, texts, until } from './support';
import type { Reply } from './support';

const OWNER = '000123456789';
/** Those that the SDK for AWS can talk to. */
const LATER = KINDS.filter((kind) => kind !== 'eucalyptus-3.2' && kind !== 'eucalyptus-3.4');
const WITH_IDS = KINDS.filter((kind) => kind !== 'eucalyptus-3.2');

describe('lab: the clouds, for clusters', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-groups-'));
  const factory = fakeMachineFactory();
  let clouds: Clouds;
  let stop: () => Promise<void>;
  before(async () => {
    ({ clouds, stop } = await startClouds(dir, factory, 10, false, 50));
  });
  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const sdk = (kind: Kind): EC2Client => sdkOf(clouds.access(kind));
  const old = (params: Readonly<Record<string, string>>): Promise<Reply> =>
    callV2(clouds.access('eucalyptus-3.2'), params);
  const makeGroup = async (kind: Kind, GroupName: string): Promise<string> => {
    const made = await sdk(kind).send(new CreateSecurityGroupCommand({ GroupName, Description: 'a group' }));
    return made.GroupId ?? '';
  };
  const rulesOf = async (kind: Kind, GroupId: string): Promise<IpPermission[]> => {
    const found = await sdk(kind).send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }));
    return found.SecurityGroups?.[0]?.IpPermissions ?? [];
  };
  const launch = async (kind: Kind, ...SecurityGroupIds: string[]): Promise<string> => {
    const launched = await sdk(kind).send(
      new RunInstancesCommand({
        ImageId: clouds.access(kind).imageId,
        InstanceType: 'm1.large',
        MinCount: 1,
        MaxCount: 1,
        ...(SecurityGroupIds.length === 0 ? {} : { SecurityGroupIds }),
      }),
    );
    const id = launched.Instances?.[0]?.InstanceId ?? '';
    await until('its machine', () => factory.made.get(id));
    return id;
  };
  const open = async (from: string, to: string, port: number): Promise<Arrival | undefined> => {
    const [sender, target] = [factory.made.get(from)!, factory.made.get(to)!];
    return sender.options.network?.open(target.options.privateIp, port);
  };

  for (const kind of WITH_IDS) {
    it(`14: ${kind} takes groups as sources by id and by name, shows them, refuses doubles, and takes them away`, async () => {
      const ec2 = sdk(kind);
      const [group, peer] = [await makeGroup(kind, 'one'), await makeGroup(kind, 'two')];
      const tcp = (UserIdGroupPairs: IpPermission['UserIdGroupPairs']): IpPermission[] => [
        { IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, UserIdGroupPairs },
      ];
      const authorize = (IpPermissions: IpPermission[]): Promise<{ Return?: boolean | undefined }> =>
        ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, IpPermissions }));
      const byId = tcp([{ UserId: OWNER, GroupId: peer }]);
      await authorize(byId);
      const [{ UserIdGroupPairs: shown = [], IpRanges } = {}] = await rulesOf(kind, group);
      assert.deepEqual(
        [shown[0]?.UserId, shown[0]?.GroupId, shown[0]?.GroupName, IpRanges?.length ?? 0],
        [OWNER, peer, kind === 'aws' ? undefined : 'two', 0],
      );
      const double = authorize(tcp([{ GroupName: 'two' }]));
      if (kind === 'aws') assert.equal(await codeOf(double), 'InvalidPermission.Duplicate');
      else assert.equal((await double).Return, false);
      assert.equal(await codeOf(authorize(tcp([{ GroupId: 'sg-00000000000000000' }]))), 'InvalidGroup.NotFound');
      assert.equal(await codeOf(authorize(tcp([{ GroupName: 'nobody' }]))), 'InvalidGroup.NotFound');
      assert.equal(
        await codeOf(authorize(tcp([{ UserId: '999999999999', GroupName: 'two' }]))),
        'InvalidGroup.NotFound',
      );
      await authorize([{ IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535, IpRanges: [{ CidrIp: '10.0.0.0/8' }] }]);
      assert.equal((await rulesOf(kind, group)).length, kind === 'aws' ? 1 : 2);
      await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: group, IpPermissions: byId }));
      const left = await rulesOf(kind, group);
      assert.deepEqual([left.length, left[0]?.UserIdGroupPairs?.length ?? 0], [1, 0]);
      const again = ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: group, IpPermissions: byId }));
      assert.equal(await codeOf(again), kind === 'aws' ? 'InvalidPermission.NotFound' : 'no error');
    });

    it(`14: the flat form of ${kind} takes a group and its owner, and nothing else`, async () => {
      const ec2 = sdk(kind);
      const [group] = [await makeGroup(kind, 'flat'), await makeGroup(kind, 'source')];
      const flat = (more: object): Promise<unknown> =>
        ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group, ...more }));
      const alone = { SourceSecurityGroupName: 'source', SourceSecurityGroupOwnerId: OWNER };
      const ports = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 };
      if (kind === 'eucalyptus-5.1') return assert.equal(await codeOf(flat(alone)), 'InternalFailure');
      const both = kind === 'aws' ? 'InvalidParameterCombination' : 'InternalFailure';
      assert.equal(await codeOf(flat({ ...alone, ...ports })), both);
      const rule = [{ ...ports, UserIdGroupPairs: [{ GroupName: 'source' }] }];
      assert.equal(await codeOf(flat({ ...alone, IpPermissions: rule })), both);
      await flat(alone);
      assert.deepEqual(
        (await rulesOf(kind, group)).map(({ IpProtocol, FromPort, ToPort }) => [IpProtocol, FromPort, ToPort]),
        [
          ['tcp', 1, 65_535],
          ['udp', 1, 65_535],
          ['icmp', -1, -1],
        ],
      );
    });

    it(`14: a group that rules of another name may ${kind === 'aws' ? 'not ' : ''}be deleted on ${kind}`, async () => {
      const ec2 = sdk(kind);
      const [group, peer] = [await makeGroup(kind, 'names'), await makeGroup(kind, 'named')];
      const rule = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 };
      for (const [GroupId, source] of [
        [group, peer],
        [peer, peer],
      ] as const)
        await ec2.send(
          new AuthorizeSecurityGroupIngressCommand({
            GroupId,
            IpPermissions: [{ ...rule, UserIdGroupPairs: [{ GroupId: source }] }],
          }),
        );
      const deleted = await codeOf(ec2.send(new DeleteSecurityGroupCommand({ GroupId: peer })));
      assert.equal(deleted, kind === 'aws' ? 'DependencyViolation' : 'no error');
      const pair = { UserId: OWNER, GroupId: peer, GroupName: 'named' };
      await ec2.send(
        new RevokeSecurityGroupIngressCommand({
          GroupId: group,
          IpPermissions: [{ ...rule, UserIdGroupPairs: [pair] }],
        }),
      );
      assert.deepEqual(await rulesOf(kind, group), []);
      // A group whose own rule names it can be deleted anywhere.
      if (kind === 'aws') await ec2.send(new DeleteSecurityGroupCommand({ GroupId: peer }));
    });
  }

  it('14: eucalyptus-3.2 takes groups only in the flat form, looks up none, and shows owner and name', async () => {
    const create = (GroupName: string): Promise<Reply> =>
      old({ Action: 'CreateSecurityGroup', GroupName, GroupDescription: 'a group' });
    await create('one');
    const flat = (more: object): Promise<Reply> =>
      old({ Action: 'AuthorizeSecurityGroupIngress', GroupName: 'one', ...more });
    const ports = { IpProtocol: 'tcp', FromPort: '0', ToPort: '65535' };
    const source = { SourceSecurityGroupName: 'two', SourceSecurityGroupOwnerId: OWNER };
    assert.equal((await flat({ ...ports, SourceSecurityGroupName: 'two' })).status, 406);
    assert.equal((await flat({ 'IpPermissions.1.IpProtocol': 'tcp' })).status, 400);
    assert.deepEqual(texts(await flat({ ...ports, ...source }), 'return'), ['true']);
    assert.deepEqual(texts(await flat({ ...ports, ...source }), 'return'), ['false']);
    const shown = await old({ Action: 'DescribeSecurityGroups', 'GroupName.1': 'one' });
    assert.match(
      shown.body,
      /<groups><item><userId>000123456789<\/userId><groupName>two<\/groupName><\/item><\/groups>/,
    );
    assert.match(shown.body, /<fromPort>0<\/fromPort><toPort>65535<\/toPort>/);
    await create('two');
    assert.equal((await old({ Action: 'DeleteSecurityGroup', GroupName: 'two' })).status, 200);
    const revoked = { Action: 'RevokeSecurityGroupIngress', GroupName: 'one', ...ports, ...source };
    assert.equal((await old(revoked)).status, 200);
    assert.deepEqual((await clouds.inventory('eucalyptus-3.2')).groups[0]?.rules, []);
    assert.deepEqual(texts(await flat(source), 'return'), ['true']);
    assert.deepEqual(
      texts(await old({ Action: 'DescribeSecurityGroups', 'GroupName.1': 'one' }), 'ipProtocol'),
      ['tcp', 'udp', 'tcp'],
      'its own mistake: there should be icmp',
    );
  });

  it('14: a machine reaches another by private address only where a rule allows it', async () => {
    const kind = 'eucalyptus-4.4';
    const ec2 = sdk(kind);
    const [inside, outside] = [await makeGroup(kind, 'inside'), await makeGroup(kind, 'outside')];
    const [a, b, stranger] = [await launch(kind, inside), await launch(kind, inside), await launch(kind, outside)];
    assert.equal(await open(a, b, 4222), 'dropped', 'no rule');
    assert.equal(await open(a, a, 4222), 'refused', 'itself');
    const allow = async (rule: IpPermission): Promise<unknown> =>
      ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: inside, IpPermissions: [rule] }));
    const pairs = [{ GroupId: inside }];
    await allow({ IpProtocol: 'tcp', FromPort: 4000, ToPort: 5000, UserIdGroupPairs: pairs });
    await allow({ IpProtocol: 'udp', FromPort: 1, ToPort: 65_535, IpRanges: [{ CidrIp: '0.0.0.0/0' }] });
    assert.equal(await open(a, b, 4222), 'refused', 'nothing listens on a fake');
    assert.equal(await open(a, b, 22), 'dropped', 'another port');
    assert.equal(await open(stranger, b, 4222), 'dropped', 'another group');
    assert.equal(await factory.made.get(a)!.options.network?.open('10.255.255.254', 4222), 'dropped', 'no machine');
    const ip = factory.made.get(stranger)!.options.privateIp;
    await allow({ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: `${ip}/32` }] });
    assert.equal(await open(stranger, b, 22), 'refused');
    assert.equal(await open(a, b, 22), 'dropped');
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [b] }));
    assert.equal(await open(a, b, 4222), 'dropped', 'it is gone');
    assert.deepEqual((await clouds.inventory(kind)).groups.find(({ name }) => name === 'inside')?.rules, [
      { port: 1, cidr: '0.0.0.0/0' },
      { port: 22, cidr: `${ip}/32` },
      { port: 4000, group: 'inside' },
    ]);
  });

  it('14: instances, addresses and capacity have limits, in the words of each cloud', async () => {
    const launchOld = (): Promise<Reply> =>
      old({
        Action: 'RunInstances',
        ImageId: clouds.access('eucalyptus-3.2').imageId,
        MinCount: '1',
        MaxCount: '1',
        InstanceType: 'm1.large',
      });
    for (const kind of KINDS) clouds.configure(kind, { instances: 0 });
    assert.match((await launchOld()).message, /^Quota exceeded/);
    assert.equal(await codeOf(launch('aws')), 'InstanceLimitExceeded');
    for (const kind of KINDS) clouds.configure(kind, { instances: 100, capacity: 0, addresses: 0 });
    assert.equal((await launchOld()).message, 'Not enough resources (0 in PARTI00 < 1): vm instances.');
    for (const kind of LATER) assert.equal(await codeOf(launch(kind)), 'InsufficientInstanceCapacity');
    assert.equal(await codeOf(sdk('aws').send(new AllocateAddressCommand({}))), 'AddressLimitExceeded');
    assert.equal((await old({ Action: 'AllocateAddress' })).status, 406);
    for (const kind of KINDS) clouds.configure(kind, { capacity: 7, addresses: 3 });
    const used = (await clouds.inventory('eucalyptus-4.4')).instances.filter(({ state }) => state !== 'terminated');
    const { admin, ...access } = clouds.access('eucalyptus-4.4');
    const asAdmin = sdkOf({ ...access, ...admin });
    const zones = await asAdmin.send(new DescribeAvailabilityZonesCommand({ ZoneNames: ['verbose'] }));
    const row = zones.AvailabilityZones?.find(({ ZoneName }) => ZoneName === '|- m1.large');
    assert.match(row?.State ?? '', new RegExp(`^000${7 - used.length} / 0007 `));
  });

  it('14: account attributes have limits on aws, none on Eucalyptus 4.4, and are not known before', async () => {
    clouds.configure('aws', { instances: 20, addresses: 5 });
    const attributes = async (kind: Kind, ...names: string[]): Promise<unknown> => {
      const { AccountAttributes = [] } = await sdk(kind).send(
        new DescribeAccountAttributesCommand(names.length === 0 ? {} : { AttributeNames: names as never[] }),
      );
      return Object.fromEntries(
        AccountAttributes.map(({ AttributeName, AttributeValues }) => [
          AttributeName,
          AttributeValues?.[0]?.AttributeValue,
        ]),
      );
    };
    assert.deepEqual(await attributes('aws', 'max-instances', 'vpc-max-elastic-ips'), {
      'max-instances': '20',
      'vpc-max-elastic-ips': '5',
    });
    assert.deepEqual(await attributes('eucalyptus-4.4'), { 'supported-platforms': 'EC2', 'default-vpc': 'none' });
    assert.equal(await codeOf(attributes('eucalyptus-3.4')), '400 Bad Request');
    assert.equal((await old({ Action: 'DescribeAccountAttributes' })).status, 400);
  });

  it('14: where the cloud gives public addresses, an instance has one until it gets an elastic IP or ends', async () => {
    const kind = 'aws';
    const ec2 = sdk(kind);
    clouds.configure(kind, { publicAddresses: true, instances: 100, capacity: 100, addresses: 5 });
    const id = await launch(kind);
    const shown = async (): Promise<string | undefined> =>
      (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances?.[0]
        ?.PublicIpAddress;
    const own = (await until('its address', shown)) ?? '';
    assert.equal(factory.made.get(id)?.publicIp, own);
    const { PublicIp = '' } = await ec2.send(new AllocateAddressCommand({}));
    assert.notEqual(PublicIp, own);
    await until('it runs', async () =>
      (await clouds.inventory(kind)).instances.some((each) => each.id === id && each.state === 'running')
        ? true
        : undefined,
    );
    await ec2.send(new AssociateAddressCommand({ PublicIp, InstanceId: id }));
    assert.deepEqual([await shown(), factory.made.get(id)?.publicIp], [PublicIp, PublicIp]);
    clouds.configure(kind, { publicAddresses: false });
    const other = await launch(kind);
    assert.equal(factory.made.get(other)?.publicIp, undefined);
  });
});
