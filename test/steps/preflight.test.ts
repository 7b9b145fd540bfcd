import assert from 'node:assert/strict';
import { findProblems } from '../../src/steps/preflight';
import type { Cloud } from '../../src/steps/ports';
import type { Finding } from '../../src/deployment/messages';
import type { Known } from '../../src/deployment/facts';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { clusterNamed, specNamed } from '../support/specs';
import { ClusterCloud, NODES_GROUP, OWNER } from './cluster-cloud';
import { dependencies } from './support';

describe('preflight', () => {
  const typeOf = async (release: string, memory = 4_096): Promise<Finding | undefined> => {
    const cloud: Partial<Cloud> = {
      checkAccess: () => Promise.resolve(),
      imageExists: () => Promise.resolve(true),
      typeMemory: () => Promise.resolve(memory),
      listAddresses: () => Promise.resolve([]),
      findGroup: () => Promise.resolve(undefined),
    };
    const deps = dependencies({
      clouds: { open: () => Promise.resolve(cloud as Cloud), store: () => Promise.reject(new Error('none')) },
    });
    const spec = { ...specNamed('dev'), release: release as '2.6.6' };
    return (await findProblems(deps, { spec })).find(({ check }) => check === 'instance type');
  };

  it('says so where this worker does not know the release, as one that is older than the client', async () => {
    const finding = await typeOf('9.9.9');
    assert.deepEqual([finding?.ok, finding?.code], [false, 'RELEASE_UNKNOWN']);
  });

  it('13: asks for the memory that the release needs, and tells what it uses without a licence key', async () => {
    const cases: readonly (readonly [release: string, memory: number, message: RegExp, code?: string])[] = [
      ['2.6.6', 2047, /2\.6\.6 does not work reliably with less than 2048/, 'TYPE_TOO_SMALL'],
      ['2.6.6', 2048, /^m1\.large has 2048 MiB$/],
      ['3.2.1', 8192, /^m1\.large has 8192 MiB$/],
      ['3.4.2', 2048, /3\.4\.2 does not work reliably with less than 3840/, 'TYPE_TOO_SMALL'],
      ['3.4.2', 3840, /^m1\.large has 3840 MiB$/],
      ['3.6.2', 8192, /uses 4096 of them without a licence key/],
    ];
    for (const [release, memory, message, code] of cases) {
      const finding = await typeOf(release, memory);
      assert.equal(finding?.code, code, release);
      assert.match(finding?.message ?? '', message);
    }
  });
});

