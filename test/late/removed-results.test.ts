/**
 * The result of an earlier step is removed while a later one runs: the deployment names it, and `resume --from`
 * restores it.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DisassociateAddressCommand, EC2Client, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import type { DeploymentView } from '../../src/deployment/messages';
import type { StepId } from '../../src/deployment/steps';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'removed-results';

describe('a result that somebody removed', function () {
  this.timeout(240_000);
  let site: Site;
  let ec2: EC2Client;

  before(async () => {
    site = await Site.open();
    await site.worker(KIND, QUEUE);
    const { endpoint, region, accessKey, secretKey } = site.lab.cloud(KIND);
    ec2 = new EC2Client({ endpoint, region, credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } });
  });
  after(async () => {
    ec2.destroy();
    await site.close();
  });

  const REMOVALS: readonly { step: StepId; says: RegExp; remove: (ip: string) => Promise<unknown> }[] = [
    {
      step: 'associate',
      says: /is associated with no instance/,
      remove: (ip) => ec2.send(new DisassociateAddressCommand({ PublicIp: ip })),
    },
    { step: 'open-console', says: /no longer opens tcp \d+/, remove: () => revoke(site.lab.state.ports.http) },
    { step: 'security-group', says: /no longer opens tcp \d+/, remove: () => revoke(site.lab.state.ports.ssh) },
    { step: 'dns', says: /does not lead/, remove: () => site.lab.nsupdate('update delete lost.stackato.test CNAME') },
  ];
  const revoke = (port: number): Promise<unknown> =>
    ec2.send(
      new RevokeSecurityGroupIngressCommand({
        GroupName: 'stackato-lost',
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
      }),
    );

  it('17b: the earlier step is named, and the deployment resumes from it', async () => {
    const timing = { poll: '500ms', rebootWait: '1s', deadline: { console: '2s' } };
    // `verify` waits for a console that never comes up, so it parks, whatever else is wrong.
    const deployment = await site.start(
      site.spec('lost', KIND, { admin: undefined, timing }, { consoleDelay: -1 }),
      QUEUE,
    );
    const verifyParked = (since = 0): Promise<DeploymentView> =>
      deployment.until(
        'verify is parked',
        ({ steps: { verify } }) => verify?.state === 'attention' && (verify.endedAt ?? 0) > since,
        90_000,
      );
    let { facts, steps } = await verifyParked();
    assert.equal(steps.verify?.error?.from, undefined, 'while nothing was removed, nothing is named');
    for (const { step, says, remove } of REMOVALS) {
      await remove(facts.site.address?.publicIp ?? '');
      const before = steps.verify?.endedAt;
      await deployment.say('resume');
      await verifyParked(before);
      const named = await deployment.until(`${step} is named`, (view) => view.steps.verify?.error?.from !== undefined);
      assert.equal(named.steps.verify?.error?.from, step);
      assert.match(named.steps.verify.error.message, says);
      await deployment.say('resume', { from: step });
      ({ facts, steps } = await verifyParked(named.steps.verify.endedAt));
    }
    site.appliance('lost').setKnobs({ consoleDelay: 0 });
    await deployment.say('resume');
    assert.equal((await deployment.result()).stage, 'ready');
    await assertOnce(site, 'lost', KIND);
  });

  it('6c: a pending reboot is done, though the run that needs it was terminated and the next one changed nothing', async () => {
    const first = await site.start(site.spec('pending', KIND), QUEUE);
    const { view } = await first.result();
    const machine = site.appliance('pending');
    const boots = machine.boots();
    // Somebody restores the old file on the running machine.
    writeFileSync(
      join(machine.dir, 'root/etc/network/interfaces'),
      'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n',
    );
    const second = await site.start(site.spec('pending', KIND), QUEUE, view.facts);
    await second.until('static-ip is under way', ({ steps }) => steps['static-ip']?.state === 'running', 60_000, 20);
    await second.say('pause');
    const { facts } = await second.untilStage('paused');
    await second.handle.terminate('from outside');
    const third = await site.start(site.spec('pending', KIND), QUEUE, facts);
    const done = await third.result();
    assert.equal(done.view.steps['static-ip']?.state, 'unchanged');
    assert.equal(done.view.steps.reboot?.state, 'done');
    assert.equal(machine.boots(), boots + 1);
    // And only once.
    const fourth = await (await site.start(site.spec('pending', KIND), QUEUE, done.view.facts)).result();
    assert.equal(fourth.unchanged, true);
    assert.equal(machine.boots(), boots + 1);
  });
});
