/**
 * The Temporal server is killed in the middle of a deployment and restarted: the deployment ends as if nothing had
 * happened.
 */

import assert from 'node:assert/strict';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';

const KIND = 'aws';

describe('a kill of the Temporal server', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  it('does no harm, neither while a command runs nor while the machine reboots', async () => {
    await site.worker(KIND, KIND);
    const deployment = await site.start(site.spec('server', KIND, {}, { katoTakes: 2_000, downFor: 2_000 }), KIND);
    for (const step of ['rename', 'reboot'] as const) {
      await deployment.until(`${step} runs`, ({ steps }) => steps[step]?.state === 'running', 60_000);
      await site.lab.killTemporal();
      await site.lab.startTemporal();
    }
    const view = await deployment.readyOrParked(120_000);
    assert.equal(view.stage, 'ready', JSON.stringify(view.steps));
    await deployment.result();
    await assertOnce(site, 'server', KIND);
  });
});
