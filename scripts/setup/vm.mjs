/**
 * The lab's real machine: QEMU, and the images that lab/vm/build.sh builds in `.tools/vm`. Building needs root. The
 * image is built again only when its sources in lab/vm change.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, Problem, ROOT, run, say } from './process.mjs';
import { asRoot, hasApt, installPackages, PROGRAMS_REMEDY } from './system.mjs';

const PROGRAMS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  debootstrap: 'debootstrap',
  mke2fs: 'e2fsprogs',
};
const SOURCES = ['lab/vm/build.sh', 'lab/vm/guest'];
const FOLDER = join(ROOT, '.tools', 'vm');
const STAMP = join(FOLDER, 'sources.sha256');
const SUITE = 'bookworm';
const REMEDY = 'Fix the problem reported above, then run this again.';

export const hypervisorPart = {
  name: 'programs of the real machine',
  remedy: PROGRAMS_REMEDY,
  missing: () => Object.keys(PROGRAMS).filter((name) => findProgram(name) === undefined),
  provide: (missing) => installPackages(missing.map((name) => PROGRAMS[name])),
};

export const machineImagePart = { name: 'image of the real machine', remedy: REMEDY, missing, provide };

function missing() {
  return read(STAMP) === digest() ? [] : ['kernel, ramdisk and root image'];
}

async function provide() {
  const wanted = digest();
  const built = `${FOLDER}.new`;
  const prefix = asRoot(
    'Building the image of the real machine requires root, once: debootstrap creates files of other users and uses chroot.',
  );
  say('debootstrap and mke2fs, as root: about three minutes');
  mkdirSync(FOLDER, { recursive: true });
  rmSync(built, { recursive: true, force: true });
  const [program, ...args] = [
    ...prefix,
    'sh',
    join(ROOT, 'lab', 'vm', 'build.sh'),
    mirror(),
    SUITE,
    built,
    `${process.getuid()}:${process.getgid()}`,
  ];
  await run(program, args, { remedy: REMEDY });
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(built, FOLDER);
  writeFileSync(STAMP, wanted);
}

/** The mirror that this machine's apt uses for Debian, since no registry may be named here. */
function mirror() {
  if (!hasApt())
    throw new Problem(
      'The image is built from Debian packages, and this machine has no apt that knows a mirror.',
      'Build it on a Debian machine, and copy .tools/vm here.',
    );
  const targets = execFileSync(
    'apt-get',
    ['indextargets', '--format', '$(RELEASE) $(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  const found = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([release, origin, component]) => origin === 'Debian' && component === 'main' && release === SUITE);
  if (found === undefined)
    throw new Problem(
      `apt on this machine has no source for Debian ${SUITE}.`,
      `Add one, or build the image on a machine that has one and copy .tools/vm here.`,
    );
  return found[3];
}

/** A digest of the image's sources: names, executable bits and contents. */
function digest() {
  const hash = createHash('sha256').update(SUITE);
  for (const path of SOURCES.flatMap(filesOf).sort()) {
    hash
      .update(`${path}\0${statSync(join(ROOT, path)).mode & 0o111 ? 'x' : '-'}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesOf(path) {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
