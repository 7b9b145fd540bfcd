/** Files of images: fetched over a real HTTP server that breaks off, and verified. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ImageFiles } from '../../src/activities/ports';
import { unxzBy } from '../../src/image';
import { createImageFiles } from '../../src/adapters/image-files';
import { noise, rejects, tempFolder } from '../image/support';

const CONTENT = noise(3_000_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

describe('files of images', () => {
  let folder: string;
  let files: ImageFiles;
  let server: Server;
  let url: string;
  let asked: (string | undefined)[];
  /** Of coming requests: a status, or after how many bytes the connection breaks. */
  let faults: ({ status: number } | { after: number })[];
  const lines: string[] = [];
  const watcher = { signal: new AbortController().signal, report: (line: string) => void lines.push(line) };

  before((done) => {
    server = createServer((request, response) => {
      asked.push(request.headers.range);
      const fault = faults.shift();
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (fault !== undefined && 'status' in fault) return void response.writeHead(fault.status).end();
      if (from >= CONTENT.length) return void response.writeHead(416).end();
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': CONTENT.length - from });
      if (fault === undefined) return void response.end(CONTENT.subarray(from));
      response.write(CONTENT.subarray(from, from + fault.after), () => response.destroy());
    }).listen(0, '127.0.0.1', done);
  });
  after((done) => { server.close(done); });
  beforeEach(() => {
    folder = tempFolder();
    files = createImageFiles(folder);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stackato.zip`;
    [asked, faults] = [[], []];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are fetched once for all who ask, kept until they are forgotten, and verified', async () => {
    const file = { url, sha256: SHA256 };
    assert.equal(await files.find(file), undefined);
    const paths = await Promise.all([files.fetch(file, watcher), files.fetch({ ...file, inside: 'vmlinuz' }, watcher)]);
    assert.equal(paths[0], paths[1]);
    assert.equal(asked.length, 1);
    assert.deepEqual(readFileSync(paths[0]), CONTENT);
    assert.equal(await files.fetch(file, watcher), await files.find(file));
    assert.equal(asked.length, 1);
    await files.forget(file);
    assert.equal(await files.find(file), undefined);
  });

  it('are fetched on from where the connection broke', async () => {
    const file = { url, sha256: SHA256 };
    faults.push({ after: 1_000_000 }, { status: 503 });
    await rejects(() => files.fetch(file, watcher), 'IMAGE_SOURCE_UNREACHABLE');
    await rejects(() => files.fetch(file, watcher), 'IMAGE_SOURCE_UNREACHABLE');
    assert.deepEqual(readFileSync(await files.fetch(file, watcher)), CONTENT);
    assert.match(asked[2] ?? '', /^bytes=[1-9]\d*-$/);
    assert.ok(lines.some((line) => /^fetching http:.*: 2\.9 of 2\.9 MiB$/.test(line)), lines.at(-2));
  });

  it('are refused where they are not what the spec says, and not taken for it later', async () => {
    const file = { url, sha256: 'ab'.repeat(32) };
    for (let i = 0; i < 2; i++) await rejects(() => files.fetch(file, watcher), 'IMAGE_SOURCE_DAMAGED');
    assert.deepEqual(asked, [undefined, undefined]);
  });

  it('may not be there', async () => {
    faults.push({ status: 404 });
    await rejects(() => files.fetch({ url, sha256: SHA256 }, watcher), 'IMAGE_SOURCE_MISSING');
    await rejects(() => files.fetch({ url: 'http://127.0.0.1:1/x', sha256: SHA256 }, watcher), 'IMAGE_SOURCE_UNREACHABLE');
  });

  it('of the user are verified, too, and never deleted', async () => {
    const path = join(folder, 'root.img');
    writeFileSync(path, CONTENT);
    assert.equal(await files.fetch({ file: path, sha256: SHA256 }, watcher), path);
    await rejects(() => files.fetch({ file: path, sha256: 'ab'.repeat(32) }, watcher), 'IMAGE_SOURCE_DAMAGED');
    await files.forget({ file: path });
    assert.ok(existsSync(path));
    await rejects(() => files.fetch({ file: join(folder, 'none'), sha256: SHA256 }, watcher), 'IMAGE_SOURCE_MISSING');
  });

  it('packed by xz are unpacked, and told apart from damaged ones', async () => {
    writeFileSync(join(folder, 'a'), CONTENT);
    execFileSync('xz', ['-0', 'a'], { cwd: folder });
    const unxz = unxzBy(() => files.xz());
    assert.deepEqual(await buffer(unxz(createReadStream(join(folder, 'a.xz')))), CONTENT);
    await rejects(() => buffer(unxz(createReadStream(join(folder, 'a.xz'), { end: 5_000 }))), 'IMAGE_SOURCE_DAMAGED');
  });

  it('have their journals in a folder that is there', async () => {
    writeFileSync(await files.journal('x'), '');
    assert.ok(existsSync(join(folder, 'journals', 'x')));
  });
});
