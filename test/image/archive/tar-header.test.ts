import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readTarHeader, tarHeader, tarTrailer } from '../../../src/image/archive/tar-header';
import { sparseFile, tempFolder } from '../support';

const GIB = 1024 ** 3;

describe('tar', () => {
  const folder = tempFolder();
  after(() => rmSync(folder, { recursive: true }));

  const byGnuTar = (name: string): Buffer => {
    const args = [
      '--format=gnu',
      '--mtime=@0',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=0644',
      '-cf',
      '-',
      name,
    ];
    // Only the first block of 8 GiB is needed.
    return execFileSync('bash', ['-c', `tar ${args.join(' ')} 2>/dev/null | head -c 512`], { cwd: folder });
  };

  for (const size of [0, 1, 511, 512, 513, 8 * GIB - 1, 8 * GIB, 30 * GIB]) {
    it(`makes the header that GNU tar makes of ${size} bytes`, () => {
      sparseFile(join(folder, 'stackato'), size);
      const header = tarHeader('stackato', size);
      assert.deepEqual(header, byGnuTar('stackato'));
      assert.deepEqual(readTarHeader(header), { name: 'stackato', size, type: '0' });
    });
  }

  it('takes a name of 99 characters', () => {
    const name = 'n'.repeat(99);
    sparseFile(join(folder, name), 5);
    assert.deepEqual(tarHeader(name, 5), byGnuTar(name));
  });

  it('ends with two blocks of zeros, and nothing else', () => {
    for (const [size, expected] of [
      [0, 1024],
      [1, 1535],
      [511, 1025],
      [512, 1024],
      [513, 1535],
    ] as const) {
      assert.deepEqual(tarTrailer(size), Buffer.alloc(expected), String(size));
    }
  });

  it('refuses what is not a header', () => {
    assert.throws(() => readTarHeader(Buffer.alloc(512, 1)), { code: 'IMAGE_BUNDLE_BROKEN' });
    const bent = tarHeader('stackato', 1);
    bent[0] = 0x53;
    assert.throws(() => readTarHeader(bent), { code: 'IMAGE_BUNDLE_BROKEN' });
  });
});
