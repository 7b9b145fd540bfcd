/**
 * `scripts/setup.mjs --vm` builds the image of the real machine once, as root, from the mirror of this machine's apt.
 */

import { strict as assert } from 'node:assert';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TempProject } from './temp-project';

const TARGETS =
  'bookworm-updates Debian main http://mirror.test/updates/\\nbookworm Other main http://mirror.test/other/\\nbookworm Debian main http://mirror.test/debian/\\n';
/**
 * A fake build script: records its arguments, and creates the three files, one with the contents of the guest's file.
 */
const BUILD =
  'set -e; echo "$*" >> calls; mkdir "$3"; cp lab/vm/guest/rootfs/etc/issue "$3/root.img"; : > "$3/vmlinuz"; : > "$3/initrd.img"';

describe('scripts/setup.mjs --vm', () => {
  let folder: TempProject;
  beforeEach(() => {
    folder = new TempProject()
      .copy('scripts')
      .write('package.json', JSON.stringify({ name: 'x', version: '1.0.0', scripts: { build: 'true' } }))
      .write('package-lock.json', JSON.stringify({ name: 'x', version: '1.0.0', lockfileVersion: 3, packages: {} }))
      .write('node_modules/.package-lock.json', JSON.stringify({ packages: {} }))
      .write('tsconfig.json', '{}')
      .write('tsconfig.build.json', '{}')
      .write('src/a.ts', '')
      .write('lab/b.ts', '')
      .write('lab/vm/build.sh', BUILD)
      .write('lab/vm/guest/rootfs/etc/issue', 'one')
      .write('bin/apt-get', `#!/bin/sh\nprintf '${TARGETS}'\n`, 0o755)
      // A fake sudo that records its use.
      .write('bin/sudo', '#!/bin/sh\necho "$*" >> sudo.log\n[ "$1" = -n ] || exec "$@"\n', 0o755);
    for (const program of ['qemu-system-x86_64', 'qemu-img', 'debootstrap', 'mke2fs'])
      folder.write(`bin/${program}`, '#!/bin/sh\n', 0o755);
  });
  afterEach(() => folder.remove());

  const setup = (): ReturnType<TempProject['node']> =>
    folder.node(['scripts/setup.mjs', '--vm'], { PATH: `${join(folder.path, 'bin')}:${process.env.PATH ?? ''}` });
  const read = (name: string): string =>
    existsSync(join(folder.path, name)) ? readFileSync(join(folder.path, name), 'utf8') : '';

  it('builds it from the mirror of apt for whoever asks, and not again until what goes into it changes', async () => {
    const first = await setup();
    assert.equal(first.code, 0, first.output);
    const owner = `${process.getuid?.()}:${process.getgid?.()}`;
    assert.equal(read('calls'), `http://mirror.test/debian/ bookworm ${join(folder.path, '.tools/vm.new')} ${owner}\n`);
    assert.equal(read('.tools/vm/root.img'), 'one');
    assert.deepEqual(await setup(), { code: 0, output: '' });

    folder.write('lab/vm/guest/rootfs/etc/issue', 'two');
    await setup();
    assert.equal(read('.tools/vm/root.img'), 'two');
    chmodSync(join(folder.path, 'lab/vm/guest/rootfs/etc/issue'), 0o755);
    await setup();
    assert.equal(read('calls').split('\n').length - 1, 3, 'a mode counts, too');
  });

  it('keeps the last one where a build fails, and says what it said', async () => {
    await setup();
    folder.write('lab/vm/build.sh', 'echo no room >&2; exit 1');
    const { code, output } = await setup();
    assert.equal(code, 1);
    assert.match(output, /build\.sh .* failed \(1\):\nno room\nFix the problem reported above/);
    assert.equal(read('.tools/vm/root.img'), 'one');
  });

  it('says what is missing if apt has no source for that Debian release', async () => {
    folder.write('bin/apt-get', '#!/bin/sh\n', 0o755);
    assert.match(
      (await setup()).output,
      /apt on this machine has no source for Debian bookworm\.\nAdd one, or build the image on a machine that has one/,
    );
  });
});
