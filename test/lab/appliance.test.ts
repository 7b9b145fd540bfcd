import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, utils } from 'ssh2';
import type { ClientChannel } from 'ssh2';
import { processesOf } from '../../lab/appliance/processes';
import { Place } from '../../lab/appliance/place';
import { rewriterFor } from '../../lab/appliance/rewrite';
import { parseMemory } from '../../src/machine/system';
import { READ_NETWORK, staticNetworkOf } from '../../src/machine/network';
import { DeployError } from '../../src/deployment/errors';
import { eventually } from '../support/wait';
import { PORTS, Yard } from './appliance-support';

const refusedWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof DeployError && error.code === code;

describe('a simulated appliance', function () {
  this.timeout(60_000);
  let yard: Yard;
  beforeEach(() => (yard = new Yard()));
  afterEach(() => yard.close());

  it('runs commands in its own home, with its own files, and tells how they ended', async () => {
    const machine = await yard.machine();
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

  it('C12: has a login shell, rc files and a language of its own, which the product does not notice', async () => {
    const machine = await yard.machine({ loginShell: 'tcsh', rcPrints: 'Welcome!', locale: 'de_DE.UTF-8', vpn: true });
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

  it('C12: has a password that has expired: no command, whatever the method; forwards nothing; takes nothing onto its disk', async () => {
    const machine = await yard.machine({ passwordExpired: true });
    await assert.rejects(machine.exec('true'), refusedWith('SSH_PASSWORD_EXPIRED'));
    machine.appliance.turn({ auth: ['keyboard-interactive'] });
    await assert.rejects(machine.exec('true'), refusedWith('SSH_PASSWORD_EXPIRED'));
    machine.appliance.turn({ passwordExpired: false, forwardsPorts: false });
    const asked = { port: 443, host: 'x', method: 'GET', path: '/' } as const;
    await assert.rejects(
      machine.session((session) => session.https(asked)),
      refusedWith('SSH_FORWARDING'),
    );
    for (const disk of ['full', 'read-only'] as const) {
      machine.appliance.turn({ disk });
      await assert.rejects(machine.job('echo made > effect'), refusedWith('MACHINE_DISK'));
    }
    machine.appliance.turn({ disk: 'good' });
    assert.equal((await machine.job('echo made > effect')).state, 'finished');
  });

  it('shows the memory its type has, or what it is told', async () => {
    const machine = await yard.machine();
    const memory = async (): Promise<number | undefined> =>
      parseMemory((await machine.exec('cat /proc/meminfo')).stdout);
    const shown = (await memory())!;
    assert.ok(shown > 1900 && shown < 2048, String(shown));
    machine.appliance.turn({ memoryMiB: 1024 });
    assert.equal(await memory(), 1024);
    assert.match((await machine.kato('status')).stdout, /FATAL/);
  });

  it('lets in whom its knobs say, by the methods they say', async () => {
    const pair = utils.generateKeyPairSync('ed25519');
    const machine = await yard.machine({
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

  /** What sshd says first, up to the end of a connection that it closes, or to its own name. */
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

  it('looks for the name of whoever logs in, once a connection, after it has shown its key', async () => {
    const machine = await yard.machine({ loginDelay: 700 });
    const { words, socket } = await greeting(machine.ip);
    assert.equal(words, 'SSH-');
    socket.destroy();
    const client = new Client().on('error', () => undefined);
    const times: Record<string, number> = {};
    client.on('handshake', () => (times['key'] = performance.now()));
    // Refused, then let in: the lookup is done by then.
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

  it('turns away whoever comes while as many log in as may, and nobody once they are in', async () => {
    const machine = await yard.machine({ maxStartups: 2 });
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

  it('refuses a channel that is asked for as the last one ends, once, where there may be but one; forwarded ports never', async () => {
    const machine = await yard.machine({ maxSessionsOne: true });
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
    // The product asks again.
    await machine.session(async (session) => {
      for (const word of ['one', 'two', 'three'])
        assert.equal((await session.exec(`echo ${word}`)).stdout, `${word}\n`);
    });
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

  it('lectures before the first question of sudo, if told to, until the password was right once', async () => {
    const machine = await yard.machine({ sudoLectures: true });
    assert.doesNotMatch((await machine.exec('sudo true')).stderr, /usual lecture/);
    assert.equal((await machine.exec('sudo -S true', 'wrong\n')).stderr.match(/usual lecture/g)?.length, 1);
    // The product answers behind it.
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

  it('tells of the last login by the rules of OpenSSH: those who had a terminal, to those who get a shell', async () => {
    const machine = await yard.machine();
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

  it('gives people a terminal', async () => {
    const machine = await yard.machine({ banner: 'Hands off.\n' });
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

  it('lets no command reach the programs that would change the host', async () => {
    const machine = await yard.machine();
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
    const dir = mkdtempSync(join(tmpdir(), 'place-'));
    const rewrite = rewriterFor(new Place(dir));
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
    for (const { ip } of machines) assert.equal((await greeting(ip)).words, '');
  });
});
