import assert from 'node:assert/strict';
import { processesOf } from '../../lab/appliance/processes';
import { printedHostKeys } from '../../src/machine/host-keys';
import { rebootJob } from '../../src/machine/system';
import { READ_NETWORK, staticIpAnswers, staticNetworkOf } from '../../src/machine/network';
import type { PromptId } from '../../src/machine/dialogue';
import { READ_RESOLVER, putResolverFirst, resolverStateOf } from '../../src/machine/resolver';
import { DeployError } from '../../src/deployment/errors';
import { eventually } from '../support/wait';
import { TestMachines } from './appliance-support';
import type { TestMachine } from './appliance-support';

describe("a simulated appliance's reboot", function () {
  this.timeout(90_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  const staticIp = async (machine: TestMachine, answers: Partial<Record<PromptId, string>>): Promise<void> => {
    const network = staticNetworkOf(await machine.observe(READ_NETWORK), { mode: 'static' });
    const { state } = await machine.job('kato op static_ip', { answers: { ...staticIpAnswers(network), ...answers } });
    assert.equal(state, 'finished');
  };

  it('keeps the old boot id for a while, then drops all connections, and comes back with a new boot id', async () => {
    const machine = await machines.machine({ oldBootIdFor: 4000, downFor: 300 });
    const before = (await machine.bootId())!;
    const { need, command } = rebootJob(before);
    const watched = machine.session((session) => session.exec('sleep 30')).catch((error: unknown) => error);
    assert.equal((await machine.job(command, { need })).state, 'finished');
    assert.deepEqual([await machine.bootId(), machine.appliance.boots()], [before, 1]);
    // Not by looking whether it is reached: a login tries again for longer than it is down.
    const lost = await watched;
    assert.ok(lost instanceof DeployError && lost.code === 'SSH_DROPPED');
    await eventually('its return', () => machine.reached());
    const after = await machine.bootId();
    assert.ok(after !== undefined && after !== before);
    assert.equal(machine.appliance.boots(), 2);
    // The same need requests no second reboot.
    await machine.job(command, { need });
    assert.deepEqual(machine.programs(), ['sudo reboot', 'reboot']);
  });

  it('ends every process and keeps the disk', async () => {
    const machine = await machines.machine();
    const job = { need: 'long' };
    await machine.job('echo x >> began; sleep 600', job, 0);
    await eventually('its process', () => processesOf(machine.appliance.dir).length > 0);
    await machine.reboot();
    assert.deepEqual(processesOf(machine.appliance.dir), []);
    assert.equal((await machine.job('echo x >> began; sleep 600', job)).state, 'rebooted');
    assert.equal(machine.appliance.file('/home/stackato/began'), 'x\n');
  });

  it('is refused without root, and happens once if requested twice', async () => {
    const machine = await machines.machine({ sudoAsks: false, oldBootIdFor: 500 });
    assert.match((await machine.exec('reboot')).stderr, /Need to be root/);
    await machine.reboot('sudo reboot; sudo reboot');
    await eventually('ssh', () => machine.reached());
    assert.equal(machine.appliance.boots(), 2);
  });

  it('leaves the machine reachable with a correct static address', async () => {
    const machine = await machines.machine();
    await staticIp(machine, {});
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.match(
      machine.appliance.file('/etc/resolv.conf') ?? '',
      /^nameserver 172\.16\.0\.23\nnameserver 172\.16\.0\.24\nsearch cloud\.internal$/m,
    );
  });

  const WRONG: readonly Partial<Record<PromptId, string>>[] = [
    { gateway: '10.9.9.9' },
    { netmask: '255.255.0.0' },
    { address: '10.1.2.99' },
  ];
  it('makes the machine unreachable with a wrong gateway, netmask or address', async () => {
    await Promise.all(
      WRONG.map(async (wrong) => {
        const machine = await machines.machine();
        await staticIp(machine, wrong);
        assert.ok(await machine.reached());
        await machine.reboot();
        assert.deepEqual(
          [await machine.reached(), await machine.get('x', '/info')],
          [undefined, undefined],
          JSON.stringify(wrong),
        );
      }),
    );
  });

  it('leaves no usable name server if a comma was typed', async () => {
    const machine = await machines.machine();
    await staticIp(machine, { nameservers: '172.16.0.23,172.16.0.24' });
    assert.match(
      machine.appliance.file('/etc/network/interfaces') ?? '',
      /dns-nameservers 172\.16\.0\.23,172\.16\.0\.24\n/,
    );
    await machine.reboot();
    assert.match(machine.appliance.file('/etc/resolv.conf') ?? '', /^nameserver 172\.16\.0\.23,172\.16\.0\.24$/m);
  });

  it('makes resolv.conf anew, with the head that was put there, and forgets what was only written into it', async () => {
    const machine = await machines.machine({ sudoAsks: false });
    const state = async (): Promise<unknown> => resolverStateOf(await machine.observe(READ_RESOLVER), 'dhcp');
    await machine.exec(`printf 'search containers.\\nnameserver 127.0.0.1\\n' > /etc/resolv.conf`);
    assert.deepEqual(await state(), { live: true, persistent: false });
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.deepEqual(await state(), { live: false, persistent: false });
    await machine.job(putResolverFirst('dhcp'));
    assert.deepEqual(await state(), { live: true, persistent: true });
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.deepEqual(await state(), { live: true, persistent: true });
  });

  it('keeps resolv.conf if nothing regenerates it', async () => {
    const machine = await machines.machine({ sudoAsks: false, resolvConfRegenerated: false });
    await machine.exec(`printf 'search containers.\\nnameserver 127.0.0.1\\n' > /etc/resolv.conf`);
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.deepEqual(resolverStateOf(await machine.observe(READ_RESOLVER), 'static'), {
      live: true,
      persistent: true,
    });
  });

  it('with the knob, changes the host key', async () => {
    const machine = await machines.machine();
    const key = (): Promise<string> => machine.hostKey();
    const printed = (): readonly string[] => printedHostKeys(machine.appliance.consoleOutput());
    const first = await key();
    assert.deepEqual(printed(), [first]);
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.equal(await key(), first);
    machine.appliance.setKnobs({ newHostKeyAtBoot: true });
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.notEqual(await key(), first);
    assert.deepEqual(printed(), [await key()]);
    assert.equal(
      machine.appliance.consoleOutput().match(/Stackato Management Console at https:/g)?.length,
      machine.appliance.boots(),
    );
  });
});
