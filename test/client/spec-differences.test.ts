import { strict as assert } from 'node:assert';
import { impossibleChanges, resourceNames, specDifferences } from '../../src/client/spec-differences';
import { digestOf } from '../../src/temporal/memo';
import { specNamed } from '../support/specs';

describe('differences between two specs', () => {
  const spec = specNamed('dev');
  const there = {
    instance: { id: 'i-1' },
    address: { publicIp: '10.1.1.103', allocated: true },
    dns: { target: { type: 'A', value: '10.1.1.103', from: 'address' }, replaced: [] },
  } as const;

  it('are paths, never values', () => {
    const other = specNamed('dev', {
      image: { id: 'emi-87654321' },
      dns: { ...spec.dns, ttl: 5 },
      access: { ssh: ['10.0.0.0/8'], console: ['0.0.0.0/0'] },
    });
    assert.deepEqual(specDifferences(spec, other), ['image.id', 'dns.ttl', 'access.ssh']);
    assert.deepEqual(specDifferences(spec, specNamed('dev')), []);
  });

  it('an added or a removed section is one', () => {
    const { admin: _, ...lean } = spec;
    assert.deepEqual([specDifferences(spec, lean), specDifferences(lean, spec)], [['admin'], ['admin']]);
  });

  it('14: of nodes have the words of the file', () => {
    const group = { name: 'dea', roles: ['dea'], count: 2, instance: { type: 'm1.large' } };
    const cluster = {
      coreRoles: ['router'],
      groups: [group],
      rollout: { parallel: 5, canary: 1 },
      reach: 'core',
    } as const;
    const nodes = { ...spec, cluster };
    const changed = { ...group, count: 3, instance: { type: 'm1.large', keyName: 'ops' } };
    const other = {
      ...cluster,
      coreRoles: ['router', 'dea'],
      groups: [changed, { ...group, name: 'more' }],
      rollout: { parallel: 9, canary: 1 },
      reach: 'public',
    } as const;
    assert.deepEqual(specDifferences(nodes, { ...spec, cluster: other }), [
      'ssh.reach',
      'nodes.core.roles',
      'nodes.dea.count',
      'nodes.dea.key',
      'nodes.more',
      'rollout.parallel',
    ]);
    assert.deepEqual([specDifferences(spec, nodes), specDifferences(nodes, spec)], [['nodes'], ['nodes']]);
  });

  it('only clash where something stands on them', () => {
    const other = specNamed('dev', {
      image: { id: 'emi-87654321' },
      dns: { ...spec.dns, name: 'other.stackato.test', ttl: 5 },
      cloud: { ...spec.cloud, region: 'elsewhere' },
    });
    assert.deepEqual(impossibleChanges(spec, other, there), ['cloud.region', 'image.id', 'dns.name']);
    assert.deepEqual(impossibleChanges(spec, other, { dns: there.dns }), ['dns.name']);
    assert.deepEqual(impossibleChanges(spec, other, { account: 'known', hostKey: 'SHA256:x' }), []);
    assert.deepEqual(resourceNames(there), ['instance', 'address', 'dns']);
    const bigger = { ...spec, storage: { containers: { size: 40 } } };
    const volume = { id: 'vol-1', size: 20, made: true };
    assert.deepEqual(impossibleChanges(spec, bigger, { volume }), ['storage']);
    assert.deepEqual(impossibleChanges(spec, bigger, { volume: { ...volume, made: false } }), []);
  });

  it('the digest does not see the order of keys', () => {
    assert.equal(digestOf(spec), digestOf(Object.fromEntries(Object.entries(spec).reverse()) as typeof spec));
    assert.notEqual(digestOf(spec), digestOf(specNamed('dev', { release: '2.6.7' })));
  });
});
