/** Peculiarities of the SSH account: those a deployment copes with, and those that must park it. */

import assert from 'node:assert/strict';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'account';

describe('the account on the machine', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
    await site.worker(KIND, QUEUE);
  });
  after(() => site.close());

  it('C12: may have tcsh, rc files that print, a German locale, and a VPN', async () => {
    const knobs = { loginShell: 'tcsh', rcPrints: 'Welcome to the appliance!', locale: 'de_DE.UTF-8', vpn: true };
    const deployment = await site.start(site.spec('peculiar', KIND, {}, knobs), QUEUE);
    const { facts, steps } = await deployment.readyOrParked(120_000);
    assert.equal(steps.verify?.state, 'done', JSON.stringify(steps));
    assert.match(facts.nodes.core.network ?? '', /^eth0 [\d.]+ netmask 255\.255\.255\.0 gateway /);
    assert.deepEqual([typeof facts.nodes.core.hostKey, facts.nodes.core.claiming], ['string', true]);
    await assertOnce(site, 'peculiar', KIND);
  });

  it('C12: must not have an expired password: connect parks at once and says so', async () => {
    const deployment = await site.start(site.spec('expired', KIND, {}, { passwordExpired: true }), QUEUE);
    const { steps } = await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
    assert.equal(steps.connect?.error?.code, 'SSH_PASSWORD_EXPIRED');
    assert.match(steps.connect?.error?.message ?? '', /has expired/);
  });

  it('C12: must not have a full disk: the first command parks, and nothing is started', async () => {
    const deployment = await site.start(site.spec('full', KIND, {}, { disk: 'full' }), QUEUE);
    const parked = await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
    assert.equal(parked.steps['static-ip']?.error?.code, 'MACHINE_DISK');
    assert.match(parked.steps['static-ip']?.error?.message ?? '', /No space left on device/);
    assert.deepEqual(
      site
        .appliance('full')
        .invocations()
        .filter(({ args }) => args.includes('static_ip')),
      [],
    );
  });
});
