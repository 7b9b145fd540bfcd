import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_KINDS } from '../../../src/deployment/spec';
import type { Hypervisor, ImageKind } from '../../../src/deployment/spec';
import { openArchive } from '../../../src/image';
import { tempFolder } from '../support';
import { python } from './python';

const MIB = 1024 * 1024;
const LIMIT = 8 * MIB;

/** Python that adds members to `tar`; `file`, `special` and `good` are defined below. */
const PRELUDE = `
import gzip, io, os, struct, sys, tarfile
path = sys.argv[1]
plain = io.BytesIO()
tar = tarfile.open(fileobj=plain, mode='w', format=tarfile.GNU_FORMAT)
def file(name, data=b'x' * 1000, format=None, **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.fileobj.write(info.tobuf(format or tarfile.GNU_FORMAT))
    tar.offset += 512
    tar.fileobj.write(data + bytes(-len(data) % 512))
def special(name, type, link=''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, link
    tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT))
def raw(name, type, size, data):
    info = tarfile.TarInfo(name)
    info.type, info.size = type, size
    tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512))
def pax(*records):
    data = b''
    for keyword, value in records:
        rest = b' ' + keyword + b'=' + value + b'\\n'
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    raw('pax', b'x', len(data), data)
def good(kernel=True, ramdisk=True, root=True):
    special('s', tarfile.DIRTYPE)
    if kernel: file('s/vmlinuz-s', b'kernel' * 100)
    if ramdisk: file('s/initrd-s', b'ramdisk' * 100)
    if root: file('s/s.img', b'root' * 5000)
def finish(after=bytes(1024)):
    with open(path, 'wb') as out:
        out.write(gzip.compress(plain.getvalue() + after, mtime=0))
`;

interface Hostile {
  readonly what: string;
  readonly program: string;
  readonly code: string;
  readonly reason: RegExp;
}

const refused = (what: string, program: string, reason: RegExp, code = 'IMAGE_ARCHIVE'): Hostile => ({
  what,
  program,
  code,
  reason,
});

const HOSTILE: readonly Hostile[] = [
  refused('a path that leads out', "good(); file('s/../../../tmp/evil'); finish()", /leads out of it/),
  refused('an absolute path', "good(); file('/etc/cron.d/evil'); finish()", /absolute path "\/etc\/cron.d\/evil"/),
  refused(
    'a symbolic link',
    "good(); special('s/link', tarfile.SYMTYPE, '/etc'); finish()",
    /a symbolic link, "s\/link"/,
  ),
  refused(
    'a kernel that is a link',
    "good(kernel=False); special('s/vmlinuz', tarfile.SYMTYPE, '/etc/shadow'); finish()",
    /symbolic link/,
  ),
  refused('a hard link', "good(); special('s/hard', tarfile.LNKTYPE, 's/s.img'); finish()", /a hard link/),
  refused('a character device', "good(); special('s/null', tarfile.CHRTYPE); finish()", /a character device/),
  refused('a block device', "good(); special('s/sda', tarfile.BLKTYPE); finish()", /a block device/),
  refused('a named pipe', "good(); special('s/pipe', tarfile.FIFOTYPE); finish()", /a named pipe/),
  refused('a member of an unknown type', "good(); special('s/what', b'Z'); finish()", /unknown type/),
  refused(
    'two members of one name',
    "good(); file('s/s.img', b'other'); finish()",
    /two members with the name "s\/s.img"/,
  ),
  refused('two members whose names differ in ./ only', "good(); file('./s//s.img', b'other'); finish()", /two members/),
  refused('a file that is a folder, too', "good(); file('s/s.img/vmlinuz-x'); finish()", /as a file and as a folder/),
  refused('no kernel', 'good(kernel=False); finish()', /has no kernel/),
  refused('a kernel elsewhere only', "good(kernel=False); file('s/boot/vmlinuz'); finish()", /has no kernel/),
  refused('no ramdisk', 'good(ramdisk=False); finish()', /has no ramdisk/),
  refused('no root image', 'good(root=False); finish()', /has no root image/),
  refused('two root images', "good(); file('s/t.img'); finish()", /more than one root image: "s\/s.img", "s\/t.img"/),
  refused('two kernels', "good(); file('s/vmlinux-old'); finish()", /more than one kernel/),
  refused('an empty root image', "good(root=False); file('s/s.img', b''); finish()", /an empty root image/),
  refused('a bomb', "good(); file('s/zeros', bytes(9 * 1024 * 1024)); finish()", /more than 8388608 bytes unpacked/),
  refused(
    'a sparse bomb',
    "good(); pax((b'GNU.sparse.major', b'1'), (b'GNU.sparse.minor', b'0'), (b'GNU.sparse.realsize', b'4503599627370496')); file('s/holes', b'0\\n' + bytes(510)); finish()",
    /more than 8388608 bytes unpacked/,
  ),
  refused(
    'a pax name that leads out',
    "good(); pax((b'path', b'../../tmp/evil')); file('s/fine'); finish()",
    /leads out of it/,
  ),
  refused('a pax name with a NUL', "good(); pax((b'path', b's/a\\0b')); file('s/fine'); finish()", /not a plain one/),
  refused(
    'a long GNU name that leads out',
    "good(); raw('././@LongLink', b'L', 17, b'../../../tmp/evil'); file('s/fine'); finish()",
    /leads out of it/,
  ),
  refused(
    'a pax header that damages its own length',
    "good(); raw('pax', b'x', 11, b'99 path=x\\n'); file('s/fine'); finish()",
    /damaged/,
    'IMAGE_SOURCE_DAMAGED',
  ),
  refused(
    'a huge extended header',
    "good(); pax((b'comment', b'x' * 70000)); file('s/fine'); finish()",
    /extended header of 70\d+ bytes/,
    'IMAGE_FORMAT',
  ),
  refused(
    'a heap of extended headers',
    "good(); [raw('././@LongLink', b'L', 5, b'abcd\\0') for _ in range(9)]; file('s/fine'); finish()",
    /more than 4 extended headers/,
    'IMAGE_FORMAT',
  ),
  refused(
    'a header that claims more than there is',
    "good(); raw('s/lie', b'0', 5000000, b'short'); finish()",
    /ends before/,
    'IMAGE_SOURCE_DAMAGED',
  ),
  refused('a negative size', "good(); raw('s/lie', b'0', -1, b''); finish()", /damaged/, 'IMAGE_SOURCE_DAMAGED'),
  refused(
    'a size beyond all disks',
    "good(); raw('s/lie', b'0', 2 ** 60, b''); finish()",
    /damaged/,
    'IMAGE_SOURCE_DAMAGED',
  ),
  refused('a folder with data', "good(); raw('s/d', b'5', 512, bytes(512)); finish()", /with data of its own/),
  refused(
    'a thousand members',
    "good(); [file('s/f%d' % i, b'') for i in range(1000)]; finish()",
    /more than 1000 members/,
  ),
  refused('another archive behind the end', "good(); finish(bytes(1024) + b'vmlinuz' * 100)", /goes on after its end/),
  refused('endless padding', 'good(); finish(bytes(3 * 1024 * 1024))', /goes on after its end/),
  refused('no tar', "finish(b'not an archive' * 100)", /not a tar archive/, 'IMAGE_SOURCE_DAMAGED'),
  refused('no end', "good(); finish(b'')", /ends before/, 'IMAGE_SOURCE_DAMAGED'),
  refused('a backslash in a name', "good(); file('s\\\\\\\\..\\\\\\\\evil'); finish()", /not a plain one/),
  refused('a terminal sequence in a name', "good(); file('s/\\x1b]0;evil\\x07'); finish()", /not a plain one/),
];

