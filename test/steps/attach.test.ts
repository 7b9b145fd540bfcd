import assert from 'node:assert/strict';
import { attach } from '../../src/steps/attach';
import type { Dependencies } from '../../src/steps/dependencies';
import type { Cloud, CloudInstance, Remote } from '../../src/steps/ports';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import { specOfNode } from '../../src/deployment/cluster';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import { startJob } from '../../src/machine/journal';
import { RELEASES } from '../../src/deployment/releases';
import type { ReleaseName } from '../../src/deployment/releases';
import { eventually, LocalVm } from '../machine/local-vm';
import { specNamed } from '../support/specs';
import { attemptOf, dependencies } from './support';

const CORE_IP = '10.0.0.5';
const NODE_IP = '10.0.0.6';
const OLD_IP = '10.0.0.9';

/** The words of the releases, so that a wrong row is seen. */
const WORDS: readonly (readonly [
  ReleaseName,
  Record<'attach' | 'list' | 'processes' | 'remove' | 'removeDead' | 'stop', string>,
])[] = [
  [
    '2.6.7',
    {
      attach: 'attach -e dea 10.0.0.5',
      list: 'status --all',
      processes: 'status',
      remove: 'node remove 10.0.0.6',
      removeDead: 'node remove 10.0.0.9',
      stop: 'stop',
    },
  ],
  [
    '2.10.6',
    {
      attach: 'node attach -e dea 10.0.0.5',
      list: 'node list',
      processes: 'process list',
      remove: 'node remove 10.0.0.6',
      removeDead: 'node remove 10.0.0.9',
      stop: 'stop dea',
    },
  ],
  [
    '3.4.2',
    {
      attach: 'node attach -e dea 10.0.0.5',
      list: 'node list',
      processes: 'process list',
      remove: 'node remove 10.0.0.6',
      removeDead: 'node remove --skip-detach 10.0.0.9',
      stop: 'node retire',
    },
  ],
];

/** Keeps its state in files: version, info, processes, list. `broken`: attach has no effect; `slow`: it waits until the file is gone. */
const kato = (core: string): string => `
printf '%s\\n' "$*" >> "$HOME/ran"
while [ -e "$HOME/slow" ]; do case "$*" in *attach*|*remove*|stop*|*retire) sleep 0.1 ;; *) break ;; esac; done
case "$*" in
  version) cat "$HOME/version" ;;
  info) cat "$HOME/info" ;;
  'node list' | 'status --all') cat "$HOME/list" ;;
  'process list' | status) cat "$HOME/processes" ;;
  ready | 'process ready'*) cat "$HOME/ready" ;;
  start) sed -i s/FATAL/RUNNING/ "$HOME/processes" ;;
  stop* | *retire) sed -i s/RUNNING/STOPPED/ "$HOME/processes" ;;
  *attach*)
    if [ -e "$HOME/broken" ]; then echo 'cannot connect to redis'; exit 0; fi
    printf 'assigned roles: base dea\\nmbusip: ${CORE_IP}\\n' > "$HOME/info"
    echo 'dea RUNNING' > "$HOME/processes"
    echo '${NODE_IP}  base, dea' >> ${core}/list ;;
  *remove*)
    for ip; do :; done
    ( flock 9; grep -v "^$ip " "$HOME/list" > "$HOME/list.new"; mv "$HOME/list.new" "$HOME/list" ) 9> "$HOME/list.lock" ;;
esac
exit 0`;

/** Those that only look. */
const LOOKS = /^(version|info|status( --all)?|node list|process list|ready|process ready.*)$/;

