/**
 * The whole runbook on real machines, from image files to the web console: the published image boots under QEMU, with
 * the real OpenSSH and sudo, and the machine's own files tell what was done to it. All scenarios run at once, since
 * they mostly wait, and share one worker, which is killed meanwhile.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DeploymentView } from '../../src/deployment/messages';
import { packAndServe } from '../support/image-store';
import { withPath } from '../../src/machine/shell';
import { expectedCommands } from '../support/once';
import { eventually } from '../support/wait';
import type { WebServer } from '../support/web-server';
import { KEYS, KIND, openSite, RealDeployment, replaceWorker, startWorker } from './real-deployment';
import type { VmSite } from './real-deployment';
import { builtImage } from '../../lab/vm';
import { assertFinished, assertPrivate, assertReboots, assertStoreOnVolume } from './checks';
import { SerialConsole } from './serial-console';

/** The questions of `kato op static_ip`, from `npm run test:vm -- --dialogue FILE`. If given, nothing else is tested. */
const CUSTOM_DIALOGUE = process.env.STACKATO_VM_DIALOGUE;
const FACTORY_PASSWORD = 'stackato';
/** Reachable over none of the machine's links. */
const WRONG_GATEWAY = '10.99.99.99';

describe('a real machine', function () {
  this.timeout(1_500_000);
  let site: VmSite;
  let server: WebServer | undefined;
  before(async () => {
    site = await openSite();
  });
  after(async () => {
    await server?.stop();
    await site.close();
  });

  const staticAddress = async (): Promise<void> => {
    let worker = await startWorker(site);
    const deployment = await RealDeployment.start(
      site,
      'static',
      { network: 'static' },
      {
        dialogue: CUSTOM_DIALOGUE ?? 'coloured',
        auth: ['password'],
        banner: 'Stackato 2.6.6 -- authorized use only.\n',
        maxSessionsOne: true,
        maxStartups: 1,
      },
    );
    await eventually(
      'the root image is being uploaded',
      () =>
        site.lab
          .storeCalls(KIND)
          .filter(({ action, key }) => action === 'PutObject' && key.startsWith('stackato-2.6.6.part.')).length > 2,
      120_000,
    );
    worker = await replaceWorker(site, worker);
    await deployment.until('the reboot is about to be requested', ({ facts }) => facts.nodes.core.reboot !== undefined);
    worker = await replaceWorker(site, worker);
    await deployment.started('setup core');
    await replaceWorker(site, worker);
    const view = await deployment.ready();

    const guest = await deployment.login();
    assert.match(await guest.file('/etc/network/interfaces'), /iface eth0 inet static\n(.*\n)*\s+gateway /);
    assert.deepEqual(await guest.changingCommands(), expectedCommands('static', site.lab.state.dns.zone));
    await assertFinished(guest, deployment.host);
    assert.equal(await guest.run('command -v cloud-init; ls -d /etc/cloud /var/lib/cloud 2> /dev/null'), '');
    await assertPrivate(guest);
    await assertReboots(deployment, guest, view);
  };

  const dhcp = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'dhcp',
      {
        release: '2.6.7',
        network: 'dhcp',
        ssh: { port: site.lab.state.ports.ssh, password: { env: 'SITE_SSH_PASSWORD' }, hostKey: 'console' },
      },
      { release: '2.6.7', auth: ['keyboard-interactive'], loginDelay: 1, httpRedirect: true },
    );
    const view = await deployment.ready();
    assert.ok(
      deployment.machine.consoleOutput().includes(view.facts.nodes.core.hostKey ?? 'no host key'),
      'the pinned key is one that the console printed',
    );
    const guest = await deployment.login();
    assert.match(await guest.file('/etc/network/interfaces'), /iface eth0 inet dhcp/);
    assert.deepEqual(await guest.changingCommands(), expectedCommands('dhcp', site.lab.state.dns.zone, 'dhcp'));
    await assertFinished(guest, deployment.host, '2.6.7');
    await assertReboots(deployment, guest, view);

    const { dir, serial } = deployment.machine;
    await deployment.remove();
    assert.deepEqual(
      [dir, serial].filter((path) => existsSync(path)),
      [],
      'QEMU has ended and left nothing behind',
    );
    assert.deepEqual(site.lab.machines('dhcp'), []);
  };

  /** docs/recovery.md, "Wrong gateway". */
  const wrongGateway = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'cut-off',
      {
        network: { mode: 'static', gateway: WRONG_GATEWAY },
        timing: {
          poll: '8s',
          rebootWait: '15s',
          authGrace: '60s',
          // Longer than an emulated machine takes to shut down: until then it still has its old network.
          deadline: { publish: '8m', launch: '8m', ready: '8m', command: '8m', reboot: '3m' },
        },
      },
      { dialogue: 'confirm' },
    );
    const { steps, facts } = await deployment.settled();
    assert.equal(steps.reboot?.state, 'attention', JSON.stringify(steps));
    assert.equal(steps.reboot.error?.code, 'REBOOT_NOT_SEEN');
    assert.match(
      steps.reboot.error.message,
      new RegExp(
        `has not come back .* Its network was set to: eth0 ${facts.nodes.core.instance?.privateIp ?? ''} netmask \\S+ gateway ${WRONG_GATEWAY} dns `,
      ),
    );

    const console = await SerialConsole.connect(deployment.machine.serial);
    const right = gatewayOf(facts);
    await console.logIn(site.secrets.sshPassword);
    await console.answer(/\$ $/, `sudo sed -i 's/${WRONG_GATEWAY}/${right}/' /etc/network/interfaces && sudo reboot`);
    await console.answer(/password for stackato: $/, site.secrets.sshPassword);
    // A person, too, would wait until the machine is back.
    const guest = await deployment.login();
    console.close();
    await deployment.say('resume');
    await deployment.ready();
    assert.match(await guest.file('/etc/network/interfaces'), new RegExp(`gateway ${right}\n`));
    assert.deepEqual(await guest.changingCommands(), expectedCommands('cut-off', site.lab.state.dns.zone));
    guest.close();
  };

  const powerLoss = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'unplugged',
      {
        network: 'static',
        ssh: { port: site.lab.state.ports.ssh, key: { env: 'SITE_SSH_KEY' }, password: { env: 'SITE_SSH_PASSWORD' } },
      },
      { dialogue: 'carriage', auth: ['publickey'], authorizedKey: KEYS.public, katoTakes: 8_000 },
    );
    const login = { privateKey: KEYS.private };
    await deployment.started('setup core', login);
    await deployment.machine.pullPlug();
    await deployment.machine.powerOn();
    const first = await deployment.settled();
    if (first.stage === 'needs-attention') {
      assert.equal(first.steps['setup-core']?.error?.code, 'COMMAND_NO_EFFECT', JSON.stringify(first.steps));
      await deployment.say('resume');
    }
    await deployment.ready();
    const guest = await deployment.login(login);
    const commands = await guest.changingCommands();
    const [, , , core = '', enable = ''] = expectedCommands('unplugged', site.lab.state.dns.zone);
    // It was interrupted before it took effect. Only then may it run once more.
    assert.deepEqual(commands, [
      ...expectedCommands('unplugged', site.lab.state.dns.zone).slice(0, 3),
      core,
      core,
      enable,
    ]);
    await assertFinished(guest, deployment.host);
    guest.close();
  };

  /** The image is packed, and installed from a plain web server. */
  const cloudInit = async (): Promise<void> => {
    const name = 'first-boot';
    const host = `${name}.${site.lab.state.dns.zone}`;
    const files = site.imageFrom('stackato-3.4.2', KIND, builtImage('cloud-init'));
    const packed = { release: '3.4.2', image: { ...files, cloudInit: true } };
    server = await packAndServe(site, KIND, packed, join(site.dir, 'store'));
    const { bucket, signing } = files;
    const deployment = await RealDeployment.start(
      site,
      name,
      {
        release: '3.4.2',
        image: { name: 'stackato-3.4.2', catalog: server.url, bucket, signing, cloudInit: true },
        // 3.4 needs 3.75 GiB.
        instance: { type: 'm1.large', key: 'lab', cloudInit: { passwords: true, bootcmd: ['touch /etc/bootcmd-ran'] } },
        network: 'static',
        storage: { containers: { volume: 1 } },
        admin: {
          email: 'admin@example.com',
          username: 'admin',
          password: { env: 'SITE_ADMIN_PASSWORD' },
          organization: 'ops',
          space: 'main',
        },
      },
      { release: '3.4.2', password: FACTORY_PASSWORD },
    );
    const view = await deployment.ready();
    const guest = await deployment.login();
    assert.match(await guest.run('ls /etc/bootcmd-ran'), /^\/etc\/bootcmd-ran\n$/);
    const { privateIp = '' } = view.facts.nodes.core.instance ?? {};
    assert.match(
      await guest.file('/etc/network/interfaces'),
      new RegExp(`static\\n(.*\\n)*\\s+address ${privateIp}\\n`),
    );
    // The rename is cloud-init's.
    assert.deepEqual(
      (await guest.changingCommands()).map((line) => line.replace(/^op static_ip --.*/, 'op static_ip')),
      [
        `node rename ${host}`,
        'stop',
        'start',
        'op static_ip',
        'role remove mdns',
        `node setup core api.${host}`,
        'role add --all-but mdns',
      ],
    );
    await assertFinished(guest, host, '3.4.2');
    await assertPrivate(guest);
    await assertStoreOnVolume(guest);
    await assertReboots(deployment, guest, view);
    const again = await deployment.login();
    await assertStoreOnVolume(again);
    again.close();
    await deployment.remove();
    assert.deepEqual(site.lab.machines(name), []);
  };

  const cluster = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'cluster',
      { release: '2.6.7', network: 'static', nodes: { dea: { roles: ['dea'], count: 1 } } },
      { release: '2.6.7', auth: ['password'] },
    );
    const view = await deployment.ready();
    assert.deepEqual(
      Object.entries(view.nodes).map(([name, { stage }]) => [name, stage]),
      [['dea-1', 'ready']],
    );
    const addressOf = (node: string): string => view.facts.nodes[node]?.instance?.privateIp ?? 'none';
    const [core, dea] = [addressOf('core'), addressOf('dea-1')];
    const guest = await deployment.login();
    const node = await deployment.login({ host: dea, through: guest });
    assert.match(
      await node.run('echo $SSH_CONNECTION'),
      new RegExp(`^${core} \\d+ ${dea} ${site.lab.state.ports.ssh}$`, 'm'),
    );

    // As the core sees it, and its console.
    const shown = await guest.run(withPath('kato status --all'));
    assert.match(shown, new RegExp(`^${core} .*RUNNING\n[^]*^${dea} +dea +RUNNING$`, 'm'));
    const console = await guest.run(
      `curl -sk --resolve api.${deployment.host}:443:127.0.0.1 https://api.${deployment.host}/stackato/info`,
    );
    const { nodes } = JSON.parse(console) as { nodes: Record<string, { roles: string[] }> };
    assert.deepEqual(Object.keys(nodes), [core, dea]);
    assert.deepEqual(nodes[dea], { roles: ['dea'] });
    // As the machines' own network sees it.
    assert.match(await guest.run('ss -tn state established'), new RegExp(` ${core}:4222 +${dea}:\\d+`));

    const commands = await guest.changingCommands();
    assert.deepEqual(commands.slice(0, 4), expectedCommands('cluster', site.lab.state.dns.zone).slice(0, 4));
    assert.deepEqual(
      commands.slice(4).filter((line) => !/^enable \w+$/.test(line)),
      [],
    );
    assert.deepEqual(await node.changingCommands(), [
      'op static_ip',
      `rename dea-1.${deployment.host}`,
      'disable mdns',
      `attach -e dea ${core}`,
    ]);
    for (const on of [guest, node]) {
      assert.match(await on.file('/etc/network/interfaces'), /iface eth0 inet static\n/);
      assert.equal(await on.boots(), 2, 'exactly one more boot');
      await assertPrivate(on);
    }
    await assertFinished(guest, deployment.host, '2.6.7');

    await deployment.remove();
    assert.deepEqual([...site.lab.machines('cluster'), ...site.lab.machines('cluster-nodes')], []);
  };

  const scenarios: Readonly<Record<string, () => Promise<void>>> = {
    'succeeds with a static address: password only, a banner, one channel and one login at a time; worker killed during upload, reboot and setup core':
      staticAddress,
    ...(CUSTOM_DIALOGUE === undefined
      ? {
          'succeeds with DHCP and 2.6.7: host key from the console, keyboard-interactive only, slow name lookups in sshd':
            dhcp,
          'parks with a wrong gateway, tells what was written, and resumes once it is fixed on the serial console':
            wrongGateway,
          '13: cloud-init image of 3.4.2, from pack to the console, with the container store on a volume': cloudInit,
          '14: core + DEA from image files to a console that lists both, the DEA reached through the core only':
            cluster,
          'loses power during setup core: key only; goes on or parks, and repeats nothing that took effect': powerLoss,
        }
      : {}),
  };
  let runs: ReadonlyMap<string, Promise<void>>;
  before(() => {
    runs = new Map(Object.entries(scenarios).map(([title, run]) => [title, run()]));
    // The test that awaits it reports its failure.
    for (const run of runs.values()) run.catch(() => undefined);
  });
  for (const title of Object.keys(scenarios)) it(title, () => runs.get(title));
});

function gatewayOf({
  nodes: {
    core: { instance },
  },
}: DeploymentView['facts']): string {
  const own = instance?.privateIp?.replace(/\d+$/, '') ?? '';
  return instance?.privateIp === `${own}1` ? `${own}254` : `${own}1`;
}
