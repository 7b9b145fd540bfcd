/** The lab's clouds with signers and clients other than the product's. moto is real, machines are fakes. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeSecurityGroupsCommand,
  ReleaseAddressCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Clouds } from '../../lab/cloud';
import type { CloudAccess, Kind } from '../../lab/types';
import { callV2, codeOf, fakeMachineFactory, post, sdkOf, startClouds, texts, until } from './support';
import type { Reply } from './support';

const QUOTA = 4;

describe('lab: the clouds', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-cloud-'));
  const factory = fakeMachineFactory();
  let clouds: Clouds;
  let net: number;
  let stop: () => Promise<void>;

  before(async () => {
    ({ clouds, net, stop } = await startClouds(dir, factory, QUOTA));
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  afterEach(() => clouds.faults.clear());

  const euca32 = (
    params: Readonly<Record<string, string>>,
    access: Partial<CloudAccess> = {},
    method?: string,
  ): Promise<Reply> => callV2({ ...clouds.access('eucalyptus-3.2'), ...access }, params, method);

  function sdk(kind: Kind, changes: Partial<CloudAccess> = {}): EC2Client {
    return sdkOf({ ...clouds.access(kind), ...changes });
  }

  async function launched32(group: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    const { imageId } = clouds.access('eucalyptus-3.2');
    const reply = await euca32({
      Action: 'RunInstances',
      ImageId: imageId,
      MinCount: '1',
      MaxCount: '1',
      InstanceType: 'm1.large',
      'SecurityGroup.1': group,
      ...more,
    });
    assert.equal(reply.status, 200, reply.body);
    return texts(reply, 'instanceId')[0] ?? '';
  }

  function stateOf(kind: Kind, id: string, state: string): Promise<true> {
    return until(
      `${id} ${state}`,
      async () =>
        (await clouds.inventory(kind)).instances.some((each) => each.id === id && each.state === state) || undefined,
    );
  }

  describe('signatures', () => {
    it('takes version 2 with SHA-256 and SHA-1 on 3.2, with the path as it was sent', async () => {
      assert.equal((await euca32({ Action: 'DescribeAddresses' })).status, 200);
      assert.equal((await euca32({ Action: 'DescribeAddresses' }, {}, 'HmacSHA1')).status, 200);
      const { endpoint } = clouds.access('eucalyptus-3.2');
      assert.equal((await euca32({ Action: 'DescribeAddresses' }, { endpoint: `${endpoint}/` })).status, 200);
    });

    it('refuses a wrong secret, an unknown key and no signature', async () => {
      const wrong = await euca32({ Action: 'DescribeAddresses' }, { secretKey: 'wrong' });
      assert.deepEqual(
        [wrong.status, wrong.code, wrong.message],
        [403, '403 Forbidden', 'User authentication failed.'],
      );
      assert.equal((await euca32({ Action: 'DescribeAddresses' }, { accessKey: 'NOBODY' })).status, 403);
      assert.equal(
        (await post(clouds.access('eucalyptus-3.2').endpoint, 'Action=DescribeAddresses&Version=2012-10-01')).status,
        403,
      );
      assert.equal(
        await codeOf(sdk('aws', { secretKey: 'wrong' }).send(new DescribeAddressesCommand())),
        'AuthFailure',
      );
      assert.equal(
        await codeOf(sdk('aws', { accessKey: 'NOBODY' }).send(new DescribeAddressesCommand())),
        'AuthFailure',
      );
      assert.equal(
        await codeOf(sdk('eucalyptus-4.4', { secretKey: 'wrong' }).send(new DescribeAddressesCommand())),
        '403 Forbidden',
      );
    });

    it('refuses version 4 on 3.2 and version 2 on aws', async () => {
      assert.equal(await codeOf(sdk('eucalyptus-3.2').send(new DescribeAddressesCommand())), '403 Forbidden');
      assert.equal((await callV2(clouds.access('aws'), { Action: 'DescribeAddresses' })).code, 'InvalidRequest');
    });

    it('refuses too much clock skew, and the same signature twice on 3.2', async () => {
      const at = (offset: number): string => new Date(Date.now() + offset).toISOString();
      assert.match(
        (await euca32({ Action: 'DescribeAddresses', Timestamp: at(60_000) })).message,
        /generated in the future/,
      );
      assert.match((await euca32({ Action: 'DescribeAddresses', Timestamp: at(-16 * 60_000) })).message, /expired/);
      assert.match((await euca32({ Action: 'DescribeAddresses', Expires: at(-1_000) })).message, /expired/);
      assert.equal((await euca32({ Action: 'DescribeAddresses', Expires: at(60_000) })).status, 200);
      // When nobody called.
      const once = at(-60_000);
      assert.equal((await euca32({ Action: 'DescribeAddresses', Timestamp: once })).status, 200);
      assert.match((await euca32({ Action: 'DescribeAddresses', Timestamp: once })).message, /replay/);
    });

    it('cannot verify a request with a tilde on 3.2', async () => {
      assert.equal((await euca32({ Action: 'DescribeImages', 'Owner.1': 'a~b' })).status, 403);
    });
  });

  describe('binding', () => {
    it("refuses unknown parameters with the release's own error", async () => {
      const filter = await euca32({
        Action: 'DescribeAddresses',
        'Filter.1.Name': 'public-ip',
        'Filter.1.Value.1': '1.2.3.4',
      });
      assert.deepEqual([filter.status, filter.code], [400, '400 Bad Request']);
      assert.match(filter.message, /Failed to bind the following fields:\s+Filter\.1\.Name = public-ip/);
      const tagged = sdk('eucalyptus-4.4').send(
        new AllocateAddressCommand({
          TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: [{ Key: 'a', Value: 'b' }] }],
        }),
      );
      assert.equal(await codeOf(tagged), '400 Bad Request');
      assert.equal((await euca32({ Action: 'AllocateAddress', Domain: 'standard' })).status, 400);
      assert.equal((await euca32({ Action: 'DescribeInstanceTypes' })).status, 400);
      assert.equal(
        (await euca32({ Action: 'CreateTags', 'ResourceId.1': 'i-1', 'Tag.1.Key': 'a', 'Tag.1.Value': 'b' })).status,
        400,
      );
      assert.equal((await euca32({ Action: 'DescribeAddresses', Version: '2016-11-15' })).status, 400);
    });

    it('on 3.2, uses the class of the request as error code', async () => {
      const { status, code, message } = await euca32({ Action: 'DeleteSecurityGroup', GroupName: 'nothing' });
      assert.deepEqual([status, code], [406, 'DeleteSecurityGroupType']);
      assert.match(message, /Failed to find security group: nothing/);
    });
  });

  describe('eucalyptus-3.2', () => {
    it('supports the whole sequence in its own format', async () => {
      const created = await euca32({
        Action: 'CreateSecurityGroup',
        GroupName: 'stackato-a',
        GroupDescription: 'ours',
      });
      assert.deepEqual([created.status, texts(created, 'groupId')], [200, []]);
      assert.equal(
        (await euca32({ Action: 'CreateSecurityGroup', GroupName: 'stackato-a', GroupDescription: 'ours' })).status,
        406,
      );
      const rule = {
        Action: 'AuthorizeSecurityGroupIngress',
        GroupName: 'stackato-a',
        IpProtocol: 'tcp',
        FromPort: '22',
        ToPort: '22',
        CidrIp: '0.0.0.0/0',
      };
      assert.deepEqual(texts(await euca32(rule), 'return'), ['true']);
      assert.deepEqual(texts(await euca32(rule), 'return'), ['false']);

      const finish = factory.hold();
      const id = await launched32('stackato-a');
      assert.deepEqual(texts(await euca32({ Action: 'DescribeInstances', 'InstanceId.1': id }), 'dnsName'), [
        '0.0.0.0',
      ]);
      finish();
      await stateOf('eucalyptus-3.2', id, 'running');
      const [ip = ''] = texts(await euca32({ Action: 'AllocateAddress' }), 'publicIp');
      assert.match(ip, new RegExp(`^127\\.${net}\\.1\\.`));
      assert.equal((await euca32({ Action: 'AssociateAddress', PublicIp: ip, InstanceId: id })).status, 200);

      const seen = await euca32({ Action: 'DescribeInstances' });
      assert.deepEqual(texts(seen, 'dnsName'), [`euca-${ip.replaceAll('.', '-')}.eucalyptus.cloud.test`]);
      assert.deepEqual(
        [texts(seen, 'ipAddress'), texts(seen, 'groupId'), texts(seen, 'groupName')],
        [[ip], ['stackato-a'], []],
      );
      const addresses = await euca32({ Action: 'DescribeAddresses' });
      assert.deepEqual(
        [texts(addresses, 'instanceId'), texts(addresses, 'allocationId'), texts(addresses, 'domain')],
        [[id], [], []],
      );
      const machine = factory.made.get(id);
      assert.deepEqual(
        [machine?.publicIp, machine?.rules, machine?.options.memory],
        [ip, [{ port: 22, cidr: '0.0.0.0/0' }], 4096],
      );

      assert.equal((await euca32({ Action: 'DeleteSecurityGroup', GroupName: 'stackato-a' })).status, 406, 'in use');
      assert.equal((await euca32({ Action: 'TerminateInstances', 'InstanceId.1': id })).status, 200);
      await stateOf('eucalyptus-3.2', id, 'terminated');
      assert.deepEqual([machine?.publicIp, machine?.terminated], [undefined, true]);
      assert.deepEqual(
        (await clouds.inventory('eucalyptus-3.2')).addresses,
        [{ publicIp: ip }],
        'the address stays, free',
      );
      assert.equal((await euca32({ Action: 'ReleaseAddress', PublicIp: ip })).status, 200);
      assert.equal((await euca32({ Action: 'ReleaseAddress', PublicIp: ip })).status, 406);
      assert.equal((await euca32({ Action: 'DeleteSecurityGroup', GroupName: 'stackato-a' })).status, 200);
      assert.deepEqual((await clouds.inventory('eucalyptus-3.2')).groups, []);
    });

    it('ignores client tokens, takes addresses from other instances, and returns nothing for missing names', async () => {
      const token = { ClientToken: 'one' };
      const [first, second] = [await launched32('default', token), await launched32('default', token)];
      assert.notEqual(first, second);
      const [ip = ''] = texts(await euca32({ Action: 'AllocateAddress' }), 'publicIp');
      for (const id of [first, second])
        assert.equal((await euca32({ Action: 'AssociateAddress', PublicIp: ip, InstanceId: id })).status, 200);
      assert.deepEqual([factory.made.get(first)?.publicIp, factory.made.get(second)?.publicIp], [undefined, ip]);
      assert.deepEqual(
        texts(await euca32({ Action: 'DescribeInstances', 'InstanceId.1': 'i-00000000' }), 'instanceId'),
        [],
      );
      await euca32({ Action: 'TerminateInstances', 'InstanceId.1': first, 'InstanceId.2': second });
      await euca32({ Action: 'ReleaseAddress', PublicIp: ip });
    });

    it('checks what a launch refers to', async () => {
      const { imageId } = clouds.access('eucalyptus-3.2');
      const run = { Action: 'RunInstances', ImageId: imageId, MinCount: '1', MaxCount: '1' };
      assert.equal((await euca32({ ...run, ImageId: 'emi-00000000' })).code, 'RunInstancesType');
      assert.match((await euca32({ ...run, KeyName: 'nobody' })).message, /Failed to find key pair/);
      assert.match((await euca32({ ...run, 'SecurityGroup.1': 'nothing' })).message, /Failed to find security group/);
      assert.equal((await euca32({ ...run, InstanceType: 'z9.huge' })).status, 406);
      assert.equal((await euca32({ ...run, 'SecurityGroupId.1': 'sg-1' })).status, 400);
    });

    const launchedWith = (UserData: string): Promise<Reply> =>
      euca32({
        Action: 'RunInstances',
        ImageId: clouds.access('eucalyptus-3.2').imageId,
        MinCount: '1',
        MaxCount: '1',
        UserData,
      });

    it('13: refuses user data that is not base64', async () => {
      const before = (await clouds.inventory('eucalyptus-3.2')).instances.length;
      for (const sent of ['#cloud-config', 'IyE=IyE=', 'IyE']) {
        const { status, message } = await launchedWith(sent);
        assert.deepEqual([status >= 400, message], [true, 'Invalid BASE64 encoding of user data.'], sent);
      }
      assert.equal((await clouds.inventory('eucalyptus-3.2')).instances.length, before);
    });

    it('13: refuses user data of more than 16 KiB, before base64, and takes just as much', async () => {
      const bytes = (size: number): string => Buffer.alloc(size, '#').toString('base64');
      const { status, message } = await launchedWith(bytes(16_385));
      assert.deepEqual([status >= 400, /16 KB/.test(message)], [true, true], message);
      const reply = await launchedWith(bytes(16_384));
      assert.equal(reply.status, 200, reply.body);
      await euca32({ Action: 'TerminateInstances', 'InstanceId.1': texts(reply, 'instanceId')[0] ?? '' });
    });

    it('shows its administrator every address of the cloud, and the types as zones', async () => {
      const { admin } = clouds.access('eucalyptus-3.2');
      const [ip = ''] = texts(await euca32({ Action: 'AllocateAddress' }), 'publicIp');
      const all = await euca32({ Action: 'DescribeAddresses' }, admin);
      assert.deepEqual(
        [
          texts(all, 'publicIp').length,
          texts(all, 'instanceId').filter((text) => text.startsWith('available (')).length,
        ],
        [250, 1],
      );
      const verbose = { Action: 'DescribeAvailabilityZones', 'ZoneName.1': 'verbose' };
      assert.match((await euca32(verbose, admin)).body, /\|- m1\.small<.*?>\d+ \/ \d+ +1 +256 +5</);
      assert.doesNotMatch((await euca32(verbose)).body, /m1\.small/);
      await euca32({ Action: 'ReleaseAddress', PublicIp: ip });
    });
  });

  describe('eucalyptus-4.4', () => {
    it('honours client tokens, has tags and filters, and classic addresses', async () => {
      const ec2 = sdk('eucalyptus-4.4');
      const { imageId } = clouds.access('eucalyptus-4.4');
      const { GroupId } = await ec2.send(
        new CreateSecurityGroupCommand({ GroupName: 'stackato-b', Description: 'ours' }),
      );
      const launch = {
        ImageId: imageId,
        InstanceType: 'm1.large' as const,
        MinCount: 1,
        MaxCount: 1,
        SecurityGroupIds: [GroupId ?? ''],
        ClientToken: 'two',
      };
      const replies = await Promise.all([
        ec2.send(new RunInstancesCommand(launch)),
        ec2.send(new RunInstancesCommand(launch)),
      ]);
      const ids = new Set(replies.map(({ Instances }) => Instances?.[0]?.InstanceId ?? ''));
      assert.equal(ids.size, 1);
      const [id = ''] = ids;
      await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'stackato-deploy', Value: 'x' }] }));
      const found = await ec2.send(
        new DescribeInstancesCommand({ Filters: [{ Name: 'tag:stackato-deploy', Values: ['x'] }] }),
      );
      assert.deepEqual(
        found.Reservations?.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId)),
        [id],
      );
      assert.equal(
        await codeOf(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0'] }))),
        'InvalidInstanceID.NotFound',
      );

      const address = await ec2.send(new AllocateAddressCommand({}));
      assert.deepEqual([address.AllocationId, address.Domain], [undefined, 'standard']);
      await ec2.send(new AssociateAddressCommand({ PublicIp: address.PublicIp, InstanceId: id }));
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
      await stateOf('eucalyptus-4.4', id, 'terminated');
      const again = await ec2.send(new RunInstancesCommand(launch));
      assert.equal(again.Instances?.[0]?.InstanceId, id, 'a token leads to its instance even when that is terminated');
      await ec2.send(new ReleaseAddressCommand({ PublicIp: address.PublicIp }));
      await ec2.send(new DeleteSecurityGroupCommand({ GroupName: 'stackato-b' }));
    });

    it('lists instance types in a format of its own', async () => {
      const answer = await sdk('eucalyptus-4.4').send(new DescribeInstanceTypesCommand({}));
      assert.equal(answer.InstanceTypes, undefined);
      const raw = await callV2(clouds.access('eucalyptus-4.4'), {
        Action: 'DescribeInstanceTypes',
        Version: '2016-11-15',
      });
      assert.match(
        raw.body,
        /<instanceTypeDetails><item><name>m1\.small<\/name><cpu>1<\/cpu><disk>5<\/disk><memory>256<\/memory>/,
      );
    });
  });

  describe('aws', () => {
    it('has VPC addresses, checks tokens, and refuses duplicates', async () => {
      const ec2 = sdk('aws');
      const { imageId, keyName } = clouds.access('aws');
      const tags = (type: 'instance' | 'elastic-ip') => [
        { ResourceType: type, Tags: [{ Key: 'stackato-deploy', Value: 'y' }] },
      ];
      const { GroupId = '' } = await ec2.send(
        new CreateSecurityGroupCommand({ GroupName: 'stackato-c', Description: 'ours' }),
      );
      assert.equal(
        await codeOf(ec2.send(new CreateSecurityGroupCommand({ GroupName: 'stackato-c', Description: 'ours' }))),
        'InvalidGroup.Duplicate',
      );
      const rule = {
        GroupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: '10.0.0.0/8' }] }],
      };
      await ec2.send(new AuthorizeSecurityGroupIngressCommand(rule));
      assert.equal(
        await codeOf(ec2.send(new AuthorizeSecurityGroupIngressCommand(rule))),
        'InvalidPermission.Duplicate',
      );
      const groups = await ec2.send(
        new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: ['stackato-*'] }] }),
      );
      assert.deepEqual(
        groups.SecurityGroups?.map((group) => [group.GroupName, group.IpPermissions?.[0]?.FromPort]),
        [['stackato-c', 80]],
      );

      const launch = {
        ImageId: imageId,
        InstanceType: 't3.medium' as const,
        KeyName: keyName,
        MinCount: 1,
        MaxCount: 1,
        SecurityGroupIds: [GroupId],
        ClientToken: 'three',
        TagSpecifications: tags('instance'),
      };
      const finish = factory.hold();
      const id = (await ec2.send(new RunInstancesCommand(launch))).Instances?.[0]?.InstanceId ?? '';
      assert.equal(
        await codeOf(ec2.send(new RunInstancesCommand({ ...launch, InstanceType: 't3.small' }))),
        'IdempotentParameterMismatch',
      );
      const address = await ec2.send(new AllocateAddressCommand({ TagSpecifications: tags('elastic-ip') }));
      assert.match(address.AllocationId ?? '', /^eipalloc-/);
      const associate = new AssociateAddressCommand({ AllocationId: address.AllocationId, InstanceId: id });
      assert.equal(await codeOf(ec2.send(associate)), 'InvalidInstanceID', 'still pending');
      finish();
      await stateOf('aws', id, 'running');
      assert.match((await ec2.send(associate)).AssociationId ?? '', /^eipassoc-/);
      const ours = await ec2.send(
        new DescribeAddressesCommand({ Filters: [{ Name: 'tag:stackato-deploy', Values: ['y'] }] }),
      );
      assert.deepEqual(
        ours.Addresses?.map(({ InstanceId }) => InstanceId),
        [id],
      );
      assert.equal(
        await codeOf(ec2.send(new ReleaseAddressCommand({ AllocationId: address.AllocationId }))),
        'InvalidIPAddress.InUse',
      );
      assert.equal(await codeOf(ec2.send(new DeleteSecurityGroupCommand({ GroupId }))), 'DependencyViolation');

      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
      await stateOf('aws', id, 'terminated');
      assert.equal(await codeOf(ec2.send(new RunInstancesCommand(launch))), 'IdempotentInstanceTerminated');
      await ec2.send(new ReleaseAddressCommand({ AllocationId: address.AllocationId }));
      assert.equal(
        await codeOf(ec2.send(new ReleaseAddressCommand({ AllocationId: address.AllocationId }))),
        'InvalidAllocationID.NotFound',
      );
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    });

    it('shows the memory of instance types, and refuses unknown ones', async () => {
      const { InstanceTypes } = await sdk('aws').send(
        new DescribeInstanceTypesCommand({ InstanceTypes: ['t3.small'] }),
      );
      assert.equal(InstanceTypes?.[0]?.MemoryInfo?.SizeInMiB, 2048);
      assert.equal(
        await codeOf(sdk('aws').send(new DescribeInstanceTypesCommand({ InstanceTypes: ['z9.huge' as 't3.small'] }))),
        'InvalidInstanceType',
      );
    });
  });

  it('allocates addresses of its pool up to the quota, the most recently released one last', async () => {
    const taken: string[] = [];
    for (let i = 0; i < QUOTA; i += 1) taken.push(...texts(await euca32({ Action: 'AllocateAddress' }), 'publicIp'));
    assert.equal(new Set(taken).size, QUOTA);
    assert.match((await euca32({ Action: 'AllocateAddress' })).message, /InsufficientAddressCapacity/);
    await euca32({ Action: 'ReleaseAddress', PublicIp: taken[0] ?? '' });
    const [next = ''] = texts(await euca32({ Action: 'AllocateAddress' }), 'publicIp');
    assert.ok(!taken.includes(next));
    for (const ip of [...taken.slice(1), next]) await euca32({ Action: 'ReleaseAddress', PublicIp: ip });
  });

  it('injects faults: lost, throttle, error and slow', async () => {
    const kind = 'eucalyptus-3.2';
    const before = (await clouds.inventory(kind)).addresses.length;
    clouds.faults.add({ kind, action: 'AllocateAddress', what: 'lost', times: 1 });
    await assert.rejects(euca32({ Action: 'AllocateAddress' }), /fetch failed/);
    const { addresses } = await clouds.inventory(kind);
    assert.equal(addresses.length, before + 1, 'the effect is there');
    assert.equal(clouds.front(kind).calls.at(-1)?.status, 0);
    clouds.faults.add({ kind, action: '*', what: 'throttle', times: 1 });
    clouds.faults.add({ kind, action: 'DescribeAddresses', what: 'error', times: 1 });
    assert.deepEqual(
      (await Promise.all([0, 1, 2].map(() => euca32({ Action: 'DescribeAddresses' }))))
        .map(({ status }) => status)
        .sort(),
      [200, 500, 503],
    );
    clouds.faults.add({ kind, action: 'DescribeAddresses', what: 'slow', times: 1, ms: 300 });
    const start = Date.now();
    await euca32({ Action: 'DescribeAddresses' });
    assert.ok(Date.now() - start >= 295);
    for (const { publicIp } of addresses) await euca32({ Action: 'ReleaseAddress', PublicIp: publicIp });
  });
});
