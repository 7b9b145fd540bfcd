/** Packed by the command, served by Python's web server, and installed on every kind of cloud, byte for byte. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import { Cli, cli } from '../cli/cli';
import { shell } from '../image/support';
import { packAndServe } from '../support/image-store';
import { Site } from '../support/site';
import type { WebServer } from '../support/web-server';

const MIB = 1024 * 1024;
const BUILT = [process.execPath, 'bin/stackato-deploy.cjs'] as const;

describe('an image server', function () {
  this.timeout(600_000);
  let site: Site;
  let server: WebServer;
  const files = { kernel: '', ramdisk: '', root: '' };
  const store = (): string => join(site.dir, 'store');

  before(async () => {
    site = await Site.open({ kernelRights: true });
    for (const what of ['kernel', 'ramdisk', 'root'] as const) files[what] = join(site.dir, `${what}.img`);
    writeFileSync(files.kernel, randomBytes(200_000));
    writeFileSync(files.ramdisk, randomBytes(300_001));
    writeFileSync(files.root, Buffer.concat([randomBytes(12 * MIB), Buffer.alloc(40 * MIB), randomBytes(5)]));
    // From the spec of one cloud …
    const image = { ...site.imageFrom('stackato-small', 'eucalyptus-3.2', files), cloudInit: true };
    server = await packAndServe(site, 'eucalyptus-3.2', { image }, store());
    await Promise.all(KINDS.map((kind) => site.worker(kind, kind)));
  });
  after(async () => {
    await server.stop();
    await site.close();
  });

  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const idsOf = (kind: Kind, name: string): Record<string, string> =>
    Object.fromEntries(
      site.lab
        .images(kind)
        .filter((image) => image.name?.startsWith(name))
        .map(({ name: called, id }) => [called, id]),
    );

  it('lists what it has', async () => {
    const { stdout } = await cli(['image', 'list', server.url, '--json']);
    const { images } = JSON.parse(stdout) as {
      images: { url: string; release: string; sha256: string; 'cloud-init': boolean }[];
    };
    assert.deepEqual(
      images.map((image) => [image.url, image.release, image.sha256, image['cloud-init']]),
      [['stackato-small.tar.gz', '2.6.6', sha256(join(store(), 'stackato-small.tar.gz')), true]],
    );
    assert.match((await cli(['image', 'list', server.url])).stdout, /stackato-small .* 2\.6\.6 .* SHA-256/);
  });

  for (const kind of KINDS)
    it(`13: packed here, installed on ${kind}, byte for byte the same`, async () => {
      const name = 'from-store';
      const image = {
        ...site.imageFrom(name, kind, files),
        kernel: undefined,
        ramdisk: undefined,
        root: undefined,
        catalog: server.url,
        entry: '2.6.6',
      };
      // … to each of the others.
      const spec = site.specFile(`to-${kind.replace(/\W/g, '')}`, kind, { image: JSON.parse(JSON.stringify(image)) });
      const { code, stdout, stderr } = await new Cli(
        ['image', 'publish', spec],
        site.env(kind, { STACKATO_DEPLOY_TASK_QUEUE: kind }),
        BUILT,
      ).ended;
      assert.equal(code, 0, `${stdout}${stderr}`);
      const ids = idsOf(kind, name);
      const digests = await Promise.all(
        [`${name}-kernel`, `${name}-ramdisk`, name].map(
          async (each) => (await site.lab.image(kind, ids[each] ?? '')).sha256,
        ),
      );
      assert.deepEqual(digests, [files.kernel, files.ramdisk, files.root].map(sha256));
    });

  it('no copy of the archive or of the root image is left', () => {
    const left = shell(`find ${join(site.dir, 'state')} -type f -size +1M`, site.dir);
    assert.equal(left, '');
  });
});
