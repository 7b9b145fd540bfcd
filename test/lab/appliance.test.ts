import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, utils } from 'ssh2';
import type { ClientChannel } from 'ssh2';
import { MachineFiles } from '../../lab/appliance/machine-files';
import { processesOf } from '../../lab/appliance/processes';
import { pathRewriter } from '../../lab/appliance/rewrite-paths';
import { parseMemory } from '../../src/machine/system';
import { READ_NETWORK, staticNetworkOf } from '../../src/machine/network';
import { DeployError } from '../../src/deployment/errors';
import { eventually } from '../support/wait';
import { PORTS, TestMachines } from './appliance-support';

const refusedWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof DeployError && error.code === code;

describe('a simulated appliance', function () {
  this.timeout(60_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  it('runs commands in its home folder, with its own files, and reports their exit status', async () => {
    const machine = await machines.machine();
    assert.equal((await machine.exec('exit 3')).code, 3);
    assert.equal((await machine.exec('cat; echo e >&2', 'in')).stdout, 'in');
    await assert.rejects(machine.exec('echo half; kill -9 $$; sleep 1'), refusedWith('SSH_DROPPED'));
    await machine.exec('echo mine > "$HOME/f"; echo x > /etc/issue.bak');
    assert.deepEqual(
      [machine.appliance.file('/home/stackato/f'), machine.appliance.file('/etc/issue.bak')],
      ['mine\n', 'x\n'],
    );
    assert.ok(!existsSync('/etc/issue.bak'));
  });

  it('C12: has a login shell, rc files and a locale of its own, which do not disturb the product', async () => {
    const machine = await machines.machine({
      loginShell: 'tcsh',
      rcPrints: 'Welcome!',
      locale: 'de_DE.UTF-8',
      vpn: true,
    });
    assert.deepEqual(await machine.exec(`printf '%s\\n' "it's \\ !x"; exit 3`), {
      stdout: "it's \\ !x\n",
      stderr: '',
      code: 3,
    });
    assert.match((await machine.exec('LC_ALL= ifconfig eth0')).stdout, /inet Adresse:/);
    const {
      address,
      netmask,
      interface: name,
    } = staticNetworkOf(await machine.observe(READ_NETWORK), { mode: 'static' });
    assert.deepEqual([name, address, netmask], ['eth0', '10.1.2.11', '255.255.255.0']);
    assert.match((await machine.bootId()) ?? '', /-/);
    assert.equal((await machine.job('echo $LC_ALL $LANG; exit 4')).code, 4);
    assert.match(
      (await machine.job('echo "[$LC_ALL] $LANG $LC_CTYPE $LC_MESSAGES"')).transcript,
      /^\[\] de_DE.UTF-8 de_DE.UTF-8 C\n$/,
    );
  });

  it('C12: runs no command with an expired password, forwards no ports, and has a disk that is full, if told to', async () => {
    const machine = await machines.machine({ passwordExpired: true });
    await assert.rejects(machine.exec('true'), refusedWith('SSH_PASSWORD_EXPIRED'));
    machine.appliance.setKnobs({ auth: ['keyboard-interactive'] });
    await assert.rejects(machine.exec('true'), refusedWith('SSH_PASSWORD_EXPIRED'));
    machine.appliance.setKnobs({ passwordExpired: false, forwardsPorts: false });
    const asked = { port: 443, host: 'x', method: 'GET', path: '/' } as const;
    await assert.rejects(
      machine.session((session) => session.https(asked)),
      refusedWith('SSH_FORWARDING'),
    );
    for (const disk of ['full', 'read-only'] as const) {
      machine.appliance.setKnobs({ disk });
      await assert.rejects(machine.job('echo made > effect'), refusedWith('MACHINE_DISK'));
    }
    machine.appliance.setKnobs({ disk: 'good' });
    assert.equal((await machine.job('echo made > effect')).state, 'finished');
  });

  it('shows the memory of its type, or that of the knob', async () => {
    const machine = await machines.machine({}, 2048);
    const memory = async (): Promise<number | undefined> =>
      parseMemory((await machine.exec('cat /proc/meminfo')).stdout);
    const shown = (await memory())!;
    assert.ok(shown > 1900 && shown < 2048, String(shown));
    machine.appliance.setKnobs({ memoryMiB: 1024 });
    assert.equal(await memory(), 1024);
    assert.match((await machine.kato('status')).stdout, /FATAL/);
  });

  it('accepts logins by the methods of the knobs', async () => {
    const pair = utils.generateKeyPairSync('ed25519');
    const machine = await machines.machine({
      auth: ['keyboard-interactive', 'publickey'],
      authorizedKey: pair.public,
      banner: 'Hands off.\n',
    });
    const whoami = async (login: Parameters<typeof machine.session>[1]): Promise<string> =>
      (await machine.session((session) => session.exec('echo $USER'), login)).stdout;
    assert.equal(await whoami({}), 'stackato\n');
    assert.equal(await whoami({ key: pair.private }), 'stackato\n');
    await assert.rejects(whoami({ password: 'wrong' }), refusedWith('SSH_AUTH'));
    await assert.rejects(whoami({ user: 'root' }), refusedWith('SSH_AUTH'));
    await assert.rejects(whoami({ key: utils.generateKeyPairSync('ed25519').private }), refusedWith('SSH_AUTH'));
  });

  /** The first bytes from sshd: its identification, or everything until it closes the connection. */
  const greeting = (host: string): Promise<{ words: string; socket: Socket }> =>
    new Promise((resolve) => {
      const socket = connect(PORTS.ssh, host).on('error', () => undefined);
      let words = '';
      socket.on('data', (chunk: Buffer) => {
        words += chunk.toString('latin1');
        if (words.startsWith('SSH-')) resolve({ words: words.slice(0, 4), socket });
      });
      socket.once('close', () => resolve({ words, socket }));
    });

  it("looks up the client's name once per connection, after the key exchange", async () => {
    const machine = await machines.machine({ loginDelay: 700 });
    const { words, socket } = await greeting(machine.ip);
    assert.equal(words, 'SSH-');
    socket.destroy();
    const client = new Client().on('error', () => undefined);
    const times: Record<string, number> = {};
    client.on('handshake', () => (times['key'] = performance.now()));
    // A refused login first, so that the lookup is already done at the second one.
    const passwords = ['wrong', 'stackato'];
    client.connect({
      host: machine.ip,
      port: PORTS.ssh,
      username: 'stackato',
      authHandler: (_left, _partial, next) =>
        next({ type: 'password', username: 'stackato', password: passwords.shift() ?? '' }),
    });
    await once(client, 'ready');
    client.end();
    const took = performance.now() - times['key']!;
    assert.ok(took > 690 && took < 1400, String(took));
  });

  it('refuses connections while MaxStartups clients are logging in, and not afterwards', async () => {
    const machine = await machines.machine({ maxStartups: 2 });
    const [one, two] = [await greeting(machine.ip), await greeting(machine.ip)];
    const three = await greeting(machine.ip);
    assert.deepEqual([one.words, two.words, three.words], ['SSH-', 'SSH-', 'Exceeded MaxStartups\r\n']);
    one.socket.destroy();
    await machine.session(async (inside) => {
      await machine.session(async (another) => assert.equal((await another.exec('echo both')).stdout, 'both\n'));
      assert.equal((await inside.exec('echo in')).stdout, 'in\n');
    });
    two.socket.destroy();
  });

  it('with MaxSessions 1, refuses a session requested just as the last one closes, once, and never a forwarded port', async () => {
    const machine = await machines.machine({ maxSessionsOne: true });
    const client = new Client();
    client.on('error', () => undefined);
    client.connect({ host: machine.ip, port: PORTS.ssh, username: 'stackato', password: 'stackato' });
    await once(client, 'ready');
    const open = (): Promise<ClientChannel> =>
      new Promise((resolve, reject) =>
        client.exec('cat', (error, channel) => (error === undefined ? resolve(channel) : reject(error))),
      );
    const first = await open();
    await assert.rejects(open(), /Channel open failure/);
    first.end();
    first.resume();
    await once(first, 'close');
    await assert.rejects(open(), /Channel open failure/);
    const second = await open();
    const port = await new Promise<ClientChannel>((resolve, reject) =>
      client.forwardOut('127.0.0.1', 0, '127.0.0.1', 80, (error, channel) =>
        error === undefined ? resolve(channel) : reject(error),
      ),
    );
    assert.ok(port.readable && second.readable);
    client.end();
    // The product tries again.
    await machine.session(async (session) => {
      for (const word of ['one', 'two', 'three'])
        assert.equal((await session.exec(`echo ${word}`)).stdout, `${word}\n`);
    });
  });

  it('drops the connection at the given exec, after the command had its effect', async () => {
    const machine = await machines.machine({ dropChannel: 2, maxSessionsOne: true });
    await machine.session(async (session) => {
      assert.equal((await session.exec('echo one >> log')).code, 0);
      await assert.rejects(session.exec('echo two >> log'), refusedWith('SSH_DROPPED'));
    });
    assert.equal(machine.appliance.file('/home/stackato/log'), 'one\ntwo\n');
  });

  it('has a sudo that asks on the terminal, with -S on stdin, and otherwise fails', async () => {
    const machine = await machines.machine();
    assert.match((await machine.exec('sudo true')).stderr, /no tty present/);
    assert.equal((await machine.exec('sudo -S sh -c "echo \\$USER"', 'stackato\n')).stdout, 'root\n');
    const refused = await machine.exec('sudo -S echo never', 'a\nb\nc\n');
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /Sorry, try again\.[^]*3 incorrect password attempts/);
    const asked = await machine.job('sudo echo one; sudo echo two');
    assert.match(asked.transcript, /^\[sudo\] password for stackato: \none\ntwo\n$/);
    machine.appliance.setKnobs({ sudoAsks: false });
    assert.equal((await machine.exec('sudo echo three')).stdout, 'three\n');
    assert.deepEqual(machine.programs().slice(-3), ['sudo echo one', 'sudo echo two', 'sudo echo three']);
  });

  it("with the knob, prints the lecture before sudo's first prompt, until a password was right", async () => {
    const machine = await machines.machine({ sudoLectures: true });
    assert.doesNotMatch((await machine.exec('sudo true')).stderr, /usual lecture/);
    assert.equal((await machine.exec('sudo -S true', 'wrong\n')).stderr.match(/usual lecture/g)?.length, 1);
    // The product answers the prompt after the lecture.
    const first = await machine.job('sudo -k; sudo echo one');
    assert.equal(
      first.transcript,
      `
We trust you have received the usual lecture from the local System
Administrator. It usually boils down to these three things:

    #1) Respect the privacy of others.
    #2) Think before you type.
    #3) With great power comes great responsibility.

[sudo] password for stackato: 
one
`,
    );
    await machine.reboot();
    await eventually('ssh', () => machine.reached());
    assert.equal((await machine.job('sudo -k; sudo echo two')).transcript, '[sudo] password for stackato: \ntwo\n');
  });

  it('shows the last login as OpenSSH does: to shells, and only of sessions with a terminal', async () => {
    const machine = await machines.machine();
    const shown = async (command: string | undefined, pty: boolean): Promise<string> => {
      const client = new Client().on('error', () => undefined);
      client.connect({ host: machine.ip, port: PORTS.ssh, username: 'stackato', password: 'stackato' });
      await once(client, 'ready');
      const channel = await new Promise<ClientChannel>((resolve, reject) => {
        const take = (error: Error | undefined, given: ClientChannel): void =>
          error === undefined ? resolve(given) : reject(error);
        if (command === undefined) client.shell(take);
        else client.exec(command, { pty }, take);
      });
      let text = '';
      channel.on('data', (chunk: Buffer) => (text += chunk.toString()));
      if (command === undefined) channel.write('exit\n');
      await once(channel, 'close');
      client.end();
      return text;
    };
    const LAST = /^Last login: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} from 127\.0\.0\.1\r\n/;
    assert.equal(await shown('echo plain', false), 'plain\n');
    const [first, second] = [await shown(undefined, true), await shown(undefined, true)];
    assert.doesNotMatch(first, /Last login/);
    assert.match(second, LAST);
    assert.equal(await shown('echo terminal', true), 'terminal\r\n');
  });

  it('has terminals for interactive use', async () => {
    const machine = await machines.machine({ banner: 'Hands off.\n' });
    const client = new Client();
    let banner = '';
    client.on('banner', (text) => (banner = text)).on('error', () => undefined);
    client.connect({ host: machine.ip, port: PORTS.ssh, username: 'stackato', password: 'stackato' });
    await once(client, 'ready');
    const shell = await new Promise<ClientChannel>((resolve, reject) =>
      client.shell((error, channel) => (error === undefined ? resolve(channel) : reject(error))),
    );
    let shown = '';
    shell.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    shell.write('tty; hostname\nexit 4\n');
    const [[code]] = await Promise.all([once(shell, 'exit') as Promise<[number]>, once(shell, 'close')]);
    client.end();
    assert.deepEqual([code, banner.trim()], [4, 'Hands off.']);
    assert.match(shown, /\/dev\/pts\/\d+\r\nstackato-\w{4}\.local\r\n/);
  });

  it('keeps commands away from programs that would change the host', async () => {
    const machine = await machines.machine();
    for (const command of [
      'apt-get install x',
      'halt',
      '/sbin/poweroff',
      'PATH="$PATH:/usr/sbin:/sbin" shutdown -h now',
      'service ssh stop',
    ]) {
      assert.match((await machine.exec(command)).stderr, /not simulated by the lab|Need to be root/, command);
    }
    assert.equal(machine.appliance.boots(), 1);
  });

  it('rewrites paths of the machine, and no others', () => {
    const dir = mkdtempSync(join(tmpdir(), 'machine-files-'));
    const rewrite = pathRewriter(new MachineFiles(dir));
    const root = `${dir}/root`;
    assert.equal(rewrite('cat /etc/hosts>/etc/hosts.new'), `cat ${root}/etc/hosts>${root}/etc/hosts.new`);
    assert.equal(
      rewrite(`sh -c 'put "/etc/resolvconf/resolv.conf.d/head"'`),
      `sh -c 'put "${root}/etc/resolvconf/resolv.conf.d/head"'`,
    );
    assert.equal(rewrite('/usr/bin/sudo /sbin/reboot'), `${dir}/bin/sudo ${dir}/bin/reboot`);
    for (const other of [
      '/proc/$1/stat',
      '/bin/sh',
      '$d/etc/x',
      './etc',
      '/etcetera',
      'x/etc',
      '/dev/null',
      '/bin/hostnamectl',
    ])
      assert.equal(rewrite(other), other);
    rmSync(dir, { recursive: true });
  });

  it('works in a folder whose name needs quotes in a shell', async () => {
    const machine = await machines.machine({}, 2048, `a b'$c`);
    assert.match((await machine.exec('cat /etc/network/interfaces')).stdout, /eth0/);
    assert.equal((await machine.job('echo "$HOME" > "$HOME/x"')).state, 'finished');
  });

  it('runs beside many others, and removes everything at the end', async () => {
    const running = await Promise.all(Array.from({ length: 24 }, () => machines.machine()));
    const ids = await Promise.all(running.map((machine) => machine.bootId()));
    assert.equal(new Set(ids).size, 24);
    await running[0]!.job('sleep 600', {}, 0);
    const { dir } = running[0]!.appliance;
    assert.ok(processesOf(dir).length > 0);
    await Promise.all(running.map(({ appliance }) => appliance.terminate()));
    assert.deepEqual([processesOf(dir), existsSync(dir)], [[], false]);
    for (const { ip } of running) assert.equal((await greeting(ip)).words, '');
  });
});
