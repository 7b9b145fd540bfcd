/** Disks in other formats, made by qemu-img. */

import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diskConverter } from '../../src/adapters/qemu-img';
import { openFile, rawSource } from '../../src/image';
import type { Source } from '../../src/image';
import { noise, rejects, shell, sparseFile, tempFolder } from './support';

const MIB = 1024 * 1024;

describe('disks in other formats', function () {
  this.timeout(60_000);
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const converted = (): string => at('converted');

  before(() => {
    folder = tempFolder();
    sparseFile(at('root.raw'), 8 * MIB, { [MIB]: noise(2 * MIB) });
    shell('qemu-img convert -f raw -O qcow2 root.raw root.qcow2', folder);
    shell('qemu-img convert -f raw -O qcow2 -o compat=0.10 root.raw old.qcow2', folder);
    shell('qemu-img convert -f raw -O qcow2 -c root.raw packed.qcow2', folder);
    shell('qemu-img convert -f raw -O vmdk root.raw root.vmdk', folder);
    shell('qemu-img convert -f raw -O vmdk -o subformat=streamOptimized root.raw stream.vmdk', folder);
    shell('qemu-img create -f qcow2 -b root.raw -F raw backed.qcow2', folder);
    shell('qemu-img create -f qcow2 -o data_file=root.data,data_file_raw=on outside.qcow2 8M', folder);
    shell('qemu-img create -f vmdk -b root.vmdk -F vmdk backed.vmdk', folder);
    shell('qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat root.raw flat.vmdk', folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const opened = async (name: string, isFile = true): Promise<Source> =>
    rawSource(await openFile({ path: at(name) }), isFile, diskConverter(converted()));

  for (const name of ['root.qcow2', 'old.qcow2', 'packed.qcow2', 'root.vmdk', 'stream.vmdk'])
    it(`13: ${name} is converted, and the raw file is removed afterwards`, async () => {
      const source = await opened(name);
      const bytes = Buffer.alloc(source.size);
      await source.read(bytes, 0);
      assert.equal(source.path, at(name));
      assert.equal(readdirSync(converted()).length, 1);
      await source.assertUnchanged();
      await source.close();
      assert.ok(bytes.equals(readFileSync(at('root.raw'))));
      assert.deepEqual(readdirSync(converted()), []);
    });

  it('the stamp is that of the disk, so an attempt after another uses its journal', async () => {
    const [first, second] = [await opened('root.qcow2'), await opened('root.qcow2')];
    assert.equal(first.stamp, second.stamp);
    await Promise.all([first.close(), second.close()]);
  });

  it('a raw image is left as it is', async () => {
    const source = await opened('root.raw');
    assert.ok(!existsSync(converted()) || readdirSync(converted()).length === 0);
    await source.close();
  });

  for (const name of ['backed.qcow2', 'outside.qcow2', 'backed.vmdk', 'flat.vmdk'])
    it(`refused, since it would pull in another file: ${name}`, () => rejects(() => opened(name), 'IMAGE_FORMAT'));

  it('refused inside of an archive', () => rejects(() => opened('root.qcow2', false), 'IMAGE_FORMAT'));

  it('a damaged one is refused, and leaves nothing', async () => {
    const bytes = readFileSync(at('root.qcow2'));
    bytes.fill(0xff, 0x10000);
    bytes.fill(0xff, 40, 48);
    writeFileSync(at('damaged.qcow2'), bytes);
    await rejects(() => opened('damaged.qcow2'), 'IMAGE_SOURCE_DAMAGED');
    assert.deepEqual(readdirSync(converted()), []);
  });

  it('13: without qemu-img, the error says how to convert it', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      await assert.rejects(opened('root.qcow2'), {
        code: 'IMAGE_FORMAT',
        message: /qemu-img is not installed here\. Install it .*qemu-img convert -O raw/,
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
