/**
 * `ssh.hostKey: console`: the host key is known before the first connection, and a different key later stops the
 * deployment.
 */

import assert from 'node:assert/strict';
import { printedHostKeys } from '../../src/machine/host-keys';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'host-key';

describe('the host key from the console', function () {
  this.timeout(240_000);
  let site: Site;
  let change: SpecChange;
  before(async () => {
    site = await Site.open();
    change = { ssh: { port: site.lab.state.ports.ssh, password: { env: 'SITE_SSH_PASSWORD' }, hostKey: 'console' } };
    await site.worker(KIND, QUEUE);
  });
  after(() => site.close());

  it('is pinned, and the deployment ends ready', async () => {
    const deployment = await site.start(site.spec('printed', KIND, change), QUEUE);
    const { facts, steps } = await deployment.readyOrParked(90_000);
    assert.equal(steps.verify?.state, 'done', JSON.stringify(steps));
    assert.deepEqual([facts.nodes.core.hostKey], printedHostKeys(site.appliance('printed').consoleOutput()));
    const [asked] = site.lab.calls(KIND).filter(({ action }) => action === 'GetConsoleOutput');
    assert.equal(asked?.params['InstanceId'], facts.nodes.core.instance?.id);
    await assertOnce(site, 'printed', KIND);
  });

  it('stops the deployment if the machine presents another after its reboot, even one that it prints, too', async () => {
    const deployment = await site.start(site.spec('changed', KIND, change, { newHostKeyAtBoot: true }), QUEUE);
    const { facts, steps } = await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
    assert.deepEqual(
      [steps.connect?.state, steps.reboot?.state, steps.reboot?.error?.code],
      ['done', 'attention', 'SSH_HOST_KEY'],
    );
    const shown = printedHostKeys(site.appliance('changed').consoleOutput());
    assert.notDeepEqual([facts.nodes.core.hostKey], shown);
    assert.ok(
      steps.reboot?.error?.message.includes(
        `shows the host key ${shown[0] ?? '?'}, pinned is ${facts.nodes.core.hostKey ?? '?'}.`,
      ),
      steps.reboot?.error?.message,
    );
  });
});