describe('preflight of a cluster', () => {
  const large = { type: 'm1.large' };
  const spec = (change: Partial<DeploymentSpec> = {}): DeploymentSpec =>
    clusterNamed(
      'dev',
      [
        { name: 'dea', count: 3 },
        { name: 'data', count: 1, instance: { type: 'm1.xlarge', zone: 'two', keyName: 'other' } },
      ],
      { instance: { ...large, keyName: 'mine' }, ...change },
    );
  const findingsOf = async (
    cloud: ClusterCloud,
    more: Partial<Cloud> = {},
    of: DeploymentSpec = spec(),
    known: Known = {},
  ): Promise<ReadonlyMap<string, Finding>> => {
    const rest: Partial<Cloud> = {
      checkAccess: () => Promise.resolve(),
      imageExists: () => Promise.resolve(true),
      keyPairExists: () => Promise.resolve(true),
      typeMemory: () => Promise.resolve(4_096),
      ...more,
    };
    const opened = await cloud.deps.clouds.open(of.cloud);
    const deps = dependencies({
      clouds: { open: () => Promise.resolve({ ...opened, ...rest }), store: () => Promise.reject(new Error('none')) },
    });
    return new Map((await findProblems(deps, { spec: of, known })).map((finding) => [finding.check, finding]));
  };
  const failed = (findings: ReadonlyMap<string, Finding>): readonly unknown[] =>
    [...findings.values()]
      .filter(({ ok, check }) => !ok && !check.startsWith('DNS'))
      .map(({ check, code }) => [check, code]);

  it('14: asks for the type and the key pair of each group', async () => {
    const findings = await findingsOf(new ClusterCloud('at once'), {
      typeMemory: (type) => Promise.resolve(type === 'm1.xlarge' ? 1_024 : 4_096),
      keyPairExists: (name) => Promise.resolve(name === 'mine'),
    });
    assert.deepEqual(failed(findings), [
      ['key pair other', 'KEY_PAIR_NOT_FOUND'],
      ['instance type of data', 'TYPE_TOO_SMALL'],
    ]);
    assert.ok(findings.has('instance type of the core') && findings.has('instance type of dea'));
  });

  it('14: a group that does not fit is told of before anything is made, with what is needed and what is free', async () => {
    const cloud = new ClusterCloud('at once');
    const row = (zone: string, type: string, free: number) => ({ zone, type, free });
    cloud.room = {
      capacity: [
        row('one', 'm1.large', 1),
        row('two', 'm1.large', 2),
        row('one', 'm1.xlarge', 5),
        row('two', 'm1.xlarge', 0),
      ],
    };
    const finding = (await findingsOf(cloud)).get('room for instances');
    assert.equal(finding?.code, 'QUOTA_TOO_LOW');
    assert.equal(
      finding.message,
      'The cloud has no room for the nodes: 1 m1.xlarge in two needed, 0 free; 4 m1.large needed, 3 free.',
    );
    cloud.room = { capacity: [row('one', 'm1.large', 4), row('two', 'm1.xlarge', 1)] };
    assert.equal((await findingsOf(cloud)).get('room for instances')?.ok, true);
    cloud.room = {};
    assert.match((await findingsOf(cloud)).get('room for instances')?.message ?? '', /does not tell this account/);
  });

  for (const tags of ['at once', 'none'] as const) {
    it(`14: machines that exist need no room (tags ${tags})`, async () => {
      const cloud = new ClusterCloud(tags);
      cloud.room = {
        capacity: [
          { zone: 'two', type: 'm1.large', free: 0 },
          { zone: 'two', type: 'm1.xlarge', free: 0 },
        ],
      };
      cloud.account.groups.set(NODES_GROUP, {
        name: NODES_GROUP,
        description: `${OWNER}/nodes`,
        rules: [],
        key: NODES_GROUP,
        letsIn: [],
      });
      const owner = (node: string) => (tags === 'none' ? {} : { owner: `${OWNER}/${node}` });
      cloud.add({ groups: ['stackato-dev'] });
      cloud.add(owner('dea-1'));
      cloud.add(owner('dea-3'));
      cloud.add({ ...owner('data-1'), type: 'm1.xlarge', zone: 'two' });
      const { id } = cloud.add(owner('dea-2'));
      assert.equal((await findingsOf(cloud)).get('room for instances')?.message, 'no instance is missing');
      cloud.turn(id, { state: 'terminated' });
      assert.match(
        (await findingsOf(cloud)).get('room for instances')?.message ?? '',
        /: 1 m1\.large needed, 0 free\.$/,
      );
    });
  }

  it('14: an address beyond the quota is told of, unless there is one already', async () => {
    const cloud = new ClusterCloud('at once');
    cloud.room = { addresses: 0 };
    const name = 'quota of addresses';
    assert.equal((await findingsOf(cloud)).get(name)?.code, 'QUOTA_TOO_LOW');
    const known = { address: { publicIp: '192.0.2.1', allocated: true } };
    assert.equal((await findingsOf(cloud, {}, spec(), known)).get(name)?.ok, true);
    assert.equal((await findingsOf(cloud, {}, spec({ address: { ip: '192.0.2.1' } }))).get(name)?.ok, true);
    cloud.account.stranger('192.0.2.1', { owner: OWNER });
    assert.equal((await findingsOf(cloud)).get(name)?.ok, true);
  });

  it("14: a stranger's group with the name of the nodes' is told of", async () => {
    const cloud = new ClusterCloud('at once');
    cloud.account.groups.set(NODES_GROUP, { name: NODES_GROUP, description: 'x', rules: [], key: 'x', letsIn: [] });
    assert.equal((await findingsOf(cloud)).get('security group of the nodes')?.code, 'GROUP_FOREIGN');
  });
});
