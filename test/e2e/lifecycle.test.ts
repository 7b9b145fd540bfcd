/**
 * `up`, `up` again, and `down`: nothing is done twice, nothing is left behind, and nobody else's resources are touched.
 */

import assert from 'node:assert/strict';
import type { CloudInventory, Kind } from '../../lab/types';
import { KINDS } from '../../lab/types';
import { noFacts } from '../../src/deployment/facts';
import type { DeployResult } from '../../src/deployment/messages';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';

describe('a deployment, up and down', function () {
  this.timeout(240_000);
  let site: Site;

  before(async () => {
    site = await Site.open();
    await Promise.all(KINDS.map((kind) => site.worker(kind, kind)));
  });
  after(() => site.close());

  /** Leaves out terminated instances, which stay listed for an hour, as on a real cloud. */
  const state = async (kind: Kind): Promise<CloudInventory & { zone: readonly string[] }> => {
    const { instances, ...rest } = await site.lab.inventory(kind);
    return {
      ...rest,
      instances: instances.filter((instance) => instance.state !== 'terminated'),
      zone: await site.lab.zone(),
    };
  };
  const up = async (
    name: string,
    kind: Kind,
    facts = noFacts(),
    change: Record<string, unknown> = {},
  ): Promise<DeployResult> => {
    const deployment = await site.start(site.spec(name, kind, change), kind, facts);
    await deployment.until(
      'over or parked',
      ({ stage, steps }) => {
        assert.notEqual(stage, 'needs-attention', JSON.stringify(steps));
        return stage === 'ready';
      },
      120_000,
    );
    return deployment.result();
  };

  for (const kind of KINDS) {
    it(`on ${kind}: a second up changes nothing, and down restores cloud and zone`, async () => {
      const name = `cycle-${kind.replace(/\W/g, '')}`;
      await site.lab.nsupdate(`update add neighbour-${name}.stackato.test 300 A 192.0.2.33`);
      const before = await state(kind);
      const first = await up(name, kind);
      assert.equal(first.unchanged, false);
      const deployed = await state(kind);

      const second = await up(name, kind, first.view.facts);
      assert.equal(second.unchanged, true, JSON.stringify(second.view.steps));
      assert.deepEqual(await state(kind), deployed);
      await assertOnce(site, name, kind);

      const spec = site.spec(name, kind);
      const gone = await site.teardown(spec, kind, second.view.facts);
      assert.equal(gone.stage, 'removed');
      assert.ok(gone.undone.length >= 4 && gone.undone.every(({ ok }) => ok), JSON.stringify(gone.undone));
      assert.deepEqual(await state(kind), before);

      const twice = await site.teardown(spec, kind, gone.facts);
      assert.deepEqual([twice.stage, twice.undone], ['removed', []]);
      assert.deepEqual(await state(kind), before);
    });
  }

  it('adopts everything if its facts were lost', async () => {
    const first = await up('amnesia', 'eucalyptus-4.4');
    const before = await state('eucalyptus-4.4');
    const second = await up('amnesia', 'eucalyptus-4.4');
    assert.deepEqual((await state('eucalyptus-4.4')).instances, before.instances);
    assert.equal(second.view.facts.nodes.core.instance?.id, first.view.facts.nodes.core.instance?.id);
  });

  it('refuses a name with somebody else’s records; with dns.replace takes it over, and restores it', async () => {
    await site.lab.nsupdate('update add seeded.stackato.test 3600 A 10.1.1.103');
    const before = await state('eucalyptus-3.2');
    const refused = await site.start(site.spec('seeded', 'eucalyptus-3.2'), 'eucalyptus-3.2');
    const { steps } = await refused.untilStage('needs-attention');
    assert.equal(steps.preflight?.error?.code, 'DNS_FOREIGN');
    assert.match(steps.preflight.error.message, /seeded\.stackato\.test A 10\.1\.1\.103/);
    await refused.say('abort');
    await refused.result();
    assert.deepEqual(await state('eucalyptus-3.2'), before);

    const dns = {
      ...site.spec('seeded', 'eucalyptus-3.2').dns,
      replace: true,
      tsig: { name: site.lab.state.dns.tsig.name, algorithm: 'hmac-sha256', secret: { env: 'SITE_TSIG' } },
    };
    const { view } = await up('seeded', 'eucalyptus-3.2', noFacts(), { dns });
    assert.ok((await site.lab.zone()).some((line) => /^seeded\.stackato\.test\. 600 IN CNAME euca-/.test(line)));
    await site.teardown(site.spec('seeded', 'eucalyptus-3.2', { dns }), 'eucalyptus-3.2', view.facts);
    assert.deepEqual(await state('eucalyptus-3.2'), before);
  });
});
