/** Several katos of real machines, without the machines: each has files and a loopback address of its own, and they talk over TCP. */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import type { Knobs } from '../../lab/knobs';
import { claimNet } from '../../lab/ports';
import type { Net } from '../../lab/ports';
import { eventually } from '../support/wait';
import { GuestFiles } from './vm-support';

const QUICK = 'member.REPORT_EVERY = 0.05; member.SILENT_FOR = 1';
const CORE = 'dev.stackato.test';
const STATE = '/home/stackato/stackato/etc/kato/state.json';

/** The words of each release, as the manuals have them. */
const WORDS = {
  '2.6.7': { core: 'setup core', attach: 'attach', enable: 'enable stager,mysql' },
  '2.10.6': { core: 'node setup core', attach: 'node attach', enable: 'role add stager mysql' },
  '3.4.2': { core: 'node setup core', attach: 'node attach', enable: 'role add mysql' },
} as const;
type Release = keyof typeof WORDS;

interface Member {
  readonly files: GuestFiles;
  readonly ip: string;
  process: ChildProcess;
}

describe("a cluster of virtual machines' katos", function () {
  this.timeout(180_000);
  let net: Net;
  let members: Member[] = [];
  before(async () => {
    net = await claimNet(undefined);
  });
  afterEach(() => {
    for (const { files, process } of members) {
      process.kill('SIGKILL');
      files.vm.dispose();
    }
    members = [];
  });
  after(() => net.release());

  const machine = (release: string, change: Partial<Knobs> = {}): Member => {
    const ip = `127.${net.number}.9.${members.length + 11}`;
    const knobs: Partial<Knobs> = {
      release,
      sudoAsks: false,
      exitAlwaysZero: false,
      statusWithDeadNode: 'works',
      statusAllText: 'blocks',
      fatalWithoutCore: 1_000,
      removeDeadTakes: 100,
      ...change,
    };
    const files = new GuestFiles(knobs, 4_000_000, `stackato-${members.length}.local`, ip);
    const member = { files, ip, process: files.member(QUICK) };
    members.push(member);
    return member;
  };
  const say = async ({ files }: Member, words: string): Promise<string> => {
    const { stdout, stderr, code } = await files.kato(words);
    assert.equal(code, 0, `kato ${words}: ${stdout}${stderr}`);
    return stdout;
  };
  const bus = ({ ip }: Member): Promise<true> =>
    eventually(
      'its bus is there',
      () =>
        new Promise<true | undefined>((resolve) => {
          const socket = connect(4222, ip, () => resolve(true)).once('error', () => resolve(undefined));
          socket.unref().once('connect', () => socket.destroy());
        }),
    );
  const coreOf = async (release: Release): Promise<Member> => {
    const core = machine(release);
    await say(core, `${WORDS[release].core} api.${CORE}`);
    await bus(core);
    return core;
  };
  const status = async (on: Member, pattern: RegExp): Promise<void> => {
    await eventually(
      `kato status --all shows ${String(pattern)}`,
      async () => pattern.test((await on.files.kato('status --all')).stdout) || undefined,
    );
  };

  for (const [release, words] of Object.entries(WORDS) as [Release, (typeof WORDS)[Release]][]) {
    it(`attaches, lists, watches and removes a node, in the words of ${release}`, async () => {
      const core = await coreOf(release);
      const node = machine(release);
      assert.match(await say(node, `${words.attach} -e dea ${core.ip}`), /starting dea\.\.\. +ok\n$/);
      await status(core, new RegExp(`^${core.ip}\n(  .*RUNNING\n)+${node.ip}\n(  .*RUNNING\n)*  dea +RUNNING\n$`));
      const { mbusIp, endpoint, assigned } = await node.files.info();
      assert.deepEqual(
        [mbusIp, endpoint, assigned.filter((role) => role !== 'base')],
        [core.ip, `api.${CORE}`, ['dea']],
      );

      await say(node, words.enable);
      await status(core, new RegExp(`${node.ip}\n[^]*  mysql(_node)? +RUNNING\n`));
      await say(node, 'stop dea');
      await status(core, new RegExp(`${node.ip}\n[^]*  dea +STOPPED\n`));
      if (release !== '2.6.7')
        assert.match(
          await say(core, 'node list'),
          new RegExp(`^${core.ip} +base, .*router.*\n${node.ip} +base, (stager, )?dea, mysql\n$`),
        );

      node.process.kill('SIGKILL');
      await status(core, new RegExp(`^(?!.*${node.ip})${core.ip}`, 's'));
      node.process = node.files.member(QUICK);
      await status(core, new RegExp(`\n${node.ip}\n`));

      assert.match(await say(core, `node remove ${node.ip}`), new RegExp(`removing ${node.ip}.* ok\n`));
      await eventually(
        'the node has learnt it',
        async () => (await node.files.info()).mbusIp === '127.0.0.1' || undefined,
      );
      assert.equal((await core.files.kato(`node remove ${node.ip}`)).stdout, `There is no node ${node.ip}.\n`);
    });
  }

  it('attaches to nothing but a core of its version, with a licence where one is needed', async () => {
    const [lonely, node] = [machine('3.4.2'), machine('3.4.2')];
    const other = machine('3.2.1', { licenceMiB: 7_000 });
    const before = node.files.file(STATE);
    const refused = async (words: string): Promise<string> => {
      const { code, stdout } = await node.files.kato(`node attach ${words}`);
      assert.equal(code, 1, stdout);
      return stdout.split('\n').at(-2) ?? '';
    };
    assert.equal(await refused(`-e dea ${lonely.ip}`), `The core ${lonely.ip} cannot be reached.`);
    await say(other, 'node setup core');
    await bus(other);
    assert.match(await refused(`-e dea ${other.ip}`), /This node has version 3\.4\.2, the core has version 3\.2\.1\./);
    assert.equal(await refused(`-e nonsense ${other.ip}`), 'There is no role nonsense.');
    assert.match(await refused(`--force -e dea ${other.ip}`), /A license key is needed .* more than 7000 MB/);
    assert.equal(node.files.file(STATE), before);
    other.files.setKnobs({ licenceMiB: 8_000 });
    await say(node, `node attach --force -e data-services ${other.ip}`);
    await status(other, new RegExp(`${node.ip}\n[^]*mysql +RUNNING\n`));
    await say(node, `node attach --force -e dea ${other.ip}`);
    await status(other, new RegExp(`${node.ip}\n(?![^]*mysql)[^]*dea +RUNNING\n`));
    await say(node, 'node detach');
    assert.equal(await say(other, 'node list'), `${other.ip.padEnd(16)}base, primary, controller, router\n`);
  });

  it('crashes if the core cannot be reached, and on the core if a node is down, as 2.6.7 does', async () => {
    const lonely = machine('2.6.7');
    const crash = /Connection timed out - connect\(2\).* \(Errno::ETIMEDOUT\)/;
    const node = machine('2.6.7');
    assert.match((await node.files.kato(`attach -e dea ${lonely.ip}`)).stdout, crash);
    await say(lonely, `setup core api.${CORE}`);
    await bus(lonely);
    await say(node, `attach -e dea ${lonely.ip}`);
    await status(lonely, new RegExp(`${node.ip}\n[^]*dea +RUNNING\n`));
    lonely.files.setKnobs({ statusWithDeadNode: 'as released' });
    node.process.kill('SIGKILL');
    await eventually('status crashes', async () => crash.test((await lonely.files.kato('status')).stdout) || undefined);
  });

  it('gives up without its core, until it is started again', async () => {
    const core = await coreOf('2.10.6');
    const node = machine('2.10.6');
    await say(node, `node attach -e dea ${core.ip}`);
    await status(core, new RegExp(`${node.ip}\n[^]*dea +RUNNING\n`));
    core.process.kill('SIGKILL');
    await eventually('it has given up', async () => /dea +FATAL/.test(await say(node, 'status')) || undefined);
    core.process = core.files.member(QUICK);
    await status(core, new RegExp(`${node.ip}\n[^]*dea +FATAL\n`));
    await say(node, 'start');
    await status(core, new RegExp(`${node.ip}\n[^]*dea +RUNNING\n`));
  });
});
