/** User data that is too big is refused by the client, as far as it can see it. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSpec } from '../../src/specfile/loader';
import { GOOD } from './bad-specs';

describe('user data in a spec', () => {
  let dir: string;
  before(() => (dir = mkdtempSync(join(tmpdir(), 'user-data-'))));
  after(() => rmSync(dir, { recursive: true, force: true }));

  async function problem(instance: string, cloudInit: boolean, bytes?: number): Promise<string | undefined> {
    if (bytes !== undefined) writeFileSync(join(dir, 'ud'), Buffer.alloc(bytes, 'x'));
    const image = cloudInit ? 'image: { id: emi-12345678, cloudInit: true }' : 'image: emi-12345678';
    const text = GOOD.replace('image: emi-12345678', image).replace(
      '  type: m1.large',
      `  type: m1.large\n  ${instance}`,
    );
    writeFileSync(join(dir, 'dev.yaml'), text);
    const loaded = await loadSpec(join(dir, 'dev.yaml'));
    if (loaded.ok) return undefined;
    const [{ line, path, message } = { line: 0, path: '', message: '' }] = loaded.problems;
    return `${line} ${path}: ${message}`;
  }

  it('13: is refused with its number of bytes if it is a file that the client sees', async () => {
    const file = 'userData: { file: ud }';
    assert.equal(await problem(file, false, 16_384), undefined);
    assert.equal(
      await problem(file, false, 16_385),
      '9 instance.userData: is a file of 16385 bytes, and clouds take at most 16384',
    );
    // It is gzipped for cloud-init.
    assert.equal(await problem(file, true, 65_536), undefined);
    assert.equal(
      await problem(file, true, 65_537),
      '9 instance.userData: is a file of 65537 bytes, and clouds take at most 16384',
    );
    // The worker may be on another machine, which has it.
    assert.equal(await problem('userData: { file: nowhere }', false), undefined);
  });

  it('13: is refused with the number of bytes that are left of it, gzipped, if an image has cloud-init', async () => {
    writeFileSync(join(dir, 'ud'), `#!/bin/sh\n: ${randomBytes(20_000).toString('base64')}\n`);
    const [, bytes = ''] =
      /^9 instance\.userData: makes user data of (\d+) bytes, gzipped, and clouds take at most 16384$/.exec(
        (await problem('userData: { file: ud }', true)) ?? '',
      ) ?? [];
    assert.ok(Number(bytes) > 16_384 && Number(bytes) < 22_000, bytes);
    writeFileSync(join(dir, 'ud'), `#!/bin/sh\n: ${'x'.repeat(20_000)}\n`);
    assert.equal(await problem('userData: { file: ud }', true), undefined);
  });

  it('13: is refused with its number of bytes if the spec itself makes too much of it', async () => {
    const commands = (count: number): string =>
      `cloudInit: { bootcmd: [${Array.from({ length: count }, () => `"echo ${randomBytes(600).toString('base64')}"`).join(', ')}] }`;
    assert.equal(await problem(commands(10), true), undefined);
    const [, bytes = ''] =
      /^9 instance\.cloudInit: makes user data of (\d+) bytes, gzipped, and clouds take at most 16384$/.exec(
        (await problem(commands(50), true)) ?? '',
      ) ?? [];
    assert.ok(Number(bytes) > 30_000, bytes);
  });
});
