/** Archives and catalogues made and read by Python: a second witness that shares no code with src/image. */

import { execFileSync } from 'node:child_process';

export function python(program: string, ...args: readonly string[]): string {
  return execFileSync('python3', ['-c', program, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim();
}

/**
 * What eustore-install-image of euca2ools 2.1.4 does with an archive: `tarfile.open(file, 'r|gz')` (bundler.py), then the names it looks for
 * and where (installimage.py, bundleAll). @returns SHA-256 by kind
 */
export const EUSTORE_2_1 = `
import hashlib, json, os, re, sys, tarfile, tempfile
archive, kernel_type = sys.argv[1], (sys.argv[2:] or [None])[0]
with tempfile.TemporaryDirectory() as place:
    tar = tarfile.open(archive, 'r|gz')
    tar.extractall(place)
    names = tar.getnames()
    tar.close()
    kernel_dir = kernel_type and kernel_type + '-kernel'
    root = os.path.commonprefix(names)
    found, bundled = [], []
    def take(kind, path):
        with open(os.path.join(place, path), 'rb') as file:
            found.append([kind, os.path.basename(path), hashlib.sha256(file.read()).hexdigest()])
        bundled.append(path)
    for path in names:
        if kernel_dir is None or kernel_dir in path:
            name = os.path.basename(path)
            if not kernel_dir and os.path.dirname(path) != root:
                continue
            if not name.startswith('.'):
                if 'vmlinu' in name:
                    take('kernel', path)
                elif re.match('.*(initr(d|amfs)|loader).*', name):
                    take('ramdisk', path)
    for path in names:
        name = os.path.basename(path)
        if not name.startswith('.') and name.endswith('.img') and path not in bundled:
            take('machine', path)
    print(json.dumps(found))
`;

/** The same for 3.0.5 (commands/eustore/installimage.py, bundle_and_register_all). */
export const EUSTORE_3_0 = `
import hashlib, json, os, sys, tarfile
archive, hypervisor = sys.argv[1], (sys.argv[2:] or ['universal'])[0]
tar = tarfile.open(archive, 'r:gz')
members = tar.getmembers()
prefix = os.path.commonprefix(tuple(member.name for member in members))
if hypervisor != 'universal':
    prefix = os.path.join(prefix, hypervisor + '-kernel')
ramdisks = ('initrd', 'initramfs', 'loader')
found, bundled = {}, []
def take(kind, member):
    found[kind] = [kind, os.path.basename(member.name), hashlib.sha256(tar.extractfile(member).read()).hexdigest()]
    bundled.append(member.name)
for member in members:
    if member.name.startswith(prefix):
        if 'kernel' not in found and 'vmlinu' in member.name:
            take('kernel', member)
        elif 'ramdisk' not in found and any(s in member.name for s in ramdisks):
            take('ramdisk', member)
for member in members:
    if member.name in bundled or any(s in member.name for s in ramdisks):
        continue
    if 'machine' not in found and member.name.endswith('.img'):
        take('machine', member)
print(json.dumps(list(found.values())))
`;

/** Both check this of what they downloaded, against the name in the catalogue. */
export const EUSTORE_NAME = `
import hashlib, sys, zlib
with open(sys.argv[1], 'rb') as file:
    md5 = hashlib.md5(file.read()).hexdigest()
print(str(zlib.crc32(md5.encode()) & 0xffffffff).rjust(10, '0'))
`;
