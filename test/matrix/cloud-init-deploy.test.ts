/** Whole deployments of images with cloud-init, on every cloud kind. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { KINDS } from '../../lab/types';
import { changingCommands, expectedCommands } from '../support/once';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';

const PASSWORD = 'cloud-init-Pw7';

describe('a deployment of an image with cloud-init', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  const change = (kind: (typeof KINDS)[number], more: Record<string, unknown> = {}): SpecChange => ({
    image: { id: site.lab.cloud(kind).imageId, cloudInit: true },
    instance: { type: 'm1.large', ...more },
  });

  for (const kind of KINDS) {
    it(`13: ends ready on ${kind}, with a first boot that changes name, password and host key; nothing is done again`, async () => {
      const name = `ci-${kind.replaceAll(/\W/g, '')}`;
      const file = join(site.dir, `${name}.user-data.gz`);
      // Too big unless it is gzipped.
      const own = `#cloud-config\n${'# a comment of ours\n'.repeat(1_000)}stackato:\n  extname: ${name}.${site.lab.state.dns.zone}\n`;
      writeFileSync(file, gzipSync(own));
      const more = { userData: { file }, cloudInit: { passwords: true } };
      const queue = `ci-${kind}`;
      await site.worker(kind, queue, { SITE_SSH_PASSWORD: PASSWORD });
      const deployment = await site.start(
        site.spec(name, kind, change(kind, more), {
          password: 'stackato',
          cloudInit: true,
          cloudInitTakes: 2_500,
          cloudInitHostKey: 'new',
        }),
        queue,
      );
      const { facts, steps } = await deployment.readyOrParked(120_000);
      assert.equal(steps.verify?.state, 'done', JSON.stringify(steps));
      assert.deepEqual(
        [steps['cloud-init']?.state, steps['cloud-init']?.note, steps.rename?.state],
        ['done', 'first boot is over', 'unchanged'],
      );
      assert.equal(facts.nodes.core.firstBootOver, facts.nodes.core.instance?.id);
      const machine = site.appliance(name);
      assert.deepEqual(
        changingCommands(machine.invocations()),
        expectedCommands(name, site.lab.state.dns.zone).filter((command) => !command.startsWith('rename')),
      );
      assert.equal(machine.boots(), 2);
      // What the cloud was sent is what the machine was given.
      const sent = site.lab
        .calls(kind)
        .findLast(({ action, params }) => action === 'RunInstances' && params['UserData']);
      const served = Buffer.from(machine.file('/var/lib/cloud/instance/user-data.txt') ?? '', 'latin1');
      assert.equal(sent?.params['UserData'], served.toString('base64'));
      const plain = gunzipSync(served).toString();
      assert.ok(plain.includes(own) && plain.includes(`list: "stackato:${PASSWORD}\\n"`));
      // Neither the worker's log nor the history has the password that was set.
      assert.ok(!readFileSync(join(site.dir, `worker-${queue.replace(/\W/g, '-')}.log`), 'utf8').includes(PASSWORD));
    });
  }

  it('13: with a first boot that half works ends ready, the ordinary steps having done the rest', async () => {
    const kind = 'eucalyptus-3.2';
    const file = join(site.dir, 'half.user-data');
    writeFileSync(file, `#cloud-config\nstackato:\n  extname: ci-half.${site.lab.state.dns.zone}\n`);
    const spec = site.spec('ci-half', kind, change(kind, { userData: { file } }), {
      cloudInit: true,
      cloudInitFails: 'rename',
    });
    await site.worker(kind, 'ci-half');
    const deployment = await site.start(spec, 'ci-half');
    const { steps } = await deployment.readyOrParked(120_000);
    assert.equal(steps.verify?.state, 'done', JSON.stringify(steps));
    assert.match(steps['cloud-init']?.note ?? '', /^first boot is over; failed: the module stackato/);
    assert.equal(steps.rename?.state, 'done');
  });

  it('13: with a failure that no step makes up for parks at cloud-init, and can be skipped', async () => {
    const kind = 'eucalyptus-3.2';
    const file = join(site.dir, 'parked.user-data');
    writeFileSync(file, '#!/bin/sh\nfalse\n');
    const spec = site.spec('ci-parked', kind, change(kind, { userData: { file } }), {
      cloudInit: true,
      cloudInitFails: 'script',
    });
    await site.worker(kind, 'ci-parked');
    const deployment = await site.start(spec, 'ci-parked');
    const { steps } = await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
    assert.equal(steps['cloud-init']?.error?.code, 'CLOUD_INIT_FAILED');
    await deployment.say('skip', { step: 'cloud-init' });
    const after = await deployment.until('ready', ({ stage }) => stage === 'ready', 120_000);
    assert.equal(after.steps['cloud-init']?.state, 'skipped');
  });
});
