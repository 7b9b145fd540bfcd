import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PART_SIZE, cutParts, partName } from '../../../src/image/bundle/parts';
import type { MadePart, PartStart } from '../../../src/image/bundle/parts';
import { noise, shell, tempFolder } from '../support';

const KEY = randomBytes(16);
const IV = randomBytes(16).toString('hex');
const MIB = 1024 * 1024;

async function cut(
  members: readonly Buffer[],
  index = 0,
  start: PartStart = { member: 0, skip: 0, iv: IV },
): Promise<readonly MadePart[]> {
  const parts: MadePart[] = [];
  for await (const part of cutParts(Readable.from(members.slice(start.member)) as AsyncIterable<Buffer>, {
    prefix: 'p',
    key: KEY,
    index,
    start,
  }))
    parts.push(part);
  return parts;
}

describe('parts', () => {
  const folder = tempFolder();
  after(() => rmSync(folder, { recursive: true }));

  const cases: Readonly<Record<string, readonly number[]>> = {
    'nothing but padding': [0],
    'less than a cipher block': [15],
    'one cipher block': [16],
    'one byte less than a part': [PART_SIZE - 1],
    'exactly one part, its padding in another': [4 * MIB, 6 * MIB],
    'exactly two parts': [PART_SIZE, 0, PART_SIZE],
    'one byte more than two parts': [3 * MIB + 7, 17 * MIB - 7 + 1],
    'members that end anywhere': [1, 5 * MIB + 3, 11 * MIB, 9, 4 * MIB],
  };
  for (const [title, lengths] of Object.entries(cases)) {
    it(`are what openssl encrypts: ${title}`, async () => {
      const members = lengths.map((length) => noise(length));
      const parts = await cut(members);
      writeFileSync(join(folder, 'plain'), Buffer.concat(members));
      writeFileSync(join(folder, 'mine'), Buffer.concat(parts.map(({ bytes }) => bytes)));
      shell(`openssl enc -aes-128-cbc -K ${KEY.toString('hex')} -iv ${IV} -in plain | cmp - mine`, folder);
      assert.deepEqual(
        parts.slice(0, -1).map(({ size }) => size),
        parts.slice(0, -1).map(() => PART_SIZE),
      );
      assert.ok((parts.at(-1)?.size ?? 0) > 0, 'no empty part');
      for (const { bytes, sha1, md5, size } of parts) {
        writeFileSync(join(folder, 'part'), bytes);
        assert.deepEqual(
          [sha1, md5, String(size)],
          shell('sha1sum part; md5sum part; wc -c < part', folder)
            .split('\n')
            .map((line) => line.split(' ')[0]),
        );
      }
    });
  }

  it('can be made again from the start of any of them', async () => {
    const members = [1, 5 * MIB + 3, 0, 15 * MIB - 4, 9 * MIB, 6 * MIB].map((length) => noise(length));
    const parts = await cut(members);
    assert.equal(parts.length, 4);
    for (const [index, part] of parts.entries()) {
      if (part.next !== undefined) assert.deepEqual(await cut(members, index + 1, part.next), parts.slice(index + 1));
    }
    assert.deepEqual(
      [parts[1]?.next?.member, parts[1]?.next?.skip],
      [4, 0],
      'a member that ended with the part is not made again',
    );
  });

  it('have two digits at least', () => {
    assert.deepEqual(
      [0, 9, 10, 100].map((index) => partName('p', index)),
      ['p.part.00', 'p.part.09', 'p.part.10', 'p.part.100'],
    );
  });
});
