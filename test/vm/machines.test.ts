/**
 * The whole runbook on real machines, from image files to the console: what we published boots under QEMU, ssh is OpenSSH, sudo is sudo, and
 * the machine's own files say what was done to it. All at once, since most of it is waiting, on one worker, which is killed meanwhile.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { DeploymentView } from '../../src/deployment/messages';
import { expectedCommands } from '../support/once';
import { eventually } from '../support/wait';
import { KEYS, KIND, openSite, RealDeployment, replaced, worker as newWorker } from './deployments';
import type { VmSite } from './deployments';
import { assertFinished, assertPrivate, assertReboots } from './proofs';
import { Serial } from './serial';

/** A wording of `kato op static_ip` that nobody has seen: then it is all that is tried. */
const STRANGER = process.env.STACKATO_VM_DIALOGUE;
/** On no link of the machine's. */
const WRONG_GATEWAY = '10.99.99.99';

describe('a real machine', function () {
  this.timeout(1_100_000);
  let site: VmSite;
  before(async () => {
    site = await openSite();
  });
  after(() => site.close());

  const statically = async (): Promise<void> => {
    let worker = await newWorker(site);
    const deployment = await RealDeployment.start(
      site,
      'static',
      { network: 'static' },
      {
        dialogue: STRANGER ?? 'coloured',
        auth: ['password'],
        banner: 'Stackato 2.6.6 -- authorized use only.\n',
        maxSessionsOne: true,
        maxStartups: 1,
      },
    );
    await eventually(
      'the root image is on its way',
      () =>
        site.lab
          .storeCalls(KIND)
          .filter(({ action, key }) => action === 'PutObject' && key.startsWith('stackato-2.6.6.part.')).length > 2,
      120_000,
    );
    worker = await replaced(site, worker);
    await deployment.until('the reboot is about to be asked for', ({ facts }) => facts.nodes.core.reboot !== undefined);
    worker = await replaced(site, worker);
    await deployment.started('setup core');
    await replaced(site, worker);
    const view = await deployment.ready();

    const guest = await deployment.login();
    assert.match(await guest.file('/etc/network/interfaces'), /iface eth0 inet static\n(.*\n)*\s+gateway /);
    assert.deepEqual(await guest.changingCommands(), expectedCommands('static', site.lab.state.dns.zone));
    await assertFinished(guest, deployment.host);
    await assertPrivate(guest);
    await assertReboots(deployment, guest, view);
  };

  const byDhcp = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'dhcp',
      {
        network: 'dhcp',
        ssh: { port: site.lab.state.ports.ssh, password: { env: 'SITE_SSH_PASSWORD' }, hostKey: 'console' },
      },
      { auth: ['keyboard-interactive'], loginDelay: 1, httpRedirect: true },
    );
    const view = await deployment.ready();
    assert.ok(
      deployment.machine.consoleOutput().includes(view.facts.nodes.core.hostKey ?? 'no host key'),
      'the pinned key is one that the console printed',
    );
    const guest = await deployment.login();
    assert.match(await guest.file('/etc/network/interfaces'), /iface eth0 inet dhcp/);
    assert.deepEqual(await guest.changingCommands(), expectedCommands('dhcp', site.lab.state.dns.zone, 'dhcp'));
    await assertFinished(guest, deployment.host);
    await assertReboots(deployment, guest, view);

    const { dir, serial } = deployment.machine;
    await deployment.remove();
    assert.deepEqual(
      [dir, serial].filter((path) => existsSync(path)),
      [],
      'QEMU has ended, and left nothing',
    );
    assert.deepEqual(site.lab.machines('dhcp'), []);
  };

  /** docs/recovery.md, "Wrong gateway". */
  const cutOff = async (): Promise<void> => {
    const deployment = await RealDeployment.start(
      site,
      'cut-off',
      {
        network: { mode: 'static', gateway: WRONG_GATEWAY },
        timing: {
          poll: '4s',
          rebootWait: '15s',
          authGrace: '60s',
          deadline: { publish: '8m', launch: '8m', ready: '8m', command: '8m', reboot: '60s' },
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

    const console = await Serial.connect(deployment.machine.serial);
    const right = gatewayOf(facts);
    await console.logIn(site.secrets.sshPassword);
    await console.answer(/\$ $/, `sudo sed -i 's/${WRONG_GATEWAY}/${right}/' /etc/network/interfaces && sudo reboot`);
    await console.answer(/password for stackato: $/, site.secrets.sshPassword);
    // A person waits until it is back, too.
    const guest = await deployment.login();
    console.close();
    await deployment.say('resume');
    await deployment.ready();
    assert.match(await guest.file('/etc/network/interfaces'), new RegExp(`gateway ${right}\n`));
    assert.deepEqual(await guest.changingCommands(), expectedCommands('cut-off', site.lab.state.dns.zone));
    guest.close();
  };

  const unplugged = async (): Promise<void> => {
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
    // It was cut off before its effect: then, and only then, it runs once more.
    assert.deepEqual(commands, [
      ...expectedCommands('unplugged', site.lab.state.dns.zone).slice(0, 3),
      core,
      core,
      enable,
    ]);
    await assertFinished(guest, deployment.host);
    guest.close();
  };

  const scenarios: Readonly<Record<string, () => Promise<void>>> = {
    'passes with a static address: password only, a banner, one channel and one login at a time; worker killed during upload, reboot and setup core':
      statically,
    ...(STRANGER === undefined
      ? {
          'passes with dhcp: its host key known from its console, keyboard-interactive only, a slow lookup of names in sshd':
            byDhcp,
          'parks with a wrong gateway, says what was written, and goes on once that was mended on the serial console':
            cutOff,
          'loses power during setup core: key only; goes on or parks, and runs nothing again whose effect is there':
            unplugged,
        }
      : {}),
  };
  let runs: ReadonlyMap<string, Promise<void>>;
  before(() => {
    runs = new Map(Object.entries(scenarios).map(([title, run]) => [title, run()]));
    // Whoever waits for it is told.
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
