/** Every bad spec there is a case of, by the command line: its place, the reason, exit code 2; and Temporal is not even called. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BAD_SPECS } from '../specfile/bad-specs';
import type { BadSpec } from '../specfile/bad-specs';
import { CLI } from '../support/site';
import { Cli } from './cli';
import type { Ended } from './cli';

/** Every so many have a process of their own; to start one for each would take minutes. */
const ALONE = 50;

describe('stackato-deploy up with a bad spec', function () {
  this.timeout(60_000);
  let folder: string;
  let server: Server;
  let calls = 0;
  let files: readonly string[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stackato-bad-'));
    files = BAD_SPECS.map(({ text }, i) => {
      const file = join(folder, `${i}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    server = createServer((socket) => {
      calls += 1;
      socket.destroy();
    });
    await new Promise<void>((done) => {
      server.listen(0, '127.0.0.1', done);
    });
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (...command: [string, ...string[]]): Promise<Ended> =>
    new Cli([], { TEMPORAL_ADDRESS: `127.0.0.1:${(server.address() as AddressInfo).port}` }, command).ended;

  /** What is wrong with the refusal. */
  const wrongIn = ({ what, at, says }: BadSpec, file: string, { code, stdout, stderr }: Ended): string[] => {
    const [line = '', path = ''] = (at[0] ?? '').split(' ');
    const wanted = `${file}:${line}:`;
    return [
      ...(code === 2 ? [] : [`${what}: exit code ${String(code)}`]),
      ...(stderr.includes(wanted) && stderr.includes(path) ? [] : [`${what}: not ${wanted} ${path} in ${stderr}`]),
      ...(says.test(stderr) ? [] : [`${what}: not ${String(says)} in ${stderr}`]),
      ...(stdout === '' ? [] : [`${what}: it printed ${stdout}`]),
    ];
  };

  it(`refuses all ${BAD_SPECS.length}`, async () => {
    assert.ok(BAD_SPECS.length >= 40);
    const { stdout, stderr, code } = await run(process.execPath, '--import', 'tsx', 'test/cli/up-each.ts', ...files);
    assert.deepEqual([code, stderr], [0, '']);
    const ends = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Ended);
    assert.equal(ends.length, files.length);
    assert.deepEqual(
      BAD_SPECS.flatMap((spec, i) => wrongIn(spec, files[i]!, ends[i]!)),
      [],
    );
    assert.equal(calls, 0, 'Temporal was called');
  });

  it(`does the same as a process of its own (one of ${ALONE})`, async () => {
    for (let i = 0; i < files.length; i += ALONE)
      assert.deepEqual(wrongIn(BAD_SPECS[i]!, files[i]!, await run(process.execPath, CLI, 'up', files[i]!)), []);
    assert.equal(calls, 0, 'Temporal was called');
  });
});
