import { strict as assert } from 'node:assert';
import { changeLines, dataLosses, impossibleNodeChanges, nodeChanges } from '../../src/client/node-differences';
import { makeOf } from '../../src/deployment/cluster';
import type { NodeFacts, NodeName } from '../../src/deployment/facts';
import type { DeploymentView, NodeRow } from '../../src/deployment/messages';
import type { ClusterSpec, DeploymentSpec, NodeGroup } from '../../src/deployment/spec';
import { specNamed } from '../support/specs';

type Nodes = DeploymentView['nodes'];

const CORE_ROLES = ['primary', 'router', 'controller', 'health_manager', 'stager'];
const dea = (count: number, change: Partial<NodeGroup> = {}): NodeGroup => ({
  name: 'dea',
  roles: ['dea'],
  count,
  instance: { type: 'm1.large' },
  ...change,
});
const data = (change: Partial<NodeGroup> = {}): NodeGroup =>
  dea(1, { name: 'data', roles: ['mysql', 'redis'], ...change });

function specWith(groups: readonly NodeGroup[], cluster: Partial<ClusterSpec> = {}): DeploymentSpec {
  const rollout = { parallel: 5, canary: 1 };
  return specNamed('dev', {
    release: '2.10.6',
    cluster: { coreRoles: CORE_ROLES, groups, rollout, reach: 'core', ...cluster },
  });
}

const row = (node: NodeName, facts: NodeFacts): readonly [NodeName, NodeRow] => [
  node,
  { group: node.replace(/-\d+$/, ''), stage: 'ready', facts },
];

/** As they are once the groups are ready. */
function madeOf(...groups: readonly NodeGroup[]): Nodes {
  const rows = groups.flatMap((group) =>
    Array.from({ length: group.count }, (_, i) =>
      row(`${group.name}-${i + 1}`, { instance: { id: `i-${group.name}${i + 1}` }, made: makeOf(group) }),
    ),
  );
  return Object.fromEntries(rows);
}

const linesOf = (nodes: Nodes, ...groups: readonly NodeGroup[]): readonly string[] =>
  changeLines(nodeChanges(nodes, specWith(groups)));

describe('differences between the nodes that are there and those that are wanted', () => {
  it('14: are exactly those of an edited count', () => {
    assert.deepEqual(linesOf(madeOf(dea(2), data()), dea(5), data()), ['+ dea-3', '+ dea-4', '+ dea-5']);
    assert.deepEqual(linesOf(madeOf(dea(5), data()), dea(1), data()), ['- dea-5', '- dea-4', '- dea-3', '- dea-2']);
    assert.deepEqual(linesOf(madeOf(dea(11)), dea(8)), ['- dea-11', '- dea-10', '- dea-9']);
    assert.deepEqual(linesOf(madeOf(dea(2)), dea(2)), []);
    assert.deepEqual(linesOf({}, dea(2), data()), ['+ dea-1', '+ dea-2', '+ data-1']);
    assert.deepEqual(linesOf(madeOf(dea(1), data()), dea(1)), ['- data-1']);
  });

  it('14: name what nodes must be replaced for', () => {
    const big = { instance: { type: 'm2.xlarge', zone: 'b' } };
    assert.deepEqual(linesOf(madeOf(dea(2), data()), dea(3, big), data({ storage: { containers: { size: 20 } } })), [
      '+ dea-3',
      '~ type of dea: needs replacement',
      '~ zone of dea: needs replacement',
      '~ storage of data: needs replacement',
    ]);
    const { replace, keep } = nodeChanges(madeOf(dea(2), data()), specWith([dea(2), data({ roles: ['mysql'] })]));
    assert.deepEqual([replace, keep], [[{ node: 'data-1', why: ['roles'] }], ['dea-1', 'dea-2']]);
    assert.deepEqual(linesOf(madeOf(data()), data({ roles: ['redis', 'mysql'] })), [], 'the order of roles');
  });

  it('14: a node of which nothing is there is made, one of which something may be there goes on', () => {
    const nodes = Object.fromEntries([
      row('dea-1', {}),
      row('dea-2', { made: makeOf(dea(3, { instance: { type: 'small' } })) }),
      row('dea-3', { made: makeOf(dea(3)), launchRequest: { call: 'RunInstances' } }),
      row('dea-4', {}),
    ]);
    assert.deepEqual(nodeChanges(nodes, specWith([dea(3)])), {
      add: ['dea-1', 'dea-2'],
      remove: [],
      replace: [],
      keep: ['dea-3'],
    });
  });

  it('14: losing data is said of each node with data services that goes, and of one of which its roles are not known', () => {
    const nodes = { ...madeOf(dea(2), data()), ...Object.fromEntries([row('old-1', { instance: { id: 'i-9' } })]) };
    assert.deepEqual(dataLosses(nodes, specWith([dea(1), data({ instance: { type: 'big' } })])), [
      { node: 'data-1', services: ['mysql', 'redis'] },
      { node: 'old-1', services: [] },
    ]);
    assert.deepEqual(dataLosses(madeOf(dea(2), data()), specWith([dea(0), data({ count: 0 })])), [
      { node: 'data-1', services: ['mysql', 'redis'] },
    ]);
    assert.deepEqual(dataLosses(madeOf(dea(2), data()), specWith([dea(9), data()])), []);
  });
});