describe('the step attach', function () {
  this.timeout(60_000);
  let core: LocalVm;
  let node: LocalVm;
  let instances: CloudInstance[];
  /** Whether ssh to the node answers. */
  let nodeUp: boolean;
  /** The boot that the core is in. */
  let bootOfCore: string;

  beforeEach(async () => {
    [core, node] = [new LocalVm(), new LocalVm()];
    for (const vm of [core, node]) {
      vm.program('kato', kato(core.home));
      await vm.run('echo "Stackato 3.4.2" > version; echo READY > ready; echo "router RUNNING" > processes; : > list');
    }
    await core.run(`echo '${CORE_IP}  base, primary, controller, router' > list`);
    await node.run(`printf 'assigned roles: base dea\\nmbusip: 127.0.0.1\\n' > info`);
    instances = [{ id: 'i-node', state: 'running', type: 'm1.large', privateIp: NODE_IP, groups: [] }];
    nodeUp = true;
    bootOfCore = '11111111-1111-4111-8111-111111111111';
  });
  afterEach(() => {
    core.dispose();
    node.dispose();
  });

  const remote: Remote = {
    hostKey: () => Promise.reject(new Error('none')),
    withSession: (target, use) => {
      if (target.via === undefined) return use(onCore());
      if (!nodeUp) return Promise.reject(new DeployError('SSH_UNREACHABLE', 'The node does not answer.'));
      return use(node.session());
    },
  };
  const onCore = (): ReturnType<LocalVm['session']> => {
    const session = core.session();
    return {
      ...session,
      exec: (command, options) =>
        command === 'cat /proc/sys/kernel/random/boot_id'
          ? Promise.resolve({ stdout: `${bootOfCore}\n`, stderr: '', code: 0 })
          : session.exec(command, options),
    };
  };
  const deps = (): Dependencies =>
    dependencies({
      remote,
      clouds: {
        open: () => Promise.resolve({ instancesIn: () => Promise.resolve(instances) } as unknown as Cloud),
        store: () => Promise.reject(new Error('none')),
      },
    });

  const inputFor = (release: ReleaseName, known: Partial<Known> = {}): StepInput => {
    const spec = specNamed('dev', {
      release,
      cluster: {
        coreRoles: [],
        groups: [{ name: 'dea', roles: ['dea'], count: 2, instance: { type: 'm1.large' } }],
        rollout: { parallel: 5, canary: 1 },
        reach: 'core',
      },
    });
    return {
      spec: specOfNode(spec, 'dea-1'),
      node: 'dea-1',
      known: {
        address: { publicIp: '192.0.2.1', allocated: true },
        instance: { id: 'i-node', privateIp: NODE_IP },
        hostKey: 'SHA256:node',
        reboot: { before: 'a', after: 'b' },
        ...known,
      },
      core: { instance: { id: 'i-core', privateIp: CORE_IP }, hostKey: 'SHA256:core' },
      need: 'run1-1',
      deadline: 60_000,
    };
  };

  type Work = 'announceAttach' | 'removeStale' | 'attachNode' | 'awaitAttached' | 'detachNode';
  const run = (work: Work, input: StepInput): Promise<StepOutcome> =>
    (work === 'detachNode' ? attach.undo : attach.activities[work])(deps(), input, attemptOf());
  const failsWith = async (promise: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> =>
    assert.rejects(promise, (error: unknown) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
      return true;
    });
  const acted = (vm: LocalVm): string[] =>
    vm
      .read('ran')
      .split('\n')
      .filter((line) => line !== '' && !LOOKS.test(line));
  const attached = { attached: { ip: NODE_IP } };

  for (const [release, words] of WORDS) {
    describe(`with ${release}`, () => {
      beforeEach(() => Promise.all([core, node].map((vm) => vm.run(`echo "Stackato ${release}" > version`))));

      it('14: attaches once, in its words, and sees it on the core', async () => {
        const input = inputFor(release, attached);
        assert.equal((await run('attachNode', input)).changed, true);
        assert.equal((await run('attachNode', input)).changed, true);
        assert.equal((await run('attachNode', { ...input, need: 'run2-1' })).changed, false);
        assert.equal((await run('awaitAttached', input)).note, `${NODE_IP}: dea`);
        assert.deepEqual([acted(node), acted(core)], [[words.attach], []]);
        assert.ok(core.read('ran').split('\n').includes(words.list));
        assert.ok(node.read('ran').split('\n').includes(words.processes));
      });

      it('14: is taken back: drained on the node, then removed on the core, once each', async () => {
        await run('attachNode', inputFor(release, attached));
        const undo = { ...inputFor(release, attached), need: 'run1-undo' };
        assert.equal((await run('detachNode', undo)).changed, true);
        assert.equal((await run('detachNode', undo)).note, `${NODE_IP} (stopped: dea)`);
        assert.deepEqual([acted(node), acted(core)], [[words.attach, words.stop], [words.remove]]);
        assert.equal(core.read('list'), `${CORE_IP}  base, primary, controller, router\n`);
      });

      it('14: removes the entry of an instance that is gone, and only the entry', async () => {
        await core.run(`echo '${OLD_IP}  base, dea' >> list; echo '10.0.0.91  base, dea' >> list`);
        const known = (await run('announceAttach', inputFor(release, { attached: { ip: OLD_IP } }))).known;
        assert.deepEqual(known, { attached: { ip: NODE_IP, stale: [OLD_IP] } });
        assert.deepEqual((await run('removeStale', inputFor(release, known))).known, attached);
        assert.deepEqual([acted(node), acted(core)], [[], [words.removeDead]]);
        assert.match(core.read('list'), /10\.0\.0\.91 /);
      });

      it('says which of them is not there: the entry, or its process', async () => {
        await node.run(`printf 'assigned roles: base dea\\nmbusip: ${CORE_IP}\\n' > info`);
        const input = inputFor(release, attached);
        await failsWith(
          run('awaitAttached', input),
          'NODE_NOT_LISTED',
          /^The core does not list 10\.0\.0\.6: .*10\.0\.0\.5/s,
        );
        await core.run(`echo '${NODE_IP}  base, stager' >> list`);
        if (RELEASES[release].nodeListText.value === 'addresses and roles')
          await failsWith(run('awaitAttached', input), 'NODE_NOT_LISTED', /lists 10\.0\.0\.6 without dea/);
        await core.run(`echo '${NODE_IP}  base, dea' >> list`);
        await node.run('echo "dea STARTING" > processes; echo no > ready');
        await failsWith(run('awaitAttached', input), 'KATO_NOT_READY', /Not up yet: dea STARTING/);
      });
    });
  }

  it('never asks for the status of the whole cluster where there is a list of nodes: it hangs while one is down', async () => {
    await run('attachNode', inputFor('3.4.2', attached));
    await run('awaitAttached', inputFor('3.4.2', attached));
    await run('detachNode', inputFor('3.4.2', attached));
    for (const vm of [core, node]) assert.ok(!/^status/m.test(vm.read('ran')), vm.read('ran'));
  });

  describe('before it attaches', () => {
    const refused = async (code: ErrorCode, words: RegExp): Promise<void> => {
      await failsWith(run('attachNode', inputFor('3.4.2', attached)), code, words);
      assert.deepEqual(acted(node), []);
    };

    it('14: refuses a node with another version, naming both', async () => {
      await core.run('echo "Stackato 3.4.1" > version');
      await refused('NODE_VERSION', /the node has Stackato 3\.4\.2, and the core 3\.4\.1/i);
    });

    it('14: refuses a node of another core, or whose core has another address by now', async () => {
      await node.run(`printf 'assigned roles: base dea\\nmbusip: 10.0.0.77\\n' > info`);
      await refused('NODE_OF_OTHER_CORE', /a core at 10\.0\.0\.77, and that of this deployment is at 10\.0\.0\.5/);
    });

    it('14: looks whether the node reaches the core, and waits for it (bug 102297)', async () => {
      node.program('nc', 'echo "$@" >> "$HOME/tried"; [ -e "$HOME/open-$5" ]');
      await refused('CORE_UNREACHABLE', /neither ssh \(port 22\) nor the message bus \(port 4222\) answers/);
      assert.equal(node.read('tried'), '-z -w 4 10.0.0.5 22\n-z -w 4 10.0.0.5 4222\n');
      await node.run('touch open-4222');
      assert.equal((await run('attachNode', inputFor('3.4.2', attached))).changed, true);
    });

    it('waits for a core that has just booted, and for the node itself', async () => {
      await core.run('echo "router STARTING" > processes; echo no > ready');
      await refused('KATO_NOT_READY', /router STARTING/);
      await core.run('echo READY > ready');
      await node.run('echo "mysql STARTING" > processes; echo no > ready');
      await refused('KATO_NOT_READY', /mysql STARTING/);
    });
  });

  describe('while the core reboots', () => {
    it('14: attaches once more in the next boot of the core, and once only', async () => {
      await node.run('touch broken');
      await core.run('echo "router STOPPED" > processes; echo no > ready; rm ready; touch down');
      // It was ready when the command was started, and is not any more.
      core.program(
        'kato',
        `[ "$*" = 'process list' ] && [ ! -e "$HOME/asked" ] && { : > "$HOME/asked"; echo 'router RUNNING'; exit; }\n${kato(core.home)}`,
      );
      await failsWith(run('attachNode', inputFor('3.4.2', attached)), 'KATO_NOT_READY', /router STOPPED/);
      await node.run('rm broken');
      await core.run('echo "router RUNNING" > processes; echo READY > ready');
      bootOfCore = '22222222-2222-4222-8222-222222222222';
      assert.equal((await run('attachNode', inputFor('3.4.2', attached))).changed, true);
      assert.equal((await run('attachNode', inputFor('3.4.2', attached))).changed, true);
      assert.deepEqual(acted(node), ['node attach -e dea 10.0.0.5', 'node attach -e dea 10.0.0.5']);
    });

    it('14: watches a command of the boot before to its end, and then runs its own', async () => {
      await node.run('touch slow broken');
      const before = { deployment: 'dev', step: 'attach', need: 'run1-1-core-00000000' };
      await node.run(startJob(before, 'kato node attach -e dea 10.0.0.5').command);
      await eventually(() => (acted(node).length === 1 ? true : undefined));
      const run1 = run('attachNode', inputFor('3.4.2', attached));
      // It reads the log of the other.
      await eventually(() =>
        node.sent.some(({ command }) => command.includes(before.need) && command.endsWith('report "$n" 0'))
          ? true
          : undefined,
      );
      await node.run('rm slow');
      await failsWith(run1, 'NOT_YET', /earlier run of kato node attach -e dea 10\.0\.0\.5 has just ended/);
      await node.run('rm broken');
      assert.equal((await run('attachNode', inputFor('3.4.2', attached))).changed, true);
      assert.equal(acted(node).length, 2);
    });

    it('14: attaches once more if the core is ready again by the time the command ends without effect', async () => {
      await node.run('touch slow broken');
      const first = run('attachNode', inputFor('3.4.2', attached));
      await eventually(() => (acted(node).length === 1 ? true : undefined));
      bootOfCore = '22222222-2222-4222-8222-222222222222';
      await node.run('rm slow');
      await failsWith(first, 'NOT_YET', /The core has rebooted while the node attached/);
      await node.run('rm broken');
      assert.equal((await run('attachNode', inputFor('3.4.2', attached))).changed, true);
      assert.equal(acted(node).length, 2);
    });

    it('14: parks without the effect if the core has been up all the time', async () => {
      await node.run('touch broken');
      for (let i = 0; i < 2; i++)
        await failsWith(run('attachNode', inputFor('3.4.2', attached)), 'COMMAND_NO_EFFECT', /cannot connect to redis/);
      assert.equal(acted(node).length, 1);
    });

    it('14: starts processes that are FATAL after 90 s without the core, once', async () => {
      await run('attachNode', inputFor('2.10.6', attached));
      await node.run('printf "systail FATAL\\ndea RUNNING\\n" > processes; echo no > ready');
      await run('awaitAttached', inputFor('2.10.6', attached));
      await run('awaitAttached', inputFor('2.10.6', attached));
      assert.deepEqual(acted(node).slice(1), ['start']);
      // Of a role that is off: everything else is up.
      await node.run('echo "systail FATAL" > processes; echo READY > ready');
      await run('awaitAttached', inputFor('2.10.6', attached));
      assert.equal(acted(node).length, 2);
    });
  });

  describe('taken back', () => {
    const gone = (): void => void (instances = []);

    it('does nothing for a node that was never announced', async () => {
      assert.equal((await run('detachNode', inputFor('3.4.2'))).changed, false);
      assert.deepEqual(
        [core.sent, node.sent].map(({ length }) => length > 0),
        [true, true],
      );
      assert.deepEqual([acted(node), acted(core)], [[], []]);
    });

    it('neither stops nor removes a node that was announced and never attached', async () => {
      const outcome = await run('detachNode', inputFor('3.4.2', attached));
      assert.deepEqual([outcome.changed, outcome.note], [false, `${NODE_IP} (it was not attached)`]);
      assert.deepEqual([acted(node), acted(core)], [[], []]);
    });

    it('14: removes a node that is gone, without a word to it', async () => {
      await core.run(`echo '${NODE_IP}  base, dea' >> list`);
      gone();
      nodeUp = false;
      const outcome = await run('detachNode', inputFor('3.4.2', attached));
      assert.deepEqual([outcome.changed, outcome.note], [true, `${NODE_IP} (nothing to stop)`]);
      assert.deepEqual(acted(core), [`node remove --skip-detach ${NODE_IP}`]);
    });

    it('waits for a machine that is going down, and for one that lives and does not answer', async () => {
      instances = [{ ...instances[0]!, state: 'shutting-down' }];
      await failsWith(run('detachNode', inputFor('3.4.2', attached)), 'NOT_YET', /i-node is shutting down/);
      instances = [{ ...instances[0]!, state: 'running' }];
      nodeUp = false;
      await failsWith(run('detachNode', inputFor('3.4.2', attached)), 'SSH_UNREACHABLE', /does not answer/);
      assert.deepEqual(acted(core), []);
    });

    it('14: leaves an entry alone whose address another machine has by now', async () => {
      core.program('nc', '[ "$4" = 10.0.0.9 ]');
      await core.run(`echo '${OLD_IP}  base, dea' >> list; echo '${NODE_IP}  base, dea' >> list`);
      gone();
      const known = { attached: { ip: NODE_IP, stale: [OLD_IP] } };
      const outcome = await run('detachNode', inputFor('3.4.2', known));
      assert.equal(outcome.note, `${NODE_IP}, ${OLD_IP} is another machine now (nothing to stop)`);
      assert.deepEqual(acted(core), [`node remove --skip-detach ${NODE_IP}`]);
    });

    it('14: leaves an entry alone whose address another node has by now, though that node is just rebooting', async () => {
      core.program('nc', 'exit 1');
      await core.run(`echo '${OLD_IP}  base, dea' >> list`);
      instances.push({ id: 'i-other', state: 'running', type: 'm1.large', privateIp: OLD_IP, groups: [] });
      const known = { attached: { ip: NODE_IP, stale: [OLD_IP] } };
      assert.equal((await run('removeStale', inputFor('3.4.2', known))).changed, false);
      assert.deepEqual(acted(core), []);
      assert.match(core.read('list'), /10\.0\.0\.9 /);
    });

    it('14: an entry of an earlier instance, whose address another node has by now, is not removed with a node that lives', async () => {
      await core.run(`echo '${OLD_IP}  base, dea' >> list`);
      instances.push({ id: 'i-other', state: 'running', type: 'm1.large', privateIp: OLD_IP, groups: [] });
      // Launched again, and parked before it was announced by its new address.
      const outcome = await run('detachNode', inputFor('3.4.2', { attached: { ip: OLD_IP } }));
      assert.equal(outcome.note, `${OLD_IP} is another machine now (nothing to stop)`);
      assert.deepEqual([acted(node), acted(core)], [[], []]);
      assert.match(core.read('list'), /10\.0\.0\.9 /);
    });

    it('14: waits for a removal that hangs for minutes, and does not repeat it (bug 102494)', async () => {
      await core.run(`echo '${NODE_IP}  base, dea' >> list; touch slow`);
      gone();
      const first = run('detachNode', inputFor('2.10.6', attached));
      await eventually(() => (acted(core).length === 1 ? true : undefined));
      const second = run('detachNode', inputFor('2.10.6', attached));
      await core.run('rm slow');
      assert.deepEqual([(await first).changed, (await second).changed], [true, true]);
      assert.deepEqual(acted(core), [`node remove ${NODE_IP}`]);
    });

    it('14: keeps the removals of two nodes apart, even for one need', async () => {
      await core.run(`echo '${NODE_IP}  base, dea' >> list; echo '${OLD_IP}  base, dea' >> list; touch slow`);
      gone();
      const input = inputFor('2.10.6', attached);
      const both = Promise.all([
        run('detachNode', input),
        run('detachNode', { ...input, node: 'dea-2', known: { ...input.known, attached: { ip: OLD_IP } } }),
      ]);
      await eventually(() => (acted(core).length === 2 ? true : undefined));
      await core.run('rm slow');
      await both;
      assert.deepEqual(acted(core).sort(), [`node remove ${NODE_IP}`, `node remove ${OLD_IP}`]);
    });

    it('does not take an empty or broken list for one without the node', async () => {
      await core.run(`echo 'undefined method for nil' > list`);
      gone();
      await failsWith(run('detachNode', inputFor('2.10.6', attached)), 'COMMAND_NO_EFFECT', /node remove 10\.0\.0\.6/);
      assert.deepEqual(acted(core), [`node remove ${NODE_IP}`]);
    });
  });

  it('keeps the addresses of all earlier instances until they are off the list, and none twice', async () => {
    const announced = async (known: Partial<Known>): Promise<unknown> =>
      (await run('announceAttach', inputFor('3.4.2', known))).known;
    assert.deepEqual(await announced({}), attached);
    assert.deepEqual(await announced(attached), attached);
    assert.deepEqual(await announced({ attached: { ip: OLD_IP, stale: ['10.0.0.8', NODE_IP] } }), {
      attached: { ip: NODE_IP, stale: ['10.0.0.8', OLD_IP] },
    });
    assert.equal((await run('removeStale', inputFor('3.4.2', attached))).changed, false);
  });
});
