import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, utils } from 'ssh2';
import type { ClientChannel } from 'ssh2';
import { processesOf } from '../../lab/appliance/processes';
import { Place } from '../../lab/appliance/place';
import { rewriterFor } from '../../lab/appliance/rewrite';
import { parseMemory } from '../../src/commands/machine';
import { OBSERVE_NETWORK, staticNetworkOf } from '../../src/commands/network';
import { DeployError } from '../../src/spec/errors';
import { eventually } from '../support/wait';
import { ALL_OPEN, PORTS, Yard } from './appliance-support';

const refusedWith = (code: string) => (error: unknown): boolean => error instanceof DeployError && error.code === code;

describe('a simulated appliance', function () {
  this.timeout(60_000);
  let yard: Yard;
  beforeEach(() => (yard = new Yard()));
  afterEach(() => yard.close());

  const listens = (host: string, port: number): Promise<boolean> => new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('data', () => resolve(true)).once('error', () => resolve(false)).once('close', () => resolve(false));
  }).then((open) => open === true);

  it('answers at its elastic IP only, only while a rule opens the port to the caller, and never before it has booted', async () => {
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

  it('runs commands in its own home, with its own files, and tells how they ended', async () => {
    const machine = await yard.machine();
    assert.equal((await machine.exec('exit 3')).code, 3);
    assert.equal((await machine.exec('cat; echo e >&2', 'in')).stdout, 'in');
    assert.deepEqual(await machine.exec('kill -9 $$'), { stdout: '', stderr: '' });
    await machine.exec('echo mine > "$HOME/f"; echo x > /etc/issue.bak');
    assert.deepEqual([machine.appliance.file('/home/stackato/f'), machine.appliance.file('/etc/issue.bak')], ['mine\n', 'x\n']);
    assert.ok(!existsSync('/etc/issue.bak'));
  });

  it('shows its network as an Ubuntu of its time does', async () => {
    const machine = await yard.machine({ privateIp: '172.30.4.5' });
    const sections = await machine.observe(OBSERVE_NETWORK);
    assert.deepEqual(staticNetworkOf(sections, { mode: 'static' }), {
      interface: 'eth0', address: '172.30.4.5', netmask: '255.255.255.0', gateway: '172.30.4.1', nameservers: ['172.16.0.23', '172.16.0.24'], search: ['cloud.internal'],
    });
    assert.match(sections['interfaces'] ?? '', /^iface eth0 inet dhcp$/m);
  });

  it('shows the memory its type has, or what it is told', async () => {
    const machine = await yard.machine();
    const memory = async (): Promise<number | undefined> => parseMemory((await machine.exec('cat /proc/meminfo')).stdout);
    const shown = (await memory())!;
    assert.ok(shown > 1900 && shown < 2048, String(shown));
    machine.appliance.turn({ memoryMiB: 1024 });
    assert.equal(await memory(), 1024);
    assert.match((await machine.kato('status')).stdout, /FATAL/);
  });

  it('lets in whom its knobs say, by the methods they say', async () => {
    const pair = utils.generateKeyPairSync('ed25519');
    const machine = await yard.machine({ auth: ['keyboard-interactive', 'publickey'], authorizedKey: pair.public, banner: 'Hands off.\n' });
    const whoami = async (login: Parameters<typeof machine.session>[1]): Promise<string> => (await machine.session((session) => session.exec('echo $USER'), login)).stdout;
    assert.equal(await whoami({}), 'stackato\n');
    assert.equal(await whoami({ key: pair.private }), 'stackato\n');
    await assert.rejects(whoami({ password: 'wrong' }), refusedWith('SSH_AUTH'));
    await assert.rejects(whoami({ user: 'root' }), refusedWith('SSH_AUTH'));
    await assert.rejects(whoami({ key: utils.generateKeyPairSync('ed25519').private }), refusedWith('SSH_AUTH'));
  });

  it('cuts the connection at the exec it is told to, after its effect', async () => {
    const machine = await yard.machine({ dropChannel: 2, maxSessionsOne: true });
    await machine.session(async (session) => {
      assert.equal((await session.exec('echo one >> log')).code, 0);
      await assert.rejects(session.exec('echo two >> log'), refusedWith('SSH_DROPPED'));
    });
    assert.equal(machine.appliance.file('/home/stackato/log'), 'one\ntwo\n');
  });

  it('has a sudo that asks on the terminal, by -S on its input, and else fails', async () => {
    const machine = await yard.machine();
    assert.match((await machine.exec('sudo true')).stderr, /no tty present/);
    assert.equal((await machine.exec('sudo -S sh -c "echo \\$USER"', 'stackato\n')).stdout, 'root\n');
    const refused = await machine.exec('sudo -S echo never', 'a\nb\nc\n');
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /Sorry, try again\.[^]*3 incorrect password attempts/);
    const asked = await machine.job('sudo echo one; sudo echo two');
    assert.match(asked.transcript, /^\[sudo\] password for stackato: \none\ntwo\n$/);
    machine.appliance.turn({ sudoAsks: false });
    assert.equal((await machine.exec('sudo echo three')).stdout, 'three\n');
    assert.deepEqual(machine.programs().slice(-3), ['sudo echo one', 'sudo echo two', 'sudo echo three']);
  });

  it('gives people a terminal', async () => {
    const machine = await yard.machine({ banner: 'Hands off.\n' });
    const client = new Client();
    let banner = '';
    client.on('banner', (text) => (banner = text)).on('error', () => undefined);
    client.connect({ host: machine.ip, port: PORTS.ssh, username: 'stackato', password: 'stackato' });
    await once(client, 'ready');
    const shell = await new Promise<ClientChannel>((resolve, reject) => client.shell((error, channel) => (error === undefined ? resolve(channel) : reject(error))));
    let shown = '';
    shell.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    shell.write('tty; hostname\nexit 4\n');
    const [[code]] = await Promise.all([once(shell, 'exit') as Promise<[number]>, once(shell, 'close')]);
    client.end();
    assert.deepEqual([code, banner.trim()], [4, 'Hands off.']);
    assert.match(shown, /^Last login: [^]*\/dev\/pts\/\d+\r\nstackato-\w{4}\.local\r\n/);
  });

  it('lets no command reach the programs that would change the host', async () => {
    const machine = await yard.machine();
    for (const command of ['apt-get install x', 'halt', '/sbin/poweroff', 'PATH="$PATH:/usr/sbin:/sbin" shutdown -h now', 'service ssh stop']) {
      assert.match((await machine.exec(command)).stderr, /not simulated by the lab|Need to be root/, command);
    }
    assert.equal(machine.appliance.boots(), 1);
  });

  it('rewrites paths of the machine, and no others', () => {
    const dir = mkdtempSync(join(tmpdir(), 'place-'));
    const rewrite = rewriterFor(new Place(dir));
    const root = `${dir}/root`;
    assert.equal(rewrite('cat /etc/hosts>/etc/hosts.new'), `cat ${root}/etc/hosts>${root}/etc/hosts.new`);
    assert.equal(rewrite(`sh -c 'put "/etc/resolvconf/resolv.conf.d/head"'`), `sh -c 'put "${root}/etc/resolvconf/resolv.conf.d/head"'`);
    assert.equal(rewrite('/usr/bin/sudo /sbin/reboot'), `${dir}/bin/sudo ${dir}/bin/reboot`);
    for (const other of ['/proc/$1/stat', '/bin/sh', '$d/etc/x', './etc', '/etcetera', 'x/etc', '/dev/null', '/bin/hostnamectl']) assert.equal(rewrite(other), other);
    rmSync(dir, { recursive: true });
  });

  it('lives in a folder with a name that a shell would misread', async () => {
    const machine = await yard.machine({}, 2048, `a b'$c`);
    assert.match((await machine.exec('cat /etc/network/interfaces')).stdout, /eth0/);
    assert.equal((await machine.job('echo "$HOME" > "$HOME/x"')).state, 'finished');
  });

  it('runs beside many others, and leaves nothing behind', async () => {
    const machines = await Promise.all(Array.from({ length: 24 }, () => yard.machine()));
    const ids = await Promise.all(machines.map((machine) => machine.bootId()));
    assert.equal(new Set(ids).size, 24);
    await machines[0]!.job('sleep 600', {}, 0);
    const { dir } = machines[0]!.appliance;
    assert.ok(processesOf(dir).length > 0);
    await Promise.all(machines.map(({ appliance }) => appliance.terminate()));
    assert.deepEqual([processesOf(dir), existsSync(dir)], [[], false]);
    assert.deepEqual(await Promise.all(machines.map(({ ip }) => listens(ip, PORTS.ssh))), machines.map(() => false));
  });
});
