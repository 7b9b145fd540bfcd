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

const LANES = 3;

describe('stackato-deploy up with a bad spec', function () {
  this.timeout(300_000);
  let folder: string;
  let server: Server;
  let calls = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stackato-bad-'));
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

  const refusal = async ({ what, text, at, says }: BadSpec, i: number): Promise<string[]> => {
    const file = join(folder, `${i}.yaml`);
    writeFileSync(file, text);
    const env = { TEMPORAL_ADDRESS: `127.0.0.1:${(server.address() as AddressInfo).port}` };
    const { code, stdout, stderr } = await new Cli(['up', file], env, [process.execPath, CLI]).ended;
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
    const queue = BAD_SPECS.map((spec, i) => ({ spec, i }));
    const wrong: string[] = [];
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        wrong.push(...(await refusal(next.spec, next.i)));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    assert.deepEqual(wrong, []);
    assert.equal(calls, 0, 'Temporal was called');
  });
});
