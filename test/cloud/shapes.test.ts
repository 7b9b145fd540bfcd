/** How requests are built and answers are read, without any cloud. */

import assert from 'node:assert/strict';
import { accountOf } from '../../src/cloud/account';
import { addressOf } from '../../src/cloud/addresses';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import { instanceOf, launchInput } from '../../src/cloud/instances';
import { memoryInOwnList, memoryInZones } from '../../src/cloud/instance-types';
import { bytesOf } from '../support/secrets';

describe("the account's name", () => {
  const euca = { endpoint: 'http://clc:8773/services/Eucalyptus', region: 'eucalyptus' };

  it('is the same for the same endpoint, however it is written', () => {
    const account = accountOf(euca, 'AKIA');
    assert.match(account, /^[0-9a-f]{16}$/);
    for (const endpoint of ['http://CLC:8773/services/Eucalyptus/', 'HTTP://clc:8773/services/Eucalyptus'])
      assert.equal(accountOf({ ...euca, endpoint }, 'AKIA'), account);
    assert.equal(
      accountOf({ region: 'eu-west-1' }, 'AKIA'),
      accountOf({ region: 'x', endpoint: 'https://ec2.eu-west-1.amazonaws.com:443/' }, 'AKIA'),
    );
  });

  it('differs by key, endpoint and region, and tells none of them', () => {
    const all = [
      accountOf(euca, 'A'),
      accountOf(euca, 'B'),
      accountOf({ ...euca, endpoint: 'http://clc:8774/' }, 'A'),
      accountOf({ region: 'r1' }, 'A'),
      accountOf({ region: 'r2' }, 'A'),
    ];
    assert.equal(new Set(all).size, all.length);
  });
});

describe('addresses in answers', () => {
  it('is associated with an instance only, by the first word', () => {
    assert.deepEqual(
      addressOf({ PublicIp: '192.0.2.1', InstanceId: 'i-12345678 (arn:aws:euare::000123456789:user/admin)' }),
      [{ publicIp: '192.0.2.1', instanceId: 'i-12345678' }],
    );
    for (const free of ['', 'available (arn:aws:euare::1:user/a)', 'nobody', 'pending', undefined])
      assert.deepEqual(addressOf({ PublicIp: '192.0.2.1', InstanceId: free }), [{ publicIp: '192.0.2.1' }]);
    assert.deepEqual(addressOf({ InstanceId: 'i-1' }), []);
  });

  it('has its ids and its owner in a VPC, and is not free where it serves a gateway', () => {
    const address = {
      PublicIp: '192.0.2.1',
      AllocationId: 'eipalloc-1',
      AssociationId: 'eipassoc-1',
      NetworkInterfaceId: 'eni-1',
      Tags: [{ Key: 'stackato-deploy', Value: 'o' }],
    };
    assert.deepEqual(addressOf(address), [
      {
        publicIp: '192.0.2.1',
        allocationId: 'eipalloc-1',
        associationId: 'eipassoc-1',
        instanceId: 'eni-1',
        owner: 'o',
      },
    ]);
    assert.equal(addressOf({ ...address, InstanceId: 'i-1' })[0]?.instanceId, 'i-1');
  });
});