describe('changes that the nodes of a deployment do not allow', () => {
  const core = { instance: { id: 'i-core' } };
  const before = specWith([dea(2), data()]);
  const nodes = madeOf(dea(2), data());
  const refusals = (after: DeploymentSpec, from = before, has: Nodes = nodes, coreFacts: NodeFacts = core): unknown[] =>
    impossibleNodeChanges(from, after, { site: {}, nodes: { core: coreFacts } }, has).map(
      ({ path, reason, remedy }) => {
        assert.match(reason, /^[A-Z].*\.$/);
        assert.match(remedy, /^[A-Z].*[^.]$/);
        return path;
      },
    );
  const single = (): DeploymentSpec => {
    const { cluster: _, ...spec } = before;
    return spec;
  };

  it('14: an edited group, and another rollout, are none', () => {
    assert.deepEqual(refusals(specWith([dea(5), data({ count: 0 })], { rollout: { parallel: 1, canary: 0 } })), []);
    assert.deepEqual(refusals(specWith([dea(2), data(), dea(1, { name: 'more' })])), []);
  });

  it('14: a core whose address could change is refused, because the nodes know it by that', () => {
    const [change] = impossibleNodeChanges(
      before,
      { ...before, network: { mode: 'dhcp' } },
      { site: {}, nodes: { core } },
      nodes,
    );
    assert.deepEqual(change?.path, 'network.mode');
    assert.match(change.reason, /know the core by its private address/);
    assert.deepEqual(refusals({ ...before, address: { ip: '10.1.1.9' } }), ['address.allocate', 'address.ip']);
    assert.deepEqual(refusals({ ...before, network: { mode: 'dhcp' } }, before, {}), [], 'without nodes');
  });

  it('14: what nodes were made with is fixed, even if the core is gone', () => {
    assert.deepEqual(refusals({ ...before, image: { id: 'emi-87654321' } }, before, nodes, {}), ['image.id']);
    assert.deepEqual(refusals(specWith([dea(2), data()], { reach: 'public' })), ['ssh.reach']);
  });

  it('14: a group of the nodes that was open to the world is not taken for a closed one, even without nodes', () => {
    const [open, closed] = [specWith([dea(0)], { reach: 'public' }), specWith([dea(0)])];
    const changed = (from: DeploymentSpec, to: DeploymentSpec): unknown[] =>
      impossibleNodeChanges(
        from,
        to,
        { site: { nodesGroup: { name: 'stackato-dev-nodes' } }, nodes: { core } },
        {},
      ).map(({ path }) => path);
    assert.deepEqual([changed(open, closed), changed(closed, open)], [['ssh.reach'], []]);
    assert.deepEqual(refusals(closed, open, {}), [], 'there is no group');
  });

  it('14: a single machine becomes a core with all its roles, or none', () => {
    const all = [
      ...CORE_ROLES,
      'dea',
      'filesystem',
      'mongodb',
      'mysql',
      'postgresql',
      'rabbit',
      'redis',
      'memcached',
      'harbor',
    ];
    assert.deepEqual(refusals(specWith([dea(2)]), single(), {}), ['nodes.core.roles']);
    assert.deepEqual(refusals(specWith([dea(2)], { coreRoles: all }), single(), {}), []);
    assert.deepEqual(refusals(specWith([dea(2)]), single(), {}, {}), [], 'nothing is there');
    assert.deepEqual(refusals(specWith([dea(2), data()], { coreRoles: ['primary', 'router', 'controller'] })), [
      'nodes.core.roles',
    ]);
  });

  it('14: nodes cannot be taken out of the spec while anything is left of the cluster', () => {
    assert.deepEqual(refusals(single()), ['nodes']);
    assert.deepEqual(refusals(single(), before, {}), ['nodes']);
    assert.deepEqual(refusals(single(), before, {}, {}), []);
    const site = { nodesGroup: { name: 'stackato-dev-nodes' } };
    assert.equal(impossibleNodeChanges(before, single(), { site, nodes: { core: {} } }, {})[0]?.path, 'nodes');
  });

  it('14: a data service does not move while its node is there', () => {
    const moved = specWith([dea(2), data({ name: 'db' })]);
    assert.deepEqual(refusals(moved), ['nodes.db.roles']);
    assert.deepEqual(refusals(specWith([dea(2)], { coreRoles: [...CORE_ROLES, 'mysql'] })), ['nodes.core.roles']);
    assert.deepEqual(refusals(moved, before, madeOf(dea(2))), []);
    assert.deepEqual(refusals(specWith([dea(2), data({ roles: ['redis'] })])), [], 'in its own group');
  });
});
