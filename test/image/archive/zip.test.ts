/** Zip files that Python writes, and hostile ones made of them. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openImage } from '../../../src/image';
import { noise, rejects, shell, tempFolder, words } from '../support';

const MIB = 1024 * 1024;
const PYTHON = `import sys, zipfile
with zipfile.ZipFile('image.zip', 'w', zipfile.ZIP_DEFLATED if sys.argv[1] == 'deflated' else zipfile.ZIP_STORED) as z:
    z.write('image', sys.argv[2])
`;
/** Of the end record of a zip file without a comment. */
const END = 22;
const CENTRAL = Buffer.from('PK\x01\x02');

describe('zip', () => {
  const folder = tempFolder();
  const path = join(folder, 'image.zip');
  const content = Buffer.concat([words(3 * MIB), noise(MIB)]);
  before(() => {
    writeFileSync(join(folder, 'image'), content);
    writeFileSync(join(folder, 'zip.py'), PYTHON);
  });
  after(() => rmSync(folder, { recursive: true }));

  function makeZip(method: 'deflated' | 'stored', name = 'image.raw'): void {
    shell(`python3 zip.py ${method} '${name}'`, folder);
  }

  async function read(length = content.length): Promise<Buffer> {
    const source = await openImage({ path, packing: 'zip' });
    try {
      const into = Buffer.alloc(length);
      await source.read(into, 0);
      return into;
    } finally {
      await source.close();
    }
  }

  function change(edit: (zip: Buffer) => Buffer | undefined): void {
    const zip = readFileSync(path);
    writeFileSync(path, edit(zip) ?? zip);
  }

  for (const name of ['image.raw', '../image.raw', '/image.raw', 'C:\\image.raw', 'ä/image.raw'])
    it(`reads a file of any name, since it writes none: ${name}`, async () => {
      makeZip('deflated', name);
      assert.ok((await read()).equals(content));
    });

  it('leaves no file open, at the end and in the middle', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (const method of ['deflated', 'stored'] as const) {
      makeZip(method);
      for (const length of [content.length, MIB, 10]) await read(length);
    }
    for (let i = 0; i < 50 && open() > before; i++) await setTimeout(20);
    assert.ok(open() <= before, `${open()} open files, ${before} before`);
  });

  const hostile: Readonly<
    Record<string, { code: string; method?: 'stored'; size?: number; edit: (zip: Buffer) => Buffer | undefined }>
  > = {
    'names an end record beyond 2^53 bytes': {
      code: 'IMAGE_SOURCE_DAMAGED',
      edit: (zip) => {
        const locator = Buffer.alloc(20);
        locator.writeUInt32LE(0x07064b50);
        locator.writeBigUInt64LE(2n ** 63n, 8);
        return Buffer.concat([zip.subarray(0, -END), locator, zip.subarray(-END)]);
      },
    },
    'names a directory behind its end': {
      code: 'IMAGE_SOURCE_DAMAGED',
      edit: (zip) => void zip.writeUInt32LE(0xfffffff0, zip.length - END + 16),
    },
    'names a file behind its end': {
      code: 'IMAGE_SOURCE_DAMAGED',
      edit: (zip) => void zip.writeUInt32LE(0xfffffff0, zip.indexOf(CENTRAL) + 42),
    },
    'names more bytes than it has': {
      code: 'IMAGE_SOURCE_DAMAGED',
      edit: (zip) => void zip.writeUInt32LE(0x7fffffff, zip.indexOf(CENTRAL) + 20),
    },
    'names a larger size': {
      code: 'IMAGE_SOURCE_DAMAGED',
      size: content.length + 1,
      edit: (zip) => void zip.writeUInt32LE(content.length + 1, zip.indexOf(CENTRAL) + 24),
    },
    'names a smaller size': {
      code: 'IMAGE_SOURCE_DAMAGED',
      size: content.length - 1,
      edit: (zip) => void zip.writeUInt32LE(content.length - 1, zip.indexOf(CENTRAL) + 24),
    },
    'names another checksum': {
      code: 'IMAGE_SOURCE_DAMAGED',
      method: 'stored',
      edit: (zip) => void zip.writeUInt32LE(1, zip.indexOf(CENTRAL) + 16),
    },
    'claims more files than it has': {
      code: 'IMAGE_SOURCE_DAMAGED',
      edit: (zip) => void zip.writeUInt16LE(9, zip.length - END + 10),
    },
    'is one of several disks': {
      code: 'IMAGE_FORMAT',
      edit: (zip) => void zip.writeUInt16LE(2, zip.length - END + 4),
    },
    'is strongly encrypted': {
      code: 'IMAGE_FORMAT',
      edit: (zip) => void zip.writeUInt16LE(0x41, zip.indexOf(CENTRAL) + 8),
    },
    'is compressed with an unknown method': {
      code: 'IMAGE_FORMAT',
      edit: (zip) => void zip.writeUInt16LE(99, zip.indexOf(CENTRAL) + 10),
    },
  };
  for (const [title, { code, method = 'deflated', size, edit }] of Object.entries(hostile))
    it(`refuses a file that ${title}`, async () => {
      makeZip(method);
      change(edit);
      await rejects(() => read(size), code);
    });

  it('refuses more entries than can be listed in a reasonable time', async () => {
    makeZip('stored');
    change((zip) => {
      const [end, locator] = [Buffer.alloc(56), Buffer.alloc(20)];
      end.writeUInt32LE(0x06064b50);
      end.writeBigUInt64LE(1_000_001n, 32);
      locator.writeUInt32LE(0x07064b50);
      locator.writeBigUInt64LE(BigInt(zip.length - END), 8);
      return Buffer.concat([zip.subarray(0, -END), end, locator, zip.subarray(-END)]);
    });
    await rejects(() => read(), 'IMAGE_FORMAT');
  });
});
