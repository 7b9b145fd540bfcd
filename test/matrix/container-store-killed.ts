/**
 * The container store is moved, and everything is killed when the first, the second … line of the script has begun: at the first boot or
 * later, on an ephemeral disk or a volume, by `kill -9` or by a power failure. The next run finishes the work.
 *
 * A file of tests for each kind of disk, so that two jobs share the work.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { moveStore } from '../../src/machine/container-store';
import type { StoreDisk } from '../../src/machine/container-store';
import { contentsOf, FOLDER, instrumented, PLANTED, StoreMachine } from '../machine/store-machine';

const LOG = '/lxc/containers/app 1/log';

type Mishap = 'kill -9' | 'power failure';

export function describeKilled(
  kind: StoreDisk['kind'],
  mishaps: Readonly<Record<'at first boot' | 'later', readonly Mishap[]>>,
): void {
  describe(`13: container store: killed after every line: ${kind}`, function () {
    this.timeout(20 * 60_000);

    for (const when of ['at first boot', 'later'] as const) {
      for (const mishap of mishaps[when]) {
        it(`${kind}, ${when}, ${mishap}: no byte is lost, and the store is mounted after a further reboot`, () => {
          const total = linesOf(kind);
          assert.ok(total > 100, `only ${total} lines were executed`);
          for (let stop = 1; stop <= total; stop += 1) trial(kind, when, mishap, stop);
        });
      }
    }
  });
}

function machineOf(kind: StoreDisk['kind'], when: 'at first boot' | 'later'): StoreMachine {
  const vm = new StoreMachine(kind);
  vm.run(`C=/lxc/containers\n${PLANTED}`);
  if (when === 'later') {
    vm.run('mkdir -p "/lxc/containers/app 2"; echo two > "/lxc/containers/app 2/file"');
    // The disk is known by what appeared in this boot.
    vm.reboot();
    vm.files.write('/proc/sys/kernel/random/boot_id', 'boot-1\n');
  }
  return vm;
}

function linesOf(kind: StoreDisk['kind']): number {
  const vm = machineOf(kind, 'later');
  try {
    vm.run(instrumented(moveStore(vm.disk, FOLDER, 0)));
    assert.ok(vm.state().moved);
    return vm.linesOfLastCommand;
  } finally {
    vm.remove();
  }
}

function trial(kind: StoreDisk['kind'], when: 'at first boot' | 'later', mishap: Mishap, stop: number): void {
  const vm = machineOf(kind, when);
  try {
    vm.run(instrumented(moveStore(vm.disk, FOLDER, 0)), stop);
    if (mishap === 'power failure') vm.reboot();
    // Where kato runs on, its containers write.
    const writes = mishap === 'power failure' && existsSync(vm.path(LOG));
    if (writes) vm.run(`echo more >> '${LOG}'`);
    const expected = contentsOf(placeOf(vm));
    const madeByKato = existsSync(vm.path('/lxc/containers/made-by-kato'));

    const { output, code } = vm.move();
    assert.equal(code, 0, `stopped at ${stop}: ${output}`);
    assert.ok(vm.state().moved, `stopped at ${stop}: ${output}`);
    assert.equal(vm.kato, 'started', `stopped at ${stop}`);
    vm.reboot();
    assert.ok(vm.state().moved, `stopped at ${stop}, after a reboot`);
    const now = { ...contentsOf(vm.path('/mnt/lxc/containers')) };
    if (madeByKato) {
      assert.equal(readFileSync(vm.path('/mnt/lxc/containers/made-by-kato/file'), 'utf8'), 'new\n');
      for (const name of Object.keys(now)) if (name.startsWith('./made-by-kato')) delete now[name];
    }
    assert.deepEqual(now, expected, `stopped at ${stop}`);
    assert.deepEqual(readdirSync(vm.path('/lxc')).sort(), ['containers'], `stopped at ${stop}`);
    if (writes) assert.equal(readFileSync(vm.path(LOG), 'utf8'), 'log\nmore\n', `stopped at ${stop}`);
  } finally {
    vm.remove();
  }
}

/** Where the containers are, which may be aside. */
function placeOf(vm: StoreMachine): string {
  const aside = vm.path('/lxc/containers.moved');
  const link = vm.path('/mnt/lxc/containers');
  const own = vm.path('/lxc/containers');
  const isReal = existsSync(own) && existsSync(vm.path(LOG));
  if (isReal) return `${own}/.`;
  return existsSync(aside) ? aside : link;
}
