/** The whole runbook, on every kind of cloud, with every trap set at once that a correct deployer copes with. */

import assert from 'node:assert/strict';
import { DIALOGUES } from '../../lab/appliance';
import { HARD_KNOBS } from '../../lab/knobs';
import type { Knobs } from '../../lab/knobs';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import type { DeploymentView } from '../../src/deployment/messages';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';

/** The password stays the site's. */
const { password: _, ...TRAPS } = HARD_KNOBS;

const HARD = KINDS.flatMap((kind) =>
  (['static', 'dhcp'] as const).map((mode) => ({ name: `hard-${kind.replace(/\W/g, '')}-${mode}`, kind, mode })),
);

describe('the runbook', function () {
  this.timeout(240_000);
  let site: Site;

  before(async () => {
    site = await Site.open();
    await Promise.all(KINDS.map((kind) => site.worker(kind, kind)));
  });
  after(() => site.close());

  const deployed = async (
    name: string,
    kind: Kind,
    ...rest: [change?: SpecChange, knobs?: Partial<Knobs>]
  ): Promise<DeploymentView> => {
    const deployment = await site.start(site.spec(name, kind, ...rest), kind);
    const { stage, steps } = await deployment.readyOrParked(180_000);
    assert.equal(stage, 'ready', JSON.stringify(Object.values(steps).find(({ error }) => error !== undefined)));
    const { view } = await deployment.result();
    const { historyLength, historySize = Infinity } = await deployment.handle.describe();
    assert.ok(
      historyLength <= 250 && historySize <= 256 * 1024,
      `${name} took ${historyLength} events, ${historySize} bytes`,
    );
    return view;
  };

  // All at once: a deployment mostly waits.
  const hard = new Map<string, Promise<DeploymentView>>();
  before(() => {
    for (const { name, kind, mode } of HARD) hard.set(name, deployed(name, kind, { network: mode }, TRAPS));
    // The test that awaits it reports its failure.
    for (const run of hard.values()) run.catch(() => undefined);
  });

  for (const { name, kind, mode } of HARD) {
    it(`passes on ${kind} with network: ${mode}, every trap set`, async () => {
      const view = await hard.get(name);
      const appliance = await assertOnce(site, name, kind, mode);
      const interfaces = appliance.file('/etc/network/interfaces') ?? '';
      assert.match(interfaces, mode === 'static' ? /iface eth0 inet static/ : /iface eth0 inet dhcp/);
      assert.match(appliance.file('/etc/resolv.conf') ?? '', /^search containers\..*\nnameserver 127\.0\.0\.1\n/);
      assert.equal((appliance.file('/etc/hostname') ?? '').trim().split('.')[0], name);
      assert.equal(view?.facts.site.dns?.target.type, kind === 'aws' ? 'A' : 'CNAME');
    });
  }

  it('copes with every wording and order of the questions', async () => {
    await Promise.all(
      DIALOGUES.map(async (dialogue) => {
        const name = `says-${dialogue}`;
        await deployed(name, 'eucalyptus-4.4', { admin: undefined }, { dialogue });
        await assertOnce(site, name, 'eucalyptus-4.4');
      }),
    );
  });
});
