import assert from 'node:assert/strict';
import { packingOf } from '../../src/image';

describe('the packing of a file, by its name', () => {
  const known = {
    raw: ['stackato.img', 'root', 'vmlinuz-3.2.0', 'image.raw', '/srv/a.zip/disk.img'],
    gz: ['stackato.img.gz', 'A.GZ'],
    xz: ['stackato.img.xz'],
    zip: ['stackato-v2.6.6.zip', '/srv/Stackato.ZIP'],
    'tar.gz': ['stackato.tar.gz', 'stackato.tgz'],
  };
  for (const [packing, names] of Object.entries(known))
    it(`is ${packing} for ${names.join(', ')}`, () => names.forEach((name) => assert.equal(packingOf(name), packing)));

  it('is not looked into where a kernel or ramdisk is booted as it is', () => {
    assert.deepEqual(
      ['initrd.gz', 'vmlinux.xz', 'boot.zip', 'boot.tar.gz'].map((name) => packingOf(name, 'ramdisk')),
      ['raw', 'raw', 'zip', 'tar.gz'],
    );
    assert.equal(packingOf('vmlinuz.gz', 'kernel'), 'raw');
  });

  for (const name of [
    'disk.vmdk',
    'disk.qcow2',
    'a.tar',
    'a.tar.bz2',
    'a.tar.xz',
    'a.txz',
    'a.tbz2',
    'a.7z',
    'a.ova',
  ]) {
    it(`refuses ${name}, which would be bundled as something that nothing can boot`, () =>
      assert.throws(() => packingOf(name), { code: 'IMAGE_FORMAT' }));
  }
});
