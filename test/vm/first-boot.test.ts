/** A real machine of the lab by itself: its cloud-init and its disks, as the guest and as QEMU's files show them. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_KNOBS } from '../../lab/knobs';
import { builtImage } from '../../lab/vm';
import { QemuMachine } from '../../lab/vm/machine';
import { parseFirstBoot, READ_FIRST_BOOT } from '../../src/machine/first-boot';
import { parseSections } from '../../src/machine/shell';
import { freePort } from '../support/ports';
import { eventually } from '../support/wait';
import { Guest } from './guest';

const NAME = 'dev.stackato.test';
const PASSWORD = 'from-user-data';
const USER_DATA = Buffer.from(`#cloud-config
stackato:
  extname: ${NAME}
ssh_pwauth: true
chpasswd:
  expire: false
  list: ${JSON.stringify(`stackato:${PASSWORD}\n`)}
bootcmd:
  - touch /etc/bootcmd-ran
`);
const INSTANCE = 'i-4cb0f3a1';
const LIMIT_MS = 400_000;
const MOUNT = '/mnt/lxc/containers';

describe("a real machine's first boot and disks", function () {
  this.timeout(LIMIT_MS);
  let folder: string;
  let machine: QemuMachine;
  let guest: Guest;
  let port: number;

  const volume = (): { id: string; size: number; dir: string } => ({
    id: 'vol-5a1e77c0',
    size: 1,
    dir: join(folder, 'volume'),
  });
  const login = (password = PASSWORD): Promise<Guest> =>
    eventually(
      'the test is logged in',
      () => Guest.connect({ host: '127.0.0.1', port, password }).catch(() => undefined),
      LIMIT_MS,
    );
  const disks = async (): Promise<string> =>
    (await guest.run('lsblk --noheadings --output NAME,SIZE,SERIAL')).replace(/ +$/gm, '');

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stackato-vm-test-'));
    mkdirSync(volume().dir);
    mkdirSync(join(folder, INSTANCE));
    port = await freePort();
    machine = await QemuMachine.create(
      {
        instanceId: INSTANCE,
        privateIp: '10.1.2.11',
        memory: 2048,
        dir: join(folder, INSTANCE),
        knobs: { ...DEFAULT_KNOBS, readyDelay: 2_000, katoTakes: 1_000 },
        ports: { ssh: port, http: 80, https: 443 },
        image: builtImage('cloud-init'),
        userData: USER_DATA,
        ephemeral: 1,
      },
      process.env.STACKATO_VM_KVM !== undefined,
    );
    await machine.setRules([{ port, cidr: '0.0.0.0/0' }]);
    await machine.setPublicIp('127.0.0.1');
  });
  after(async () => {
    guest?.close();
    await machine?.terminate();
    rmSync(folder, { recursive: true, force: true });
  });

  it('does what its user data says, with the cloud-init of Debian', async () => {
    guest = await login();
    // sudo's lecture, which comes once.
    await guest.asRoot('true');
    const seen = await eventually(
      'its first boot is over',
      async () => {
        const boot = parseFirstBoot(parseSections(await guest.run(READ_FIRST_BOOT)) ?? {}, true);
        return boot.over ? boot : undefined;
      },
      LIMIT_MS,
    );
    assert.deepEqual([seen.failures, seen.unreadable], [[], []]);
    assert.match(await guest.run('cloud-init status --long'), /status: done[^]*DataSourceEc2/);
    assert.equal(await guest.run('cat /var/lib/cloud/data/instance-id'), `${INSTANCE}\n`);
    assert.match(await guest.run('ls /etc/bootcmd-ran'), /^\/etc\/bootcmd-ran\n$/);
    assert.equal(await guest.run('hostname'), `${NAME}\n`);
    assert.deepEqual(await guest.changingCommands(), [`rename ${NAME}`]);
    await assert.rejects(Guest.connect({ host: '127.0.0.1', port, password: DEFAULT_KNOBS.password }));
    const key = (await guest.run('cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
    assert.ok(machine.consoleOutput().includes(key), 'the new host key is on the console');
  });

  it('has a metadata service that answers several at once, and shows nothing else of the host', async () => {
    const at = 'http://169.254.169.254';
    assert.equal(await guest.run(`curl -s ${at}/latest/meta-data/instance-id`), INSTANCE);
    assert.equal(await guest.run(`curl -s ${at}/2009-04-04/meta-data/local-ipv4`), '10.1.2.11');
    assert.equal(await guest.run(`curl -s ${at}/latest/meta-data/block-device-mapping/ephemeral0`), 'vdb');
    const served = await guest.run(`curl -s ${at}/latest/user-data | sha256sum`);
    assert.equal(served.split(' ')[0], createHash('sha256').update(USER_DATA).digest('hex'));
    const ids = `for i in 1 2 3 4 5 6; do curl -s ${at}/latest/meta-data/instance-id & done; wait`;
    assert.equal(await guest.run(ids), INSTANCE.repeat(6));
    const status = (path: string): Promise<string> =>
      guest.run(`curl -s --path-as-is -o /dev/null -w '%{http_code}' ${at}/${path}`);
    for (const path of ['2019-10-01/meta-data/', 'latest/dynamic', 'latest/../settings.json', 'latest/%2e%2e/x'])
      assert.equal(await status(path), '404', path);
  });

  it('has an empty ephemeral disk, and gets a volume while it runs', async () => {
    assert.match(await disks(), /^vda +1\.6G\nvdb +1G\n$/m);
    assert.equal(await guest.asRoot('blkid -p /dev/vdb'), '');
    await machine.attachVolume(volume(), '/dev/vdc');
    await eventually(
      'the volume is there',
      async () => /^vdc +1G vol-5a1e77c0$/m.test(await disks()) || undefined,
      60_000,
    );
    const script = `set -e; mkfs.ext4 -q /dev/vdc; mkdir -p ${MOUNT}; mount /dev/vdc ${MOUNT}
      rsync -a /lxc/containers/ ${MOUNT}/; echo "UUID=$(blkid -o value -s UUID /dev/vdc) ${MOUNT} ext4 defaults,nofail 0 2" >> /etc/fstab; sync`;
    assert.equal(await guest.asRoot(script), '');
    assert.equal(await guest.asRoot(`diff -r /lxc/containers ${MOUNT} | grep -v lost+found`), '');
    assert.equal(readFileSync(join(volume().dir, 'disk.raw')).readUInt16LE(0x438), 0xef53, "ext4's magic number");
  });

  it('finds them at the same place after a power failure, and does not repeat its first boot', async () => {
    guest.close();
    await machine.pullPlug();
    await machine.powerOn();
    guest = await login();
    await eventually(
      'the volume is mounted',
      async () => /^\/dev\/vdc/.test(await guest.run(`findmnt -n -o SOURCE ${MOUNT}`)) || undefined,
      120_000,
    );
    assert.equal(await guest.asRoot(`diff -r /lxc/containers ${MOUNT} | grep -v lost+found`), '');
    assert.match(await disks(), /^vdb +1G\nvdc +1G vol-5a1e77c0\n$/m);
    assert.deepEqual(await guest.changingCommands(), [`rename ${NAME}`]);
    assert.equal(await guest.run('hostname'), `${NAME}\n`);
  });

  it('gives the volume back, with what is on it, and can get it again', async () => {
    await guest.asRoot(`umount ${MOUNT}`);
    await machine.detachVolume(volume().id);
    assert.match(await disks(), /^vdb +1G\n$/m);
    await machine.attachVolume(volume(), '/dev/vdd');
    const mounted = `mount "$(blkid -t TYPE=ext4 -o device | grep -v vda)" ${MOUNT} && diff -r /lxc/containers ${MOUNT} | grep -v lost+found; findmnt -n -o FSTYPE ${MOUNT}`;
    await eventually('the volume is there', async () => /vol-5a1e77c0$/m.test(await disks()) || undefined, 60_000);
    assert.equal(await guest.asRoot(mounted), 'ext4\n');
    await assert.rejects(machine.attachVolume({ ...volume(), id: 'vol-other' }, '/dev/vdd'), /already has a volume/);
  });
});
