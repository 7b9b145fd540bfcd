/** Image files: downloaded from a real HTTP server that cuts connections, and verified. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ImageFiles } from '../../src/steps/ports';
import { xzDecompressor } from '../../src/image';
import { writeAll } from '../../src/adapters/download';
import { createImageFiles } from '../../src/adapters/image-files';
import type { DeployError } from '../../src/deployment/errors';
import { noise, rejects, tempFolder } from '../image/support';
import { eventually } from '../support/wait';

const CONTENT = noise(3_000_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

describe('files of images', () => {
  let folder: string;
  let files: ImageFiles;
  let server: Server;
  let url: string;
  let asked: (string | undefined)[];
  /** For the next requests: a status, or after how many bytes the connection is cut. */
  let faults: ({ status: number } | { after: number } | { silentAfter: number })[];
  /** Continues answers that were begun and held back. */
  let held: (() => void)[];
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
      if (fault !== undefined && 'silentAfter' in fault) {
        response.write(CONTENT.subarray(from, from + fault.silentAfter));
        return void held.push(() => response.end(CONTENT.subarray(from + fault.silentAfter)));
      }
      if (fault === undefined) return void response.end(CONTENT.subarray(from));
      response.write(CONTENT.subarray(from, from + fault.after), () => response.destroy());
    }).listen(0, '127.0.0.1', done);
  });
  after((done) => {
    server.close(done);
  });
  beforeEach(() => {
    folder = tempFolder();
    files = createImageFiles(folder);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stackato.zip`;
    [asked, faults, held] = [[], [], []];
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
    assert.ok(
      lines.some((line) => /^fetching http:.*: 2\.9 of 2\.9 MiB$/.test(line)),
      lines.at(-2),
    );
  });

  it('are refused where they are not what the spec says, and not taken for it later', async () => {
    const file = { url, sha256: 'ab'.repeat(32) };
    for (let i = 0; i < 2; i++) await rejects(() => files.fetch(file, watcher), 'IMAGE_SOURCE_DAMAGED');
    assert.deepEqual(asked, [undefined, undefined]);
  });

  const fetching = (signal: AbortSignal, said: string[] = []): Promise<string> =>
    files.fetch({ url, sha256: SHA256 }, { signal, report: (line) => void said.push(line) });

  it('B11: go on being fetched for the others when who asked first is stopped', async () => {
    faults.push({ silentAfter: 1_000_000 });
    const [first, second] = [new AbortController(), new AbortController()];
    const said: string[] = [];
    const [one, other] = [fetching(first.signal), fetching(second.signal, said)];
    one.catch(() => undefined);
    await eventually('some of it is there', () => said.length > 0);
    first.abort(new Error('told to stop'));
    await assert.rejects(one, /told to stop/);
    held[0]?.();
    assert.deepEqual(readFileSync(await other), CONTENT);
    assert.equal(asked.length, 1);
  });

  it('B11: are no longer fetched once nobody waits, and who comes then goes on from there', async () => {
    faults.push({ silentAfter: 1_000_000 });
    const first = new AbortController();
    const said: string[] = [];
    const one = fetching(first.signal, said);
    await eventually('some of it is there', () =>
      said.some((line) => line.includes(': 1.0 of') || line.includes(': 0.9 of')),
    );
    first.abort(new Error('told to stop'));
    await assert.rejects(one, /told to stop/);
    assert.deepEqual(readFileSync(await fetching(new AbortController().signal)), CONTENT);
    assert.match(asked[1] ?? '', /^bytes=[1-9]\d*-$/);
  });

  it('B11: are not waited for where the server goes silent, before its answer or in the middle of it', async () => {
    files = createImageFiles(folder, { silenceMs: 200 });
    for (const silentAfter of [0, 500_000]) {
      faults.push({ silentAfter });
      const failure = await fetching(new AbortController().signal).then(
        () => undefined,
        (error: unknown) => error as DeployError,
      );
      assert.deepEqual(
        [failure?.code, /nothing came for 0\.2 s/.test(failure?.message ?? '')],
        ['IMAGE_SOURCE_UNREACHABLE', true],
        String(failure),
      );
    }
    assert.deepEqual(readFileSync(await fetching(new AbortController().signal)), CONTENT);
  });

  it('B11: are written whole by a disk that takes a part of what it is given, and by two workers at once', async () => {
    const taken: [number, string][] = [];
    const disk = {
      write: (bytes: Uint8Array, offset: number, length: number, position: number) => {
        const bytesWritten = Math.min(length, 3);
        taken.push([position, Buffer.from(bytes.subarray(offset, offset + bytesWritten)).toString()]);
        return Promise.resolve({ bytesWritten, buffer: bytes });
      },
    };
    await writeAll(disk as unknown as FileHandle, Buffer.from('0123456789'), 100);
    assert.deepEqual(taken, [
      [100, '012'],
      [103, '345'],
      [106, '678'],
      [109, '9'],
    ]);
    const elsewhere = createImageFiles(folder);
    const both = await Promise.all([files, elsewhere].map((each) => each.fetch({ url, sha256: SHA256 }, watcher)));
    for (const path of both) assert.deepEqual(readFileSync(path), CONTENT);
  });

  it('B11: tell of a full disk', async function () {
    if (!existsSync('/dev/full')) throw new Error('there is no /dev/full');
    mkdirSync(join(folder, 'downloads'));
    symlinkSync('/dev/full', join(folder, 'downloads', `${SHA256}.partial`));
    await rejects(() => files.fetch({ url, sha256: SHA256 }, watcher), 'IMAGE_DISK_FULL');
  });

  it('may not be there', async () => {
    faults.push({ status: 404 });
    await rejects(() => files.fetch({ url, sha256: SHA256 }, watcher), 'IMAGE_SOURCE_MISSING');
    await rejects(
      () => files.fetch({ url: 'http://127.0.0.1:1/x', sha256: SHA256 }, watcher),
      'IMAGE_SOURCE_UNREACHABLE',
    );
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
    const unxz = xzDecompressor(() => files.xz());
    assert.deepEqual(await buffer(unxz(createReadStream(join(folder, 'a.xz')))), CONTENT);
    await rejects(() => buffer(unxz(createReadStream(join(folder, 'a.xz'), { end: 5_000 }))), 'IMAGE_SOURCE_DAMAGED');
  });

  it('have their journals in a folder that is there', async () => {
    writeFileSync(await files.journal('x'), '');
    assert.ok(existsSync(join(folder, 'journals', 'x')));
  });

  it('B11: lose their journals when they are done with, and those that nobody came back to', async () => {
    for (const name of ['done', 'old', 'fresh']) writeFileSync(await files.journal(name), name);
    mkdirSync(join(folder, 'downloads'));
    const partial = join(folder, 'downloads', 'x.partial');
    writeFileSync(partial, 'x');
    for (const path of [join(folder, 'journals', 'old'), partial])
      utimesSync(path, new Date(), new Date(Date.now() - 31 * 24 * 3_600_000));
    await files.discardJournal('done');
    await files.discardJournal('never');
    await files.journal('another');
    assert.deepEqual([readdirSync(join(folder, 'journals')), existsSync(partial)], [['fresh'], false]);
  });
});
