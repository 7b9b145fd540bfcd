/** Two real machines of the lab by themselves, on one private network: a core, and a node that only the core reaches. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_KNOBS } from '../../lab/knobs';
import { builtImage } from '../../lab/vm';
import { QemuMachine } from '../../lab/vm/machine';
import { withPath } from '../../src/machine/shell';
import { freePort } from '../support/ports';
import { eventually } from '../support/wait';
import { Guest } from '../vm/guest';

const RELEASE = '2.10.6';
const PASSWORD = 'stackato';
/** In different subnets, as on most clouds. */
const [CORE, NODE] = ['10.1.2.11', '10.9.2.12'];
const LIMIT_MS = 400_000;
const STATIC = 'iface eth0 inet static';

describe('14: real machines on a private network', function () {
  this.timeout(LIMIT_MS);
  let folder: string;
  let port: number;
  let machines: { core: QemuMachine; node: QemuMachine };
  let core: Guest;
  let node: Guest;

  const create = (instanceId: string, privateIp: string): Promise<QemuMachine> => {
    const dir = join(folder, instanceId);
    mkdirSync(dir);
    return QemuMachine.create(
      {
        instanceId,
        privateIp,
        lan: 'test',
        memory: 2048,
        dir,
        knobs: {
          ...DEFAULT_KNOBS,
          release: RELEASE,
          sudoAsks: false,
          readyDelay: 1_000,
          katoTakes: 1_000,
          statusWithDeadNode: 'works',
        },
        ports: { ssh: port, http: 80, https: 443 },
        image: builtImage(),
      },
      process.env.STACKATO_VM_KVM !== undefined,
    );
  };
  /** @param boots that many boots of both: a machine may let in while it goes down */
  const logInToBoth = (boots: number): Promise<true> =>
    eventually(
      `the test is logged in to both, and to the node through the core`,
      async () => {
        try {
          core = await Guest.connect({ host: '127.0.0.1', port, password: PASSWORD });
          node = await Guest.connect({ host: NODE, port, password: PASSWORD, through: core });
          if ((await core.boots()) === boots && (await node.boots()) === boots) return true;
        } catch {
          // Not yet.
        }
        core?.close();
        return undefined;
      },
      LIMIT_MS,
    );
  const kato = (on: Guest, words: string, typed = ''): Promise<string> => on.run(withPath(`kato ${words}`), typed);
  const coreShows = async (pattern: RegExp): Promise<string> =>
    eventually(
      `kato status on the core shows ${String(pattern)}`,
      async () => {
        const shown = await kato(core, 'status --all');
        return pattern.test(shown) ? shown : undefined;
      },
      LIMIT_MS,
    );
  const ready = (on: Guest): Promise<true> =>
    eventually('kato is ready', async () => /^READY/m.test(await kato(on, 'process ready all')) || undefined, LIMIT_MS);
  const line = (ip: string): string => `(?:${ip} +\\w+ +RUNNING\n)+`;
  const BOTH = new RegExp(`^${line(CORE)}${line(NODE)}$`);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stackato-vm-test-'));
    port = await freePort();
    machines = { core: await create('i-000c04e0', CORE), node: await create('i-0000d0de', NODE) };
    await machines.core.setRules([{ port, cidr: '0.0.0.0/0' }]);
    await machines.core.setPublicIp('127.0.0.1');
  });
  after(async () => {
    node?.close();
    core?.close();
    await machines?.node.terminate();
    await machines?.core.terminate();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reaches the node by forwarding through the sshd of the core', async () => {
    await logInToBoth(1);
    assert.match(await node.run('echo $SSH_CONNECTION'), new RegExp(`^${CORE} \\d+ ${NODE} ${port}$`, 'm'));
    const names = await Promise.all([core, node].map((each) => each.file('/proc/sys/kernel/random/boot_id')));
    assert.notEqual(names[0], names[1], 'two machines');
    // The metadata service is on a network of the machine's own.
    const local = `curl -s http://169.254.169.254/latest/meta-data/local-ipv4`;
    assert.deepEqual([await core.run(local), await node.run(local)], [CORE, NODE]);
  });

  it('attaches the node to the core by its private address', async () => {
    await Promise.all([ready(core), ready(node)]);
    await kato(core, 'node setup core api.dev.stackato.test');
    await eventually(
      'the bus of the core is there',
      async () => /:4222/.test(await core.run('ss -tln')) || undefined,
      60_000,
    );
    assert.match(await kato(node, `node attach -e dea ${CORE}`), /starting dea\.\.\. +ok/);
    await coreShows(BOTH);
    assert.match(await kato(core, 'node list'), new RegExp(`^${CORE} +base, .*\n${NODE} +base, dea\n$`));
    assert.match(await core.run('ss -tn state established'), new RegExp(` ${CORE}:4222 +${NODE}:\\d+`));
  });

  it('notices on the core that the node has lost power', async () => {
    for (const [on, address] of [
      [core, CORE],
      [node, NODE],
    ] as const) {
      await kato(on, 'op static_ip', `${address}\n255.255.240.0\n10.1.2.1\n172.16.0.23\ncloud.internal\n`);
      assert.match(await on.file('/etc/network/interfaces'), new RegExp(STATIC));
      await on.asRoot('sync');
    }
    await machines.node.pullPlug();
    await coreShows(new RegExp(`^${line(CORE)}$`));
    assert.match(await kato(core, 'node list'), new RegExp(`^${NODE} `, 'm'), 'it stays in the list');
    node.close();
  });

  it('has its network again after both have booted with a static address', async () => {
    // The connection may break before the command ends.
    await core.asRoot('reboot').catch(() => undefined);
    core.close();
    await machines.node.powerOn();
    await logInToBoth(2);
    for (const on of [core, node]) assert.match(await on.file('/etc/network/interfaces'), new RegExp(STATIC));
    await coreShows(BOTH);
  });

  it('removes the node from the list, and the node learns it', async () => {
    assert.match(await kato(core, `node remove ${NODE}`), /ok\n$/);
    assert.doesNotMatch(await kato(core, 'status --all'), new RegExp(NODE));
    await eventually(
      'the node knows',
      async () => /mbusip: 127\.0\.0\.1/.test(await kato(node, 'info')) || undefined,
      60_000,
    );
  });
});
