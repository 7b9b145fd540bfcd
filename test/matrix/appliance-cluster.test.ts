/** Simulated appliances as a core and its nodes: each release's words, and what goes wrong. */

import assert from 'node:assert/strict';
import { eventually } from '../support/wait';
import type { Knobs } from '../../lab/knobs';
import { TestMachines } from '../lab/appliance-support';
import type { TestMachine } from '../lab/appliance-support';

/** From facts/stackato.md §3, not from the product's table. */
const WORDS = {
  '2.6.7': { core: 'setup core', attach: 'attach -e', status: 'status --all', list: undefined },
  '2.10.6': { core: 'node setup core', attach: 'node attach -e', status: 'status --all', list: 'node list' },
  '3.4.2': { core: 'node setup core', attach: 'node attach -e', status: 'status --all', list: 'node list' },
} as const;
type Release = keyof typeof WORDS;

describe('simulated appliances as a cluster', function () {
  this.timeout(60_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  const quick = { sudoAsks: false, exitAlwaysZero: false, katoTakes: 10, deathNoticedAfter: 100, connectTimeout: 100 };
  const core = async (release: string, knobs: Partial<Knobs> = {}): Promise<TestMachine> => {
    const machine = await machines.machine({ release, ...quick, ...knobs });
    const { core: words } = WORDS[(release in WORDS ? release : '2.10.6') as Release];
    assert.equal((await machine.job(`kato ${words} api.dev.stackato.test`)).code, 0);
    return machine;
  };
  const node = async (
    of: TestMachine,
    roles: string,
    release: string,
    knobs: Partial<Knobs> = {},
  ): Promise<TestMachine> => {
    const machine = await machines.machine({ release, ...quick, ...knobs });
    const { attach } = WORDS[(release in WORDS ? release : '2.10.6') as Release];
    const outcome = await machine.job(`kato ${attach} ${roles} ${of.privateIp}`);
    assert.equal(outcome.code, 0, outcome.transcript);
    return machine;
  };
  const say = async (machine: TestMachine, line: string): Promise<string> => (await machine.kato(line)).stdout;
  const status = async (machine: TestMachine): Promise<string> => say(machine, 'status --all');
  const rowsOf = async (machine: TestMachine, ip: string): Promise<string[]> =>
    (await status(machine)).split('\n').flatMap((row) => (row.startsWith(`${ip} `) ? [row.slice(16).trim()] : []));
  const states = async (machine: TestMachine, ip: string): Promise<string> =>
    [...new Set((await rowsOf(machine, ip)).map((row) => row.split(/ +/)[1] ?? ''))].sort().join();

  for (const release of ['2.6.7', '2.10.6', '3.4.2'] as const) {
    it(`14: the core of ${release} lists the nodes that are attached to it, with their roles`, async () => {
      const of = await core(release);
      const dea = await node(of, 'dea', release);
      const data = await node(of, 'mysql,redis', release);
      await eventually('all run', async () => (await states(of, dea.privateIp)) === 'RUNNING');
      await eventually('all run', async () => (await states(of, data.privateIp)) === 'RUNNING');
      const rows = (await rowsOf(of, data.privateIp)).map((row) => row.split(' ')[0]);
      const wanted =
        release === '2.6.7'
          ? ['mysql_gateway', 'mysql_node', 'redis_gateway', 'redis_node']
          : ['base', 'mysql', 'redis'];
      assert.deepEqual(rows, wanted);
      assert.match(await say(dea, 'info'), new RegExp(`mbusip: ${of.privateIp}`));
      assert.match(await say(dea, 'info'), /endpoint: api\.dev\.stackato\.test/);
      const { list } = WORDS[release];
      if (list === undefined) return assert.match(await say(of, 'node list'), /Unknown command/);
      const ips = (await say(of, list))
        .trim()
        .split('\n')
        .map((row) => row.split(' ')[0]);
      assert.deepEqual(ips, [of.privateIp, dea.privateIp, data.privateIp]);
      assert.match(await say(of, list), new RegExp(`${data.privateIp} +base, mysql, redis\n`));
    });
  }

  it('14: the core gets roles one by one or several at once, in the words of the release', async () => {
    const old = await core('2.6.7');
    assert.equal((await old.job('kato enable stager,data-services')).code, 0);
    assert.match(await say(old, 'info'), /stager\n[^]*mongodb\n[^]*memcached\n/);
    const later = await core('2.10.6');
    assert.equal((await later.job('kato role add stager data-services')).code, 0);
    assert.match(await say(later, 'info'), /stager\n[^]*mongodb\n[^]*memcached\n/);
    assert.equal((await later.job('kato role add stager,dea')).code, 1, 'no commas from 2.8 on');
  });

  it('14: a node follows its core: waits for it after a boot, and is FATAL once it was without it for too long', async () => {
    const of = await core('2.10.6');
    const dea = await node(of, 'dea', '2.10.6');
    machines.closed.add(of.privateIp);
    await dea.reboot();
    await eventually('it is up', () => dea.reached());
    const own = async (): Promise<string> => say(dea, 'process list');
    assert.match(await own(), /STARTING/);
    assert.doesNotMatch(await own(), /FATAL|RUNNING/);
    dea.appliance.setKnobs({ fatalWithoutCore: 0 });
    assert.match(await own(), /FATAL/);
    dea.appliance.setKnobs({ fatalWithoutCore: 90_000 });
    machines.closed.clear();
    await eventually('it is back', async () => (await states(of, dea.privateIp)) === 'FATAL,RUNNING');
    assert.match(await own(), /FATAL/, 'it does not come up by itself');
    assert.equal((await dea.job('kato start')).code, 0);
    await eventually('it runs', async () => (await states(of, dea.privateIp)) === 'RUNNING');
  });

  it('14: nodes find their core again after it was down', async () => {
    const of = await core('2.10.6', { deathNoticedAfter: 60_000 });
    const nodes = await Promise.all([1, 2, 3].map(() => node(of, 'dea', '2.10.6')));
    await of.reboot();
    for (const { privateIp } of nodes)
      await eventually('it is back', async () => (await of.reached()) && (await states(of, privateIp)) === 'RUNNING');
  });

  it('14: a dead node is noticed after a while, stays in the list, and its removal hangs before 3.2.1', async () => {
    for (const [release, hangs] of [
      ['2.10.6', true],
      ['3.4.2', false],
    ] as const) {
      const of = await core(release, {
        deathNoticedAfter: 60_000,
        removeDeadTakes: 60_000,
        statusWithDeadNode: 'works',
      });
      const dea = await node(of, 'dea', release);
      await eventually('it runs', async () => (await states(of, dea.privateIp)) === 'RUNNING');
      await dea.appliance.terminate();
      assert.notEqual(await states(of, dea.privateIp), '', 'not noticed yet');
      of.appliance.setKnobs({ deathNoticedAfter: 0 });
      assert.equal(await states(of, dea.privateIp), '');
      assert.match(await say(of, 'node list'), new RegExp(dea.privateIp));
      if (hangs) {
        await of.exec(`PATH=$HOME/bin:$PATH timeout 1 kato node remove ${dea.privateIp}`);
        assert.match(await say(of, 'node list'), new RegExp(dea.privateIp), 'it hangs');
        of.appliance.setKnobs({ removeDeadTakes: 0 });
      }
      assert.equal((await of.job(`kato node remove ${dea.privateIp}`)).code, 0);
      assert.doesNotMatch(await say(of, 'node list'), new RegExp(dea.privateIp));
      assert.equal((await of.kato(`node remove ${dea.privateIp}`)).code, 1, 'it is gone');
    }
  });

  it('14: a living node that is removed learns of it; one that was down meanwhile learns of it later', async () => {
    const of = await core('2.10.6');
    const [one, two] = await Promise.all([node(of, 'dea', '2.10.6'), node(of, 'dea', '2.10.6')]);
    await of.job(`kato node remove ${one.privateIp}`);
    await eventually('it knows', async () => /mbusip: 127/.test(await say(one, 'info')));
    two.appliance.setKnobs({ downFor: 2_000 });
    await two.requestReboot();
    await eventually('it is down', async () => (await states(of, two.privateIp)) === '');
    await of.job(`kato node remove ${two.privateIp}`);
    await eventually('it knows', async () => (await two.reached()) && /mbusip: 127/.test(await say(two, 'info')));
    assert.equal((await say(of, 'node list')).trim().split('\n').length, 1);
  });

  it('14: kato status crashes with a node down before 3.2.1, hangs before 3.4.1, and works later', async () => {
    for (const [release, expected] of [
      ['2.10.6', 'crashes'],
      ['3.2.1', 'hangs'],
      ['3.4.2', 'works'],
    ] as const) {
      const of = await core(release, { deathNoticedAfter: 0 });
      const dea = await node(of, 'dea', release);
      assert.equal((await of.kato('status')).code, 0);
      await dea.appliance.terminate();
      const { code, stdout } = await of.exec('PATH=$HOME/bin:$PATH timeout 1 kato status');
      assert.equal({ 0: 'works', 1: 'crashes', 124: 'hangs' }[code], expected, stdout);
      of.appliance.setKnobs({ statusWithDeadNode: 'works' });
      assert.equal((await of.kato('status')).code, 0);
    }
  });

  it('14: attaching to what does not answer crashes before 3.2.1, and changes nothing', async () => {
    for (const [release, crashes] of [
      ['2.10.6', true],
      ['3.4.2', false],
    ] as const) {
      const micro = await machines.machine({ release, ...quick });
      const lone = await machines.machine({ release, ...quick });
      for (const target of ['10.9.9.9', micro.privateIp]) {
        const { code, transcript } = await lone.job(`kato node attach -e dea ${target}`);
        assert.deepEqual([code, /Errno::/.test(transcript)], [1, crashes], transcript);
      }
      assert.match(await say(lone, 'info'), /mbusip: 127\.0\.0\.1/);
    }
  });

  it('14: from 3.0 on a core refuses nodes of another release, unless forced', async () => {
    const old = await core('2.10.6');
    await node(old, 'dea', '2.10.4');
    const of = await core('3.4.2');
    const other = await machines.machine({ release: '3.2.1', ...quick });
    const refused = await other.job(`kato node attach -e dea ${of.privateIp}`);
    assert.deepEqual([refused.code, /version 3\.2\.1/.test(refused.transcript)], [1, true], refused.transcript);
    assert.match(await say(other, 'info'), /mbusip: 127/);
    assert.equal((await other.job(`kato node attach -f -e dea ${of.privateIp}`)).code, 0);
  });

  it('14: from 3.4.1 on a cluster needs a licence above 20 GB', async () => {
    const of = await core('3.4.2', { licenceMiB: 10_000 });
    await node(of, 'dea', '3.4.2');
    const third = await machines.machine({ release: '3.4.2', ...quick });
    const refused = await third.job(`kato node attach -e dea ${of.privateIp}`);
    assert.deepEqual([refused.code, /license/.test(refused.transcript)], [1, true], refused.transcript);
    assert.equal((await of.job('kato license set KEY')).code, 0);
    const again = await third.job(`kato node attach -e dea ${of.privateIp}`, { need: 'again' });
    assert.equal(again.code, 0, again.transcript);
    assert.match(await say(await core('2.10.6'), 'license set KEY'), /Unknown command/);
  });

  it('14: stops and starts what a node runs: processes up to 2.6, roles later', async () => {
    for (const [release, word] of [
      ['2.6.7', 'mysql_node'],
      ['2.10.6', 'mysql'],
    ] as const) {
      const of = await core(release);
      const data = await node(of, 'mysql,redis', release);
      assert.equal((await data.job(`kato stop ${word}`)).code, 0);
      await eventually('it says so', async () => /STOPPED/.test(await states(of, data.privateIp)));
      assert.equal((await data.kato('stop nonsense')).code, 1);
      assert.equal((await data.job(`kato start ${word}`)).code, 0);
      await eventually('it runs', async () => (await states(of, data.privateIp)) === 'RUNNING');
    }
  });

  it('14: without names, kato stop stops all that a node runs; from 3.0 on a DEA is retired', async () => {
    const of = await core('2.6.7');
    const dea = await node(of, 'dea', '2.6.7');
    await dea.job('kato stop');
    await eventually('it is stopped', async () => (await states(of, dea.privateIp)) === 'STOPPED');
    const later = await core('3.4.2');
    const other = await node(later, 'dea', '3.4.2');
    await eventually('it runs', async () => (await states(later, other.privateIp)) === 'RUNNING');
    assert.equal((await other.job('kato node retire')).code, 0);
    assert.match(await say(other, 'process list'), /^dea +STOPPED$/m);
    assert.match(await say(await core('2.10.6'), 'node retire'), /Unknown command/);
  });

  it('14: nc tells whether another machine answers', async () => {
    const [one, other] = [await machines.machine(quick), await machines.machine(quick)];
    const tries = async (ip: string, port: number): Promise<number> =>
      (await one.exec(`nc -z -w 1 ${ip} ${port}`)).code;
    assert.deepEqual([await tries(other.privateIp, 22), await tries(other.privateIp, 4222)], [0, 1]);
    machines.closed.add(other.privateIp);
    assert.equal(await tries(other.privateIp, 22), 1);
    assert.deepEqual(one.programs(), []);
  });

  it('14: before 2.6.7 a router on a node of its own does not come up', async () => {
    for (const [release, state] of [
      ['2.6.6', 'FATAL'],
      ['2.6.7', 'RUNNING'],
    ] as const) {
      const of = await machines.machine({ release, ...quick });
      await of.job('kato setup core api.dev.stackato.test');
      const router = await machines.machine({ release, ...quick });
      await router.job(`kato attach -e router ${of.privateIp}`);
      await eventually(state, async () => (await states(of, router.privateIp)) === state);
    }
  });

  it('shows nodes by blocks, if told to', async () => {
    const of = await core('2.10.6', { statusAllText: 'blocks' });
    const dea = await node(of, 'dea', '2.10.6');
    await eventually('both run', async () => !/STARTING/.test(await status(of)));
    assert.match(await status(of), new RegExp(`^${dea.privateIp}\n {2}base +RUNNING\n {2}dea +RUNNING$`, 'm'));
  });

  it('14: attaching asks for sudo, needs a terminal for that, and refuses roles that the release does not know', async () => {
    const of = await core('2.10.6');
    const machine = await machines.machine({ release: '2.10.6', ...quick, sudoAsks: true });
    const line = `kato node attach -e dea ${of.privateIp}`;
    assert.equal((await machine.exec(`PATH=$HOME/bin:$PATH timeout 1 ${line}`)).code, 124);
    assert.equal((await machine.kato(`node attach -e nonsense ${of.privateIp}`)).code, 1);
    assert.match(await say(machine, 'info'), /mbusip: 127/);
    assert.equal((await machine.job(line)).code, 0);
  });
});
