import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '../support/wait';
import { ALL_OPEN, PORTS, TestMachines } from './appliance-support';

describe("a simulated appliance's ports", function () {
  this.timeout(60_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  const listens = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, host);
      socket
        .once('data', () => resolve(true))
        .once('error', () => resolve(false))
        .once('close', () => resolve(false));
    }).then((open) => open === true);

  it('answer only at its elastic IP, only while a rule opens the port to the client, and not before it has booted', async () => {
    const { appliance, ip } = await machines.launch({ bootDelay: 200 });
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

  /** Opens a connection and waits for its end: what was received, and the error. */
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

  it('with the knob, accept connections while it is down, stay silent, and reset them when it is up', async () => {
    const machine = await machines.launch({ acceptsWhileDown: true, bootDelay: 1500, downFor: 60_000 });
    const { appliance, ip } = machine;
    await appliance.setPublicIp(ip);
    await assert.rejects(knock(ip), /ECONNREFUSED/);
    await appliance.setRules(ALL_OPEN);
    const early = await knock(ip);
    // The product connects again.
    const loggedIn = machine.exec('echo in');
    assert.equal(appliance.boots(), 0);
    assert.equal(await early.end, 'ECONNRESET');
    assert.equal((await loggedIn).stdout, 'in\n');
    const inside = await knock(ip);
    await machine.requestReboot();
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
