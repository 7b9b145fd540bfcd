import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCK_SIZE } from '../../../src/image/blocks';
import { compressorName, crcOf, gzipMember, zeroMember } from '../../../src/image/bundle/gzip';
import { noise, shell, tempFolder, words } from '../support';

describe('gzip', () => {
  const folder = tempFolder();
  after(() => rmSync(folder, { recursive: true }));

  it('makes members that gzip reads as one stream', async () => {
    const blocks = [words(BLOCK_SIZE), Buffer.alloc(BLOCK_SIZE), noise(BLOCK_SIZE), Buffer.alloc(1)];
    const members = [await gzipMember(blocks[0]!), zeroMember(BLOCK_SIZE), await gzipMember(blocks[2]!), zeroMember(1)];
    writeFileSync(join(folder, 'plain'), Buffer.concat(blocks));
    writeFileSync(join(folder, 'members.gz'), Buffer.concat(members));
    shell('gzip -dc members.gz | cmp - plain', folder);
  });

  it('makes the same member of the same bytes, without a time', async () => {
    const [first, second] = [await gzipMember(words(100_000)), await gzipMember(words(100_000))];
    assert.deepEqual(first, second);
    assert.deepEqual(first.subarray(4, 8), Buffer.alloc(4));
  });

  it('makes a member of zeros only once', () => {
    assert.equal(zeroMember(BLOCK_SIZE), zeroMember(BLOCK_SIZE));
    assert.ok(zeroMember(BLOCK_SIZE).length < BLOCK_SIZE / 900);
  });

  it('reads the checksum that gzip lists', async () => {
    const member = await gzipMember(words(5000));
    writeFileSync(join(folder, 'one.gz'), member);
    assert.equal(
      crcOf(member).toString(16).padStart(8, '0'),
      shell('gzip -lv one.gz', folder).split('\n')[1]?.split(/\s+/)[1],
    );
  });

  it('has a stable name', () => {
    assert.equal(compressorName(), compressorName());
    assert.match(compressorName(), /^1048576\/[0-9a-f]{32}$/);
  });

  it('is within 3 % of gzip', async () => {
    const text = Buffer.from(
      shell('cat /usr/share/perl/5*/*.pm /usr/share/common-licenses/* 2>/dev/null || true', folder),
    );
    const sample = Buffer.concat([text, words(2 * BLOCK_SIZE)]);
    writeFileSync(join(folder, 'sample'), sample);
    let size = 0;
    for (let at = 0; at < sample.length; at += BLOCK_SIZE)
      size += (await gzipMember(sample.subarray(at, at + BLOCK_SIZE))).length;
    const gzip = Number(shell('gzip -6 -c sample | wc -c', folder));
    assert.ok(size <= gzip * 1.03, `${size} of ${gzip}`);
  });
});
