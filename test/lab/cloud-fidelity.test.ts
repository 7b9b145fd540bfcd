/**
 * The lab's clouds answer as the sources of the real ones say: Eucalyptus 3.2.0, 3.4.2, 4.4.6 and 5.1.0
 * (ClusterEndpoint.java, NetworkGroups.java, VpcManager.java).
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DescribeAvailabilityZonesCommand,
  DescribeImageAttributeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeRegionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeTagsCommand,
  DescribeVpcsCommand,
  EC2ServiceException,
  RebootInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { DescribeAvailabilityZonesCommandInput, EC2Client } from '@aws-sdk/client-ec2';
import type { Clouds } from '../../lab/cloud';
import type { Kind } from '../../lab/types';
import { callV2, codeOf, fakeMachineFactory, sdkOf, startClouds, texts, until } from './support';
import type { Reply } from './support';

const LATER: readonly Kind[] = ['eucalyptus-4.4', 'eucalyptus-5.1'];
const OLD: readonly Kind[] = ['eucalyptus-3.2', 'eucalyptus-3.4'];
const SHUTTING_DOWN_FOR = 600;

describe('lab: the clouds answer like real ones', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-truth-'));
  let clouds: Clouds;
  let stop: () => Promise<void>;

  before(async () => {
    ({ clouds, stop } = await startClouds(dir, fakeMachineFactory(), 10, false, SHUTTING_DOWN_FOR));
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const sdk = (kind: Kind, who: 'user' | 'admin' = 'user'): EC2Client => {
    const { admin, ...access } = clouds.access(kind);
    return sdkOf(who === 'admin' ? { ...access, ...admin } : access);
  };
  const old = (
    kind: Kind,
    params: Readonly<Record<string, string>>,
    who: 'user' | 'admin' = 'user',
  ): Promise<Reply> => {
    const access = clouds.access(kind);
    return callV2({ ...access, ...(who === 'admin' ? access.admin : {}) }, { Version: '2012-10-01', ...params });
  };
  const zones = async (
    kind: Kind,
    input: DescribeAvailabilityZonesCommandInput,
    who?: 'admin',
  ): Promise<(string | undefined)[][]> => {
    const { AvailabilityZones = [] } = await sdk(kind, who).send(new DescribeAvailabilityZonesCommand(input));
    return AvailabilityZones.map(({ ZoneName, State }) => [ZoneName, State]);
  };

  for (const kind of LATER) {
    it(`E17: zones of ${kind} are available, an unknown one is an error, filters work`, async () => {
      assert.deepEqual(await zones(kind, {}), [['one', 'available']]);
      assert.deepEqual(await zones(kind, { ZoneNames: ['one'] }), [['one', 'available']]);
      assert.equal(await codeOf(zones(kind, { ZoneNames: ['two'] })), 'InvalidParameterValue');
      assert.equal(await codeOf(zones(kind, { ZoneNames: ['one', 'two'] })), 'InvalidParameterValue');
      const filtered = (Name: string, ...Values: string[]): Promise<unknown[]> =>
        zones(kind, { Filters: [{ Name, Values }] });
      assert.equal((await filtered('zone-name', 'o*')).length, 1);
      assert.equal((await filtered('zone-name', 'two')).length, 0);
      assert.equal((await filtered('state', 'available')).length, 1);
      assert.equal((await filtered('state', 'unavailable')).length, 0);
      assert.equal((await filtered('message', '*')).length, 0, 'accepted, and matches nothing');
      assert.equal(await codeOf(filtered('zone-id', 'one')), 'InvalidParameterValue');
    });

    it(`E17: "verbose" gives the administrator of ${kind} the types of each zone, and others the zones`, async () => {
      assert.deepEqual(await zones(kind, { ZoneNames: ['verbose'] }), [['one', 'available']]);
      const rows = await zones(kind, { ZoneNames: ['verbose'] }, 'admin');
      assert.match(rows[0]?.[1] ?? '', /^127\.0\.0\.1 arn:euca:/);
      assert.deepEqual(rows[1], ['|- vm types', 'free / max   cpu   ram  disk']);
      assert.match(rows.find(([name]) => name === '|- m1.large')?.[1] ?? '', /^\d{4} \/ \d{4} +2 +4096 +40$/);
      assert.deepEqual(
        await zones(kind, { ZoneNames: ['verbose'], Filters: [{ Name: 'zone-name', Values: ['two'] }] }, 'admin'),
        [],
      );
    });
  }

  for (const kind of OLD) {
    it(`E17: zones of ${kind} show their controller, and unknown ones are ignored`, async () => {
      const all = await old(kind, { Action: 'DescribeAvailabilityZones' });
      assert.match(texts(all, 'zoneState')[0] ?? '', /^127\.0\.0\.1 arn:euca:eucalyptus:PARTI00:cluster:/);
      const asked = await old(kind, { Action: 'DescribeAvailabilityZones', 'ZoneName.1': 'two' });
      assert.deepEqual([asked.status, texts(asked, 'zoneName')], [200, []]);
      assert.deepEqual(
        texts(await old(kind, { Action: 'DescribeAvailabilityZones', 'ZoneName.1': 'verbose' }), 'zoneName'),
        ['PARTI00'],
      );
      assert.ok(
        texts(
          await old(kind, { Action: 'DescribeAvailabilityZones', 'ZoneName.1': 'verbose' }, 'admin'),
          'zoneName',
        ).includes('|- m1.large'),
      );
    });
  }

  it('E17: on aws no zone is called "verbose"', async () => {
    assert.deepEqual(await zones('aws', {}), [
      ['us-east-1a', 'available'],
      ['us-east-1b', 'available'],
    ]);
    assert.equal(await codeOf(zones('aws', { ZoneNames: ['verbose'] })), 'InvalidParameterValue');
  });

  it('E17: regions have endpoints of the lab, and 3.2 lists its S3 as one', async () => {
    for (const kind of [...LATER, 'aws'] as const) {
      const { Regions } = await sdk(kind).send(new DescribeRegionsCommand({}));
      assert.deepEqual(
        Regions?.map(({ RegionName, Endpoint }) => [RegionName, Endpoint]),
        [[clouds.access(kind).region, clouds.access(kind).endpoint]],
      );
    }
    const { endpoint, storage } = clouds.access('eucalyptus-3.2');
    const all = await old('eucalyptus-3.2', { Action: 'DescribeRegions' });
    assert.deepEqual(
      [texts(all, 'regionName'), texts(all, 'regionEndpoint')],
      [
        ['eucalyptus', 'walrus'],
        [endpoint, storage],
      ],
    );
    assert.deepEqual(
      (await sdk('eucalyptus-4.4').send(new DescribeRegionsCommand({ RegionNames: ['elsewhere'] }))).Regions,
      [],
    );
    assert.equal(
      await codeOf(sdk('aws').send(new DescribeRegionsCommand({ RegionNames: ['elsewhere'] }))),
      'InvalidParameterValue',
    );
  });

  it('E17: an unsimulated action is answered with 501, an unknown one as the release answers', async () => {
    for (const kind of [...LATER, 'aws'] as const) {
      for (const call of [
        sdk(kind).send(new CreateKeyPairCommand({ KeyName: 'mine' })),
        sdk(kind).send(new RebootInstancesCommand({ InstanceIds: ['i-1'] })),
        sdk(kind).send(new DescribeImageAttributeCommand({ ImageId: 'emi-1', Attribute: 'launchPermission' })),
        sdk(kind).send(new DescribeVpcsCommand({})),
      ]) {
        const error = await call.then(
          () => undefined,
          (refused: unknown) => refused,
        );
        assert.ok(error instanceof EC2ServiceException, kind);
        assert.deepEqual([error.name, error.$metadata.httpStatusCode], ['UnsupportedOperation', 501], kind);
      }
    }
    for (const Action of ['CreateKeyPair', 'RebootInstances', 'DescribeImageAttribute', 'StopInstances'])
      assert.equal((await old('eucalyptus-3.2', { Action })).status, 501, Action);
    for (const Action of ['DescribeInstanceStatus', 'DescribeVpcs', 'DescribeNothing'])
      assert.equal((await old('eucalyptus-3.2', { Action })).status, 400, Action);
    assert.equal((await old('eucalyptus-3.4', { Action: 'DescribeVpcs' })).status, 400);
  });

  it('E17: the group "default" has the description of the network mode', async () => {
    const described = async (kind: Kind): Promise<string | undefined> =>
      (await sdk(kind).send(new DescribeSecurityGroupsCommand({ GroupNames: ['default'] }))).SecurityGroups?.[0]
        ?.Description;
    for (const kind of OLD)
      assert.deepEqual(
        texts(await old(kind, { Action: 'DescribeSecurityGroups', 'GroupName.1': 'default' }), 'groupDescription'),
        ['default group'],
      );
    assert.equal(await described('eucalyptus-4.4'), 'default group');
    assert.equal(await described('eucalyptus-5.1'), 'default VPC security group');
    assert.equal(await described('aws'), 'default VPC security group');
  });

  it('E17: tags are listed, and the status of running or all instances', async () => {
    const [kind, ec2] = ['eucalyptus-4.4' as const, sdk('eucalyptus-4.4')];
    const id =
      (
        await ec2.send(
          new RunInstancesCommand({
            ImageId: clouds.access(kind).imageId,
            MinCount: 1,
            MaxCount: 1,
            InstanceType: 'm1.large',
          }),
        )
      ).Instances?.[0]?.InstanceId ?? '';
    await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'whose', Value: 'mine' }] }));
    const { Tags } = await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }));
    assert.deepEqual(
      Tags?.map(({ ResourceId, ResourceType, Key, Value }) => [ResourceId, ResourceType, Key, Value]),
      [[id, 'instance', 'whose', 'mine']],
    );
    assert.deepEqual(
      (await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'key', Values: ['other'] }] }))).Tags,
      [],
    );

    const statuses = async (IncludeAllInstances: boolean): Promise<unknown[]> =>
      ((await ec2.send(new DescribeInstanceStatusCommand({ IncludeAllInstances }))).InstanceStatuses ?? []).map(
        ({ InstanceId, InstanceState, InstanceStatus }) => [InstanceId, InstanceState?.Name, InstanceStatus?.Status],
      );
    await until('it runs', async () => (await statuses(false)).length === 1 || undefined);
    assert.deepEqual(await statuses(false), [[id, 'running', 'ok']]);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    assert.deepEqual(await statuses(false), []);
    assert.deepEqual(
      (await statuses(true)).map((row) => (row as string[])[0]),
      [id],
    );
  });

  for (const kind of ['eucalyptus-4.4', 'aws'] as const) {
    it(`E17: a terminated instance of ${kind} is shutting down for a while, and still uses its group meanwhile`, async () => {
      const ec2 = sdk(kind);
      const { GroupId = '' } = await ec2.send(
        new CreateSecurityGroupCommand({ GroupName: 'held', Description: 'a group' }),
      );
      const { Instances } = await ec2.send(
        new RunInstancesCommand({
          ImageId: clouds.access(kind).imageId,
          MinCount: 1,
          MaxCount: 1,
          InstanceType: 'm1.large',
          SecurityGroupIds: [GroupId],
        }),
      );
      const id = Instances?.[0]?.InstanceId ?? '';
      const state = async (): Promise<string | undefined> =>
        (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances?.[0]?.State
          ?.Name;
      await until('it runs', async () => ((await state()) === 'running' ? true : undefined));
      const asked = Date.now();
      const { TerminatingInstances } = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
      assert.equal(TerminatingInstances?.[0]?.CurrentState?.Name, 'shutting-down');
      assert.equal(await state(), 'shutting-down');
      assert.match(
        await codeOf(ec2.send(new DeleteSecurityGroupCommand({ GroupId }))),
        /^(DependencyViolation|InvalidGroup\.InUse)$/,
      );
      await until('it is gone', async () => ((await state()) === 'terminated' ? true : undefined));
      // Checks only that it did not take less than the configured time.
      assert.ok(Date.now() - asked >= SHUTTING_DOWN_FOR);
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    });
  }
});
