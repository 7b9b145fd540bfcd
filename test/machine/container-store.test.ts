import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moveStore, storeRefusal } from '../../src/machine/container-store';
import type { StoreDisk } from '../../src/machine/container-store';
import { contentsOf, FOLDER, instrumented, PLANTED, StoreMachine } from './store-machine';

const KINDS: readonly StoreDisk['kind'][] = ['ephemeral', 'volume'];
const PLANT = `C=/lxc/containers\n${PLANTED}`;

describe('container store: the script', function () {
  this.timeout(30_000);
  const machines: StoreMachine[] = [];
  const machine = (...words: ConstructorParameters<typeof StoreMachine>): StoreMachine => {
    const made = new StoreMachine(...words);
    machines.push(made);
    assert.equal(made.run(PLANT).code, 0);
    return made;
  };
  afterEach(() => {
    for (const each of machines.splice(0)) each.remove();
  });

  for (const kind of KINDS) {
    it(`moves the store to a blank disk: ${kind}`, () => {
      const vm = machine(kind);
      const before = contentsOf(vm.path('/lxc/containers'));
      const { output, code } = vm.move();
      assert.equal(code, 0, output);
      assert.equal(vm.kato, 'started');
      assert.deepEqual(contentsOf(join(vm.diskDir, 'fs/containers')), before);
      assert.deepEqual(readdirSync(vm.path('/lxc')), ['containers']);
      vm.reboot();
      assert.ok(vm.state().moved);
      assert.deepEqual(contentsOf(vm.path('/mnt/lxc/containers')), before);
    });
  }

  it('does nothing to a store that was moved', () => {
    const vm = machine('volume');
    vm.move();
    const before = contentsOf(join(vm.diskDir, 'fs'));
    assert.equal(vm.move().code, 0);
    assert.deepEqual(contentsOf(join(vm.diskDir, 'fs')), before);
    assert.equal(vm.formatted, 1);
  });

  it('mounts by UUID, and a boot does not wait for a disk that is gone', () => {
    const vm = machine('volume');
    vm.move();
    const uuid = /^UUID=(.*)$/m.exec(vm.signature)?.[1] ?? 'none';
    const lines = (vm.files.read('/etc/fstab') ?? '').split('\n').filter((line) => line.startsWith(`UUID=${uuid} `));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /\/mnt\/lxc ext4 defaults,nofail 0 2$/);
    vm.disks.goDown();
    vm.disks.detach('vol-1');
    assert.ok(vm.disks.boot());
  });

  const FOREIGN: Readonly<Record<string, string>> = {
    "somebody's file system": 'LABEL=backup\nUUID=1-2\nTYPE=ext4\n',
    'a file system without a label': 'UUID=1-2\nTYPE=xfs\n',
    'a partition table': 'PTTYPE=dos\n',
    'an encrypted disk': 'UUID=1-2\nTYPE=crypto_LUKS\n',
    'a part of a RAID': 'UUID=1-2\nTYPE=linux_raid_member\n',
    'several signatures': 'AMBIVALENT\n',
  };
  for (const [what, signature] of Object.entries(FOREIGN)) {
    for (const kind of KINDS) {
      it(`13: leaves a disk alone that has ${what}: ${kind}`, () => {
        const vm = machine(kind);
        mkdirSync(join(vm.diskDir, 'fs'));
        writeFileSync(join(vm.diskDir, 'fs', 'thesis'), 'all of it');
        vm.signature = signature;
        const before = contentsOf(vm.path('/lxc'));
        const { output, code } = vm.move();
        assert.notEqual(code, 0);
        const refusal = storeRefusal(output);
        assert.equal(refusal?.code, 'DISK_NOT_EMPTY', output);
        assert.match(refusal?.message ?? '', /dev\/vdb has /);
        assert.equal(vm.signature, signature);
        assert.equal(readFileSync(join(vm.diskDir, 'fs', 'thesis'), 'utf8'), 'all of it');
        assert.deepEqual(contentsOf(vm.path('/lxc')), before);
        assert.equal(vm.formatted, 0);
        assert.equal(vm.kato, 'started');
      });
    }
  }

  it('leaves a given volume alone that has data without a signature, and formats a new one', () => {
    const given = machine('volume', { ours: false });
    const fill = (vm: StoreMachine): void =>
      writeFileSync(join(vm.diskDir, 'raw'), 'a database on the bare disk', { flag: 'r+' });
    fill(given);
    assert.match(given.move().output, /DISK_NOT_EMPTY: .* has data without a signature/);
    const ours = machine('volume');
    fill(ours);
    assert.equal(ours.move().code, 0);
  });

  it('uses the empty file system that a cloud puts on its ephemeral disk, as it is', () => {
    const vm = machine('ephemeral');
    vm.signature = 'LABEL=ephemeral0\nUUID=1-2\nTYPE=ext3\n';
    mkdirSync(join(vm.diskDir, 'fs/lost+found'), { recursive: true });
    const before = contentsOf(vm.path('/lxc/containers'));
    assert.equal(vm.move().code, 0);
    assert.equal(vm.formatted, 0);
    assert.match(vm.signature, /LABEL=stackato-lxc/);
    vm.reboot();
    assert.deepEqual(contentsOf(vm.path('/mnt/lxc/containers')), before);
  });

  it('uses the ephemeral disk where cloud-init has mounted it', () => {
    const vm = machine('ephemeral');
    vm.signature = 'UUID=1-2\nTYPE=ext3\n';
    vm.files.write('/etc/fstab', `/dev/vdb ${vm.path('/mnt')} auto defaults,nofail,comment=cloudconfig 0 2\n`);
    assert.ok(vm.disks.boot());
    const { output, code } = vm.move();
    assert.equal(code, 0, output);
    assert.equal(vm.formatted, 0);
    assert.ok(vm.state().moved);
    vm.reboot();
    assert.ok(vm.state().moved);
  });

  it('knows a volume by its serial number, else by what appeared with its size', () => {
    const vm = machine('volume');
    vm.disks.attach({ id: 'vol-2', size: 2, dir: join(vm.dir, 'other') });
    const two = vm.move();
    assert.equal(storeRefusal(two.output)?.code, 'DISK_NOT_FOUND', two.output);
    vm.files.write('/sys/block/vdc/serial', 'vol-1');
    assert.equal(vm.move().code, 0);
    assert.ok(existsSync(join(vm.dir, 'other', 'signature')));
    assert.ok(!existsSync(join(vm.diskDir, 'signature')));
  });

  it('says that there is no disk, and does not stop kato', () => {
    const vm = machine('volume');
    vm.disks.detach('vol-1');
    const { output } = vm.move();
    assert.equal(storeRefusal(output)?.code, 'DISK_NOT_FOUND', output);
    assert.equal(existsSync(join(vm.files.path, 'kato')), false);
  });

  for (const kind of KINDS) {
    it(`13: says that the containers are not where they were assumed to be, and formats and stops nothing: ${kind}`, () => {
      const vm = machine(kind);
      const { output, code } = vm.move('/var/stackato/containers');
      assert.notEqual(code, 0);
      const refusal = storeRefusal(output);
      assert.equal(refusal?.code, 'STORE_NOT_MOVED', output);
      assert.match(
        refusal?.message ?? '',
        /its containers in .*\/var\/stackato\/containers, and there is no such folder/,
      );
      assert.equal(vm.formatted, 0);
      assert.equal(existsSync(join(vm.diskDir, 'signature')), false);
      assert.equal(existsSync(vm.path('/var/stackato/containers')), false);
      assert.equal(existsSync(vm.path('/mnt/lxc')), false);
      assert.equal(existsSync(join(vm.files.path, 'kato')), false);
    });
  }

  it('leaves a disk with our label as it is, too, if there are no containers on it or on the machine', () => {
    const vm = machine('volume');
    vm.signature = 'LABEL=stackato-lxc\nUUID=1-2\nTYPE=ext4\n';
    const { output } = vm.move('/var/stackato/containers');
    assert.match(storeRefusal(output)?.message ?? '', /there is no such folder/);
    assert.equal(vm.formatted, 0);
    assert.equal(existsSync(join(vm.files.path, 'kato')), false);
  });

  it('moves the containers from another folder, if the release has them there', () => {
    const vm = machine('volume');
    const folder = '/var/stackato/containers';
    vm.run(`mkdir -p ${folder}; echo one > ${folder}/file`);
    const { output, code } = vm.move(folder);
    assert.equal(code, 0, output);
    vm.reboot();
    assert.ok(vm.state(folder).moved);
    assert.equal(readFileSync(vm.path(`${folder}/file`), 'utf8'), 'one\n');
    assert.deepEqual(readdirSync(vm.path('/var/stackato')), ['containers']);
  });

  it('makes the link again where nothing but the link is missing', () => {
    const vm = machine('volume');
    assert.equal(vm.move().code, 0);
    const before = contentsOf(join(vm.diskDir, 'fs/containers'));
    vm.run('rm /lxc/containers');
    const { output, code } = vm.move();
    assert.equal(code, 0, output);
    assert.ok(vm.state().moved);
    assert.deepEqual(contentsOf(join(vm.diskDir, 'fs/containers')), before);
  });

  /** As a stop and start of the instance does to the ephemeral disk. */
  const blank = (vm: StoreMachine): void => {
    vm.disks.goDown();
    rmSync(join(vm.diskDir, 'fs'), { recursive: true, force: true });
    vm.signature = '';
    assert.ok(vm.disks.boot());
  };

  it('13: begins anew on a blank disk, if the one with the data was lost', () => {
    const vm = machine('ephemeral');
    vm.move();
    blank(vm);
    const { output, code } = vm.move();
    assert.equal(code, 0, output);
    assert.ok(vm.state().moved, output);
    assert.deepEqual([vm.kato, vm.formatted], ['started', 2]);
  });

  for (const remade of [false, true])
    it(`13: an original that is still there outlives the disk with its copy${remade ? ', and what kato has made since is kept, too' : ''}`, () => {
      const vm = machine('ephemeral');
      const before = contentsOf(vm.path('/lxc/containers'));
      assert.equal(vm.run('cp -a /lxc/containers /lxc/original').code, 0);
      vm.move();
      assert.equal(vm.run('mv /lxc/original /lxc/containers.moved').code, 0);
      blank(vm);
      if (remade)
        assert.equal(vm.run('rm /lxc/containers; mkdir /lxc/containers; echo new > /lxc/containers/new').code, 0);
      const { output, code } = vm.move();
      assert.equal(code, 0, output);
      assert.ok(vm.state().moved, output);
      const after = contentsOf(vm.path('/mnt/lxc/containers'));
      const added = Object.keys(after).filter((name) => !(name in before));
      assert.deepEqual(added.length, remade ? 1 : 0, added.join());
      for (const [name, what] of Object.entries(before)) assert.deepEqual(after[name], what, name);
    });

  it('says that the disk is too small, and starts kato again', () => {
    const vm = machine('volume');
    vm.run('mkdir -p /lxc/containers/big; dd if=/dev/zero of=/lxc/containers/big/file bs=1M count=20 2>/dev/null');
    writeFileSync(vm.path('/sys/block/vdb/size'), '20480');
    const vmDisk = { ...vm.disk, size: 20_480 / 2 ** 21 } as StoreDisk;
    const { output } = vm.run(moveStore(vmDisk, FOLDER, 0));
    assert.equal(storeRefusal(output)?.code, 'DISK_TOO_SMALL', output);
    assert.equal(vm.kato, 'started');
    assert.ok(existsSync(vm.path('/lxc/containers/big/file')));
  });

  it('keeps what an earlier machine left on the volume, and what this one has', () => {
    const first = machine('volume');
    first.move();
    first.run('echo precious > /lxc/containers/earlier; echo theirs > /lxc/containers/both');
    first.disks.goDown();
    const second = new StoreMachine('volume');
    machines.push(second);
    second.run('mkdir -p /lxc/containers; echo mine > /lxc/containers/new; echo mine > /lxc/containers/both');
    second.disks.detach('vol-1');
    second.disks.attach({ id: 'vol-1', size: 2, dir: first.diskDir });
    const { output, code } = second.move();
    assert.equal(code, 0, output);
    const read = (path: string): string => readFileSync(second.path(path), 'utf8').trim();
    assert.equal(read('/mnt/lxc/containers/earlier'), 'precious');
    assert.equal(read('/mnt/lxc/containers/new'), 'mine');
    assert.equal(read('/mnt/lxc/containers/both'), 'theirs');
    assert.equal(read('/lxc/containers.kept.1/both'), 'mine');
    assert.match(output, /kept .*containers\.kept\.1/);
    assert.equal(second.formatted, 0);
  });

  it('does not switch to a copy that differs from the original', () => {
    const vm = machine('volume');
    // A copy that loses a byte.
    writeFileSync(
      join(vm.files.dir, 'bin', 'cp'),
      '#!/bin/sh\nPATH=${PATH#*:}\ncp "$@"\nfor to; do :; done\n[ ! -d "$to/base" ] || printf x > "$to/base/-rf"\n',
      {
        mode: 0o755,
      },
    );
    const before = contentsOf(vm.path('/lxc/containers'));
    const { output } = vm.move();
    assert.match(storeRefusal(output)?.message ?? '', /the copy differs/);
    assert.deepEqual(contentsOf(vm.path('/lxc/containers')), before);
    assert.equal(vm.kato, 'started');
  });

  it('reads nothing into a line that is no refusal', () => {
    assert.equal(storeRefusal('container-store: vdb is ready\ncontainer-store: SOMETHING: else\n'), undefined);
  });

  it('can be stopped at any line: the test puts a mark before each that changes something', () => {
    const text = instrumented(moveStore({ kind: 'ephemeral' }, FOLDER));
    const changes = text
      .split('\n')
      .filter((line) => /^\s*(mv|rm|cp|ln|mount|mkdir|umount|sync|cat .*>|od .*>)\b/.test(line));
    assert.deepEqual(changes, []);
    assert.ok((text.match(/line \d+; (mv|rm|cp|ln|mount|mkdir|sync)\b/g) ?? []).length > 30);
  });
});