describe('instances in answers', () => {
  it('has no address while there are zeros, and no public one that is the private one', () => {
    const pending = {
      InstanceId: 'i-1',
      State: { Name: 'pending' as const },
      InstanceType: 'm1.large' as const,
      PublicIpAddress: '0.0.0.0',
      PrivateIpAddress: '0.0.0.0',
      PublicDnsName: '0.0.0.0',
    };
    assert.deepEqual(instanceOf(pending, {}), [{ id: 'i-1', state: 'pending', type: 'm1.large', groups: [] }]);
    const [running] = instanceOf(
      {
        ...pending,
        State: { Name: 'running' },
        PublicIpAddress: '10.0.0.1',
        PrivateIpAddress: '10.0.0.1',
        PublicDnsName: '10.0.0.1',
      },
      {},
    );
    assert.deepEqual(
      [running?.publicIp, running?.privateIp, running?.publicDnsName],
      [undefined, '10.0.0.1', undefined],
    );
    const [reached] = instanceOf(
      {
        ...pending,
        PublicIpAddress: '192.0.2.1',
        PrivateIpAddress: '10.0.0.1',
        PublicDnsName: 'euca-192-0-2-1.eucalyptus.x',
      },
      {},
    );
    assert.deepEqual([reached?.publicIp, reached?.publicDnsName], ['192.0.2.1', 'euca-192-0-2-1.eucalyptus.x']);
  });

  it('has the groups of its reservation where it has none, by what 3.2 calls an id', () => {
    assert.deepEqual(instanceOf({ InstanceId: 'i-1' }, { Groups: [{ GroupId: 'stackato-a' }] })[0]?.groups, [
      'stackato-a',
    ]);
    assert.deepEqual(
      instanceOf(
        { InstanceId: 'i-1', SecurityGroups: [{ GroupId: 'sg-1', GroupName: 'own' }] },
        { Groups: [{ GroupName: 'other' }] },
      )[0]?.groups,
      ['own'],
    );
  });

  it('is gone when buried, and there when its state is not told', () => {
    assert.equal(
      instanceOf({ InstanceId: 'i-1', State: { Name: 'buried' as 'terminated' } }, {})[0]?.state,
      'terminated',
    );
    assert.equal(instanceOf({ InstanceId: 'i-1' }, {})[0]?.state, 'pending');
    assert.deepEqual(instanceOf({}, {}), []);
  });

  it('says why it ended', () => {
    assert.equal(instanceOf({ InstanceId: 'i-1', StateTransitionReason: 'crashed' }, {})[0]?.reason, 'crashed');
    assert.equal(
      instanceOf({ InstanceId: 'i-1', StateReason: { Message: 'no disk' }, StateTransitionReason: 'x' }, {})[0]?.reason,
      'no disk',
    );
    assert.equal('reason' in (instanceOf({ InstanceId: 'i-1', StateTransitionReason: '' }, {})[0] ?? {}), false);
  });
});

describe('what a launch asks for', () => {
  const request = {
    imageId: 'emi-1',
    type: 'm1.large',
    keyName: 'k',
    zone: 'z',
    userData: bytesOf('#!ü'),
    group: { name: 'stackato-a', id: 'sg-1' },
    clientToken: 't',
    owner: 'o',
  };
  const common = {
    ImageId: 'emi-1',
    InstanceType: 'm1.large',
    MinCount: 1,
    MaxCount: 1,
    KeyName: 'k',
    Placement: { AvailabilityZone: 'z' },
    UserData: 'IyHDvA==',
  };

  it('is what each kind binds', () => {
    assert.deepEqual(launchInput({ ...request, group: { name: 'stackato-a' } }, CLOUD_KINDS['eucalyptus-3.2']), {
      ...common,
      SecurityGroups: ['stackato-a'],
    });
    assert.deepEqual(launchInput(request, CLOUD_KINDS['eucalyptus-4.4']), {
      ...common,
      SecurityGroupIds: ['sg-1'],
      ClientToken: 't',
    });
    assert.deepEqual(
      launchInput(request, CLOUD_KINDS['eucalyptus-3.4']),
      launchInput(request, CLOUD_KINDS['eucalyptus-4.4']),
    );
    for (const kind of ['eucalyptus-5.1', 'aws'] as const) {
      assert.deepEqual(launchInput(request, CLOUD_KINDS[kind]), {
        ...common,
        SecurityGroupIds: ['sg-1'],
        ClientToken: 't',
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'stackato-deploy', Value: 'o' }] }],
      });
    }
  });
});

describe('the memory of instance types', () => {
  it('is read out of the zones of 3.2, if they are there', () => {
    const zones = [
      { name: 'PARTI00', state: '192.0.2.9 arn:euca:eucalyptus:PARTI00:cluster:CC_01/' },
      { name: '|- vm types', state: 'free / max   cpu   ram  disk' },
      { name: '|- m1.small', state: '0064 / 0064   1    256     5' },
      { name: '|- c1.xlarge', state: '0008 / 0016   4   4096    60' },
    ];
    assert.deepEqual(
      [...(memoryInZones(zones) ?? [])],
      [
        ['m1.small', 256],
        ['c1.xlarge', 4096],
      ],
    );
    assert.equal(memoryInZones(zones.slice(0, 2)), undefined);
  });

  it('is read out of the list in the form of 4.x, whatever its root is called', () => {
    const item = '<item><name>m1.small</name><cpu>1</cpu><disk>5</disk><memory>256</memory></item>';
    assert.deepEqual(
      [
        ...(memoryInOwnList(
          `<?xml version="1.0"?><Odd xmlns="x"><instanceTypeDetails>${item}</instanceTypeDetails></Odd>`,
        ) ?? []),
      ],
      [['m1.small', 256]],
    );
    assert.equal(memoryInOwnList('<R><instanceTypeDetails/></R>')?.size, 0);
    assert.equal(memoryInOwnList('<R><instanceTypeSet/></R>'), undefined);
  });
});
