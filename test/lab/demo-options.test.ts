import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { changedExample, demoOptions } from '../../lab/demo-options';

const EXAMPLE = readFileSync(join(__dirname, '../../examples/stackato-2.6.6.yaml'), 'utf8');

describe('npm start', () => {
  const specFor = (...args: string[]): { name: string; spec: Record<string, unknown> } => {
    const changed = changedExample(EXAMPLE, demoOptions(args));
    assert.ok(changed !== undefined);
    return { name: changed.name, spec: parse(changed.text) as Record<string, unknown> };
  };

  it('deploys the example as it is, without options', () => {
    assert.deepEqual(demoOptions([]), {
      exit: false,
      vm: false,
      kvm: false,
      cloudInit: false,
      cluster: false,
      release: '2.6.6',
    });
    assert.equal(changedExample(EXAMPLE, demoOptions(['--exit'])), undefined);
  });

  it('14: --cluster deploys a core, two DEAs and a node for the data services, of 2.10.6 or another release', () => {
    const { name, spec } = specFor('--cluster', '--exit');
    assert.deepEqual([name, spec['release']], ['stackato-2.10.6-cluster.yaml', '2.10.6']);
    assert.deepEqual(spec['nodes'], {
      dea: { roles: ['dea'], count: 2 },
      data: { roles: ['data-services'], count: 1 },
    });
    assert.deepEqual(spec['rollout'], { parallel: 5, canary: 1 });
    const { nodes: _nodes, rollout: _rollout, ...rest } = spec;
    assert.deepEqual(rest, parse(EXAMPLE.replaceAll('2.6.6', '2.10.6')), 'everything else as in the example');
    assert.deepEqual(specFor('--cluster', '--release', '3.4.2').spec['release'], '3.4.2');
    assert.equal(specFor('--cluster', '--release', '2.6.6').name, 'stackato-2.6.6-cluster.yaml');
  });

  it('combines a release with cloud-init', () => {
    const { name, spec } = specFor('--release', '3.4.2', '--cloud-init');
    assert.equal(name, 'stackato-3.4.2-cloud-init.yaml');
    assert.deepEqual([spec['release'], (spec['image'] as { cloudInit: boolean }).cloudInit], ['3.4.2', true]);
  });

  it('refuses options that it does not know, and a cluster of real machines', () => {
    assert.throws(() => demoOptions(['--clusters']), /--clusters/);
    assert.throws(() => demoOptions(['--cluster', '--vm']), /does not go with --vm/);
  });
});
