/** What must hold on a machine once its deployment is ready. */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { DeploymentView } from '../../src/deployment/messages';
import { eventually } from '../support/wait';
import type { RealDeployment } from './real-deployment';
import type { Guest } from './guest';

const RESOLVER_FIRST = /^search containers\..*\nnameserver 127\.0\.0\.1$/;

/** The new name is set everywhere, the resolver is in place, and the console answers under the new name. */
export async function assertFinished(guest: Guest, host: string, release = '2.6.6'): Promise<void> {
  const [label = ''] = host.split('.');
  assert.ok([host, label].includes((await guest.file('/etc/hostname')).trim()));
  assert.ok([host, label].includes((await guest.run('hostname')).trim()));
  assert.match(await guest.file('/etc/hosts'), new RegExp(`\\s${host.replaceAll('.', '\\.')}\\s`));
  const certificate = new X509Certificate(await guest.file('/etc/ssl/certs/stackato.crt'));
  assert.match(certificate.subject, new RegExp(`^CN=${host.replaceAll('.', '\\.')}$`, 'm'));
  await assertResolver(guest);
  assert.match(
    await guest.run(`curl -sk --resolve api.${host}:443:127.0.0.1 https://api.${host}/info`),
    new RegExp(`"vendor_version": ?"v${release.replaceAll('.', '\\.')}"`),
  );
}

/** The containers of the image are all there, as they were, behind the link and on the volume. */
export async function assertStoreOnVolume(guest: Guest): Promise<void> {
  assert.equal(await guest.run('readlink /lxc/containers'), '/mnt/lxc/containers\n');
  const source = (await guest.run('findmnt -n -o SOURCE /mnt/lxc')).trim();
  assert.match(await guest.run(`lsblk --noheadings --nodeps --output SERIAL ${source}`), /^vol-/);
  // Made when the image was built.
  const list = '/usr/lib/stackato/containers.sha256';
  assert.match(await guest.file(list), /droplet\.tgz$/m);
  assert.equal(await guest.asRoot(`cd /lxc/containers && sha256sum --check --quiet ${list}`), '');
  assert.match(await guest.file('/etc/fstab'), /^UUID=\S+ \/mnt\/lxc ext4 \S*nofail/m);
  assert.equal(await guest.asRoot('ls /lxc'), 'containers\n');
}

/** The deployment leaves nothing that other users could read or use. */
export async function assertPrivate(guest: Guest): Promise<void> {
  assert.doesNotMatch(await guest.asRoot('cat /etc/sudoers /etc/sudoers.d/*'), /^[^#]*NOPASSWD/m);
  assert.equal(
    (await guest.asRoot('find /home/stackato/.stackato-deploy -perm /077')).trim(),
    '',
    'no file of the journal is open to others',
  );
  assert.notEqual(
    (await guest.asRoot('find /home/stackato/.stackato-deploy -name rc')).trim(),
    '',
    'there is a journal',
  );
}

/** The machine was rebooted exactly once, and one more reboot keeps the resolver in place. */
export async function assertReboots(
  deployment: RealDeployment,
  guest: Guest,
  { facts }: DeploymentView,
): Promise<void> {
  assert.equal(await guest.boots(), 2, 'exactly one more boot');
  assert.equal((await guest.file('/proc/sys/kernel/random/boot_id')).trim(), facts.nodes.core.reboot?.after);
  // The connection may break before the command ends.
  await guest.asRoot('reboot').catch(() => undefined);
  const again = await eventually(
    'it is back from another reboot',
    async () => {
      const next = await deployment.login();
      if ((await next.boots().catch(() => 0)) === 3) return next;
      next.close();
      return undefined;
    },
    240_000,
  );
  await assertResolver(again);
  again.close();
}

async function assertResolver(guest: Guest): Promise<void> {
  const lines = (await guest.file('/etc/resolv.conf'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.match(lines.slice(0, 2).join('\n'), RESOLVER_FIRST);
}
