import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUARD_PORT, InUseError } from '../../lab/other-labs';
import { choosePorts, claimNet } from '../../lab/ports';
import type { Net } from '../../lab/ports';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { CLI } from '../support/site';

const DIR = '/somewhere/else/.lab';

describe('several labs on one machine', function () {
  this.timeout(60_000);
  let dir: string;
  let net: Net;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-labs-'));
    net = await claimNet(undefined, DIR);
  });
  after(() => {
    net.release();
    rmSync(dir, { recursive: true });
  });

  const lab = (...args: readonly string[]): Promise<Ended> =>
    new Cli(['lab', ...args], {}, [process.execPath, CLI]).ended;
  const other = new RegExp(`the lab in ${DIR} \\(pid ${process.pid}\\)\\. Stop it with .lab down --dir ${DIR}.`);

  it('F24: a network of another lab is an error with exit code 2, which names the lab', async () => {
    await assert.rejects(claimNet(net.number), other);
    const { code, stderr } = await lab('up', '--dir', dir, '--net', String(net.number));
    assert.equal(code, 2);
    assert.match(stderr, other);
    assert.match(stderr, /--net, and other ports with --base-port\.\n$/);
  });

  it('F24: a port of another lab is an error that names the lab; one of another program names the port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const base = (taken.address() as AddressInfo).port - 233;
    try {
      const ports = await choosePorts(undefined, net.number);
      await assert.rejects(
        choosePorts(base, net.number),
        /^Error: Port \d+, which the lab needs for temporal, is in use\. /,
      );
      net.announce({ ...ports, temporal: base + 233 });
      await assert.rejects(
        choosePorts(base, net.number),
        (error) => error instanceof InUseError && other.test(error.message),
      );
    } finally {
      taken.close();
    }
  });

  it('F24: another program on the guard port is not mistaken for a lab', async () => {
    const strange = await claimNet(undefined);
    strange.release();
    const program = createServer((socket) => socket.end('220 mail')).listen(GUARD_PORT, `127.${strange.number}.0.1`);
    await new Promise((resolve) => program.once('listening', resolve));
    await assert.rejects(claimNet(strange.number), /something listens on 127\.\d+\.0\.1 port 19227/);
    program.close();
  });

  it('F24: where no lab runs, status and down name the lab that runs elsewhere', async () => {
    for (const verb of ['status', 'down']) {
      const { stdout } = await lab(verb, '--dir', dir);
      assert.ok(stdout.startsWith(`No lab runs in ${dir}.`));
      assert.ok(stdout.includes(` There is the lab in ${DIR} (pid ${process.pid}).`), stdout);
    }
  });

  it('F24: exits with 2 on bad usage, and with 0 on help', async () => {
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
