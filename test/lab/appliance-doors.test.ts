import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '../support/wait';
import { ALL_OPEN, PORTS, Yard } from './appliance-support';

describe("a simulated appliance's ports", function () {
  this.timeout(60_000);
  let yard: Yard;
  beforeEach(() => (yard = new Yard()));
  afterEach(() => yard.close());

  const listens = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, host);
      socket
        .once('data', () => resolve(true))
        .once('error', () => resolve(false))
        .once('close', () => resolve(false));
    }).then((open) => open === true);

  it('answer at its elastic IP only, only while a rule opens the port to the caller, and never before it has booted', async () => {
    const { appliance, ip } = await yard.launch({ bootDelay: 200 });
    await appliance.setRules(ALL_OPEN);
    await appliance.setPublicIp(ip);
    assert.deepEqual([await listens(ip, PORTS.ssh), appliance.boots()], [false, 0]);
    await eventually('ssh', () => listens(ip, PORTS.ssh));
    assert.equal(appliance.boots(), 1);
    await appliance.setRules([{ port: PORTS.ssh, cidr: '10.0.0.0/8' }]);
    assert.equal(await listens(ip, PORTS.ssh), false);
    await appliance.setRules([{ port: PORTS.ssh, cidr: '127.0.0.0/8' }]);
    assert.equal(await listens(ip, PORTS.ssh), true);
    await appliance.setRules([{ port: PORTS.http, cidr: '0.0.0.0/0' }]);
    assert.equal(await listens(ip, PORTS.ssh), false);
    await appliance.setRules(ALL_OPEN);
    await appliance.setPublicIp(undefined);
    assert.equal(await listens(ip, PORTS.ssh), false);
  });

  /** A connection, and how it ends: what was heard, and why it was cut. */
  const knock = async (host: string): Promise<{ end: Promise<string> }> => {
    const socket = connect(PORTS.ssh, host);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    const end = new Promise<string>((resolve) =>
      socket
        .once('error', ({ code }: NodeJS.ErrnoException) => resolve(`${heard}${code}`))
        .once('end', () => resolve(heard)),
    );
    await once(socket, 'connect');
    return { end };
  };

  it('take connections while it is down, if told to, say nothing on them, and reset them when that ends', async () => {
    const machine = await yard.launch({ acceptsWhileDown: true, bootDelay: 1500, downFor: 60_000 });
    const { appliance, ip } = machine;
    await appliance.setPublicIp(ip);
    await assert.rejects(knock(ip), /ECONNREFUSED/);
    await appliance.setRules(ALL_OPEN);
    const early = await knock(ip);
    // The product comes again.
    const loggedIn = machine.exec('echo in');
    assert.equal(appliance.boots(), 0);
    assert.equal(await early.end, 'ECONNRESET');
    assert.equal((await loggedIn).stdout, 'in\n');
    const inside = await knock(ip);
    await machine.exec('echo stackato | sudo -S reboot');
    assert.match(await inside.end, /^SSH-/);
    const late = await knock(ip);
    await appliance.setRules([]);
    assert.equal(await late.end, 'ECONNRESET');
    await assert.rejects(knock(ip), /ECONNREFUSED/);
    await appliance.setRules(ALL_OPEN);
    const last = await knock(ip);
    await appliance.terminate();
    assert.equal(await last.end, 'ECONNRESET');
    await assert.rejects(knock(ip), /ECONNREFUSED/);
  });
});
