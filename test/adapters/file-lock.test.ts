import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withFileLock } from '../../src/adapters/file-lock';
import { rejects, shell, tempFolder } from '../image/support';

describe('locks between processes', function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('let one in at a time', async () => {
    const path = join(folder, 'lock');
    let [inside, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withFileLock(path, work)));
    assert.equal(most, 1);
  });

  it('are those of flock, and gone after work that failed', async () => {
    const path = join(folder, 'lock');
    await assert.rejects(
      withFileLock(path, () => {
        assert.throws(() => shell(`flock -n ${path} true`, folder));
        return Promise.reject(new Error('failed'));
      }),
      /failed/,
    );
    shell(`flock -n ${path} true`, folder);
  });

  it('13: are gone with a process that was killed', async () => {
    const path = join(folder, 'lock');
    const program = `
      const { withFileLock } = require('./src/adapters/file-lock.ts');
      withFileLock(${JSON.stringify(path)}, () => new Promise(() => { console.log('inside'); setInterval(() => {}, 1000); }));`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    assert.throws(() => shell(`flock -n ${path} true`, folder));
    child.kill('SIGKILL');
    await once(child, 'close');
    // Waits as long as it takes the kernel; a lock that stays would end in the timeout of the test.
    await withFileLock(path, () => Promise.resolve());
  });

  it('13: two processes that write one catalogue, and one that is killed meanwhile, lose no entry', async () => {
    const program = `
      const { withFileLock } = require('./src/adapters/file-lock.ts');
      const { imageOf, putImage } = require('./src/image/index.ts');
      const [folder, name] = process.argv.slice(1);
      (async () => {
        for (let i = 0; i < 40; i++) {
          const image = imageOf({ name: '0000000000', url: name + i }, 'x');
          await withFileLock(folder + '/.catalog.lock', () => putImage(folder, image));
          console.log(name + i);
        }
      })();`;
    const writers = ['a', 'b', 'killed'].map((name) =>
      spawn(process.execPath, ['--import', 'tsx', '-e', program, folder, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    let said = '';
    for (const writer of writers)
      writer.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('killed5')) writers[2]?.kill('SIGKILL');
      });
    await Promise.all(writers.map((writer) => once(writer, 'close')));
    const { images } = JSON.parse(readFileSync(join(folder, 'catalog'), 'utf8')) as { images: { url: string }[] };
    const written = new Set(images.map(({ url }) => url));
    const wanted = said.trim().split('\n');
    assert.ok(wanted.filter((url) => !url.startsWith('killed')).length === 80 && wanted.length < 120, said);
    assert.deepEqual(
      wanted.filter((url) => !written.has(url)),
      [],
    );
  });

  it('cannot be had in a folder that is not there', () =>
    rejects(() => withFileLock(join(folder, 'none', 'lock'), () => Promise.resolve()), 'IMAGE_SOURCE_UNREADABLE'));
});
