import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUARD_PORT, TakenError } from '../../lab/neighbours';
import { choosePorts, claimNet } from '../../lab/ports';
import type { Net } from '../../lab/ports';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { CLI } from '../support/site';

const DIR = '/somewhere/else/.lab';

describe('labs beside each other', function () {
  this.timeout(60_000);
  let dir: string;
  let net: Net;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-neighbours-'));
    net = await claimNet(undefined, DIR);
  });
  after(() => {
    net.release();
    rmSync(dir, { recursive: true });
  });

  const lab = (...args: readonly string[]): Promise<Ended> =>
    new Cli(['lab', ...args], {}, [process.execPath, CLI]).ended;
  const other = new RegExp(`the lab in ${DIR} \\(pid ${process.pid}\\)\\. End it with .lab down --dir ${DIR}.`);

  it('F24: a network that another lab has: exit 2, and its name', async () => {
    await assert.rejects(claimNet(net.number), other);
    const { code, stderr } = await lab('up', '--dir', dir, '--net', String(net.number));
    assert.equal(code, 2);
    assert.match(stderr, other);
    assert.match(stderr, /--net, and other ports with --base-port\.\n$/);
  });

  it('F24: a port that another lab has: its name; one of another program: the port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const base = (taken.address() as AddressInfo).port - 233;
    try {
      const ports = await choosePorts(undefined, net.number);
      await assert.rejects(
        choosePorts(base, net.number),
        /^Error: Port \d+, which the lab needs for temporal, is taken\. /,
      );
      net.tell({ ...ports, temporal: base + 233 });
      await assert.rejects(
        choosePorts(base, net.number),
        (error) => error instanceof TakenError && other.test(error.message),
      );
    } finally {
      taken.close();
    }
  });

  it("F24: a program on the guard's port that is no lab is not taken for one", async () => {
    const strange = await claimNet(undefined);
    strange.release();
    const program = createServer((socket) => socket.end('220 mail')).listen(GUARD_PORT, `127.${strange.number}.0.1`);
    await new Promise((resolve) => program.once('listening', resolve));
    await assert.rejects(claimNet(strange.number), /something listens on 127\.\d+\.0\.1 port 19227/);
    program.close();
  });

  it('F24: no lab here, but one there', async () => {
    for (const verb of ['status', 'down']) {
      const { stdout } = await lab(verb, '--dir', dir);
      assert.ok(stdout.startsWith(`No lab runs in ${dir}.`));
      assert.ok(stdout.includes(` There is the lab in ${DIR} (pid ${process.pid}).`), stdout);
    }
  });

  it('F24: bad usage of the lab ends with 2, help with 0', async () => {
    for (const args of [
      [],
      ['upp'],
      ['up', '--net', '900'],
      ['up', '--base-port', 'x'],
      ['up', '--nonsense'],
      ['up', 'too', 'much'],
    ]) {
      const { code, stdout, stderr } = await lab(...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.notEqual(stderr, '');
    }
    assert.equal((await lab('--help')).code, 0);
    assert.equal((await lab('up', '--help')).code, 0);
  });
});
