/**
 * On every kind of cloud, kernel, ramdisk and root image are published from files, and the deployment runs from them.
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import type { DeploymentView } from '../../src/deployment/messages';
import { Site } from '../support/site';

const MIB = 1_048_576;

describe('a deployment from image files', function () {
  this.timeout(300_000);
  let site: Site;
  const files = { kernel: '', ramdisk: '', root: '' };
  const runs = new Map<Kind, Promise<DeploymentView>>();

  const deployed = async (name: string, kind: Kind, image = 'stackato-small'): Promise<DeploymentView> => {
    const { signing } = site.lab.cloud(kind);
    const spec = site.spec(name, kind, {
      image: {
        name: image,
        bucket: 'stackato-images',
        ...files,
        signing: { ...signing, privateKey: { file: signing.privateKey } },
      },
    });
    const deployment = await site.start(spec, kind);
    const view = await deployment.readyOrParked(250_000);
    assert.equal(view.stage, 'ready', JSON.stringify(view.steps));
    return (await deployment.result()).view;
  };

  before(async () => {
    site = await Site.open({ kernelRights: true });
    for (const what of ['kernel', 'ramdisk', 'root'] as const) files[what] = join(site.dir, `${what}.img`);
    writeFileSync(files.kernel, randomBytes(200_000));
    writeFileSync(files.ramdisk, randomBytes(300_001));
    // Three parts of a bundle; most of the file is a hole.
    const root = openSync(files.root, 'w');
    writeSync(root, randomBytes(22 * MIB));
    ftruncateSync(root, 80 * MIB);
    closeSync(root);
    await Promise.all(KINDS.map((kind) => site.worker(kind, kind)));
    // All at once: a deployment mostly waits. The test that awaits one reports its failure.
    for (const kind of KINDS) runs.set(kind, deployed(`files-${kind.replace(/\W/g, '')}`, kind));
    for (const run of runs.values()) run.catch(() => undefined);
  });
  after(() => site.close());

  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const puts = (kind: Kind): number => site.lab.storeCalls(kind).filter(({ action }) => action === 'PutObject').length;

  for (const kind of KINDS) {
    it(`on ${kind}`, async () => {
      const { facts } = (await runs.get(kind))!;
      const { id = '', kernelId = '', ramdiskId = '' } = facts.site.image ?? {};
      const unbundled = await site.lab.image(kind, id);
      assert.equal(unbundled.sha256, sha256(files.root));
      assert.deepEqual([unbundled.kernelId, unbundled.ramdiskId], [kernelId, ramdiskId]);
      assert.equal((await site.lab.image(kind, kernelId)).sha256, sha256(files.kernel));
      assert.equal((await site.lab.image(kind, ramdiskId)).sha256, sha256(files.ramdisk));
      assert.equal(site.lab.images(kind).length, 3);
    });
  }

  it('publishes once for twenty deployments at the same time, on 3.2, too', async () => {
    const kind = 'eucalyptus-3.2';
    const before = puts(kind);
    const views = await Promise.all(Array.from({ length: 20 }, (_, i) => deployed(`many-${i}`, kind, 'stackato-many')));
    assert.equal(new Set(views.map(({ facts }) => facts.site.image?.id)).size, 1);
    assert.equal(site.lab.images(kind).length, 6, 'three from the first test, three from this one');
    assert.equal(puts(kind), 2 * before, 'each part was uploaded once');
  });
});