describe('archives of image stores', function () {
  this.timeout(60_000);
  let folder: string;
  let archive: string;

  beforeEach(() => {
    folder = tempFolder();
    archive = join(folder, 'archive.tar.gz');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = (program: string): void => void python(`${PRELUDE}${program}`, archive);
  const read = async (
    kind: ImageKind,
    hypervisor: Hypervisor = 'kvm',
    more: { rootSize?: number } = {},
  ): Promise<Buffer> => {
    const source = await openArchive({ path: archive, kind, hypervisor, limit: LIMIT, ...more });
    try {
      const bytes = Buffer.alloc(source.size);
      await source.read(bytes, 0);
      return bytes;
    } finally {
      await source.close();
    }
  };

  it('are read where they lie', async () => {
    make('good(); finish()');
    const found = await Promise.all(IMAGE_KINDS.map((kind) => read(kind)));
    assert.deepEqual(found.map(String), ['kernel'.repeat(100), 'ramdisk'.repeat(100), 'root'.repeat(5000)]);
    assert.deepEqual(readdirSync(folder), ['archive.tar.gz']);
  });

  it('with a folder of kernels for each hypervisor give that of kvm, or of xen where it is asked for', async () => {
    make(
      "special('s', tarfile.DIRTYPE); file('s/s.img', b'root')\n" +
        "for h in (b'kvm', b'xen'):\n" +
        "    d = 's/%s-kernel/' % h.decode(); file(d + 'vmlinuz', h); file(d + 'initrd', h + b'!')\n" +
        'finish()',
    );
    assert.deepEqual((await Promise.all([read('kernel'), read('ramdisk'), read('machine')])).map(String), [
      'kvm',
      'kvm!',
      'root',
    ]);
    assert.equal(String(await read('kernel', 'xen')), 'xen');
  });

  it('may have files of other kinds, hidden ones, and those of macOS', async () => {
    make("good(); file('s/README'); file('s/._s.img'); file('s/.vmlinuz'); finish()");
    assert.equal(String(await read('machine')), 'root'.repeat(5000));
  });

  it('must have a root image of the size that the catalogue says', async () => {
    make('good(); finish()');
    assert.equal((await read('machine', 'kvm', { rootSize: 20_000 })).length, 20_000);
    await assert.rejects(read('kernel', 'kvm', { rootSize: 20_001 }), /20000 bytes, and the catalogue says 20001/);
  });

  it('13: at least 20 hostile archives are tried', () => assert.ok(HOSTILE.length >= 20));

  for (const { what, program, code, reason } of HOSTILE)
    it(`13: refused: ${what}`, async () => {
      make(program);
      const before = readdirSync(folder);
      for (const kind of IMAGE_KINDS) await assert.rejects(read(kind), { code, message: reason });
      assert.deepEqual(readdirSync(folder), before);
    });

  it('13: refused wherever it is cut off', async () => {
    make("good(); file('s/noise', os.urandom(20000)); finish()");
    const bytes = readFileSync(archive);
    for (const end of [0, 1, 10, 200, bytes.length >> 1, bytes.length - 9, bytes.length - 1]) {
      writeFileSync(archive, bytes.subarray(0, end));
      await assert.rejects(read('kernel'), { code: 'IMAGE_SOURCE_DAMAGED' }, `cut to ${end}`);
    }
  });

  it('13: refused with any byte changed', async () => {
    make("good(); file('s/noise', b'noise'); finish()");
    const bytes = readFileSync(archive);
    const seen = createHash('sha256');
    // The first ten are the header of gzip, some of which nobody reads.
    for (let at = 10; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      seen.update(damaged);
      writeFileSync(archive, damaged);
      await assert.rejects(read('machine'), `byte ${at}`);
    }
  });
});
