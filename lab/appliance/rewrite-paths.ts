/**
 * The machine has no file system of its own: its commands run on the host. Absolute paths of the machine's files and
 * programs in a command, and in base64 within it, are rewritten to paths in the machine's folder. /proc/<pid> stays,
 * because the processes are the host's.
 */

import type { MachineFiles } from './machine-files';

/** Whole folders, so that a backup beside a file ends up in the machine too. */
const FOLDERS = [
  // The folder itself, in a variable: /dev/null and others stay the host's.
  '/dev(?!/)',
  '/etc',
  '/home/stackato',
  '/lxc',
  '/mnt',
  '/proc/meminfo',
  '/proc/self/mountinfo',
  '/proc/swaps',
  '/proc/sys/kernel',
  '/run/cloud-init',
  '/var/lib/cloud',
  '/sys/block',
  '/var/log',
  '/var/run',
  '/var/stackato',
  '/var/vcap',
];

/** Not the end of a longer path, and not after a variable. */
const NOT_BEFORE = '(?<![\\w./}~-])';
const NOT_AFTER = '(?![\\w-])';

/** Quoted base64, possibly in several words: a script that is packed so that no login shell can misread it. */
const BASE64_WORDS = /'[A-Za-z0-9+/]{16,}={0,2}'(?: '[A-Za-z0-9+/]+={0,2}')*/g;
const PIECE = /.{1,900}/g;

export function pathRewriter(files: MachineFiles): (command: string) => string {
  const rewrite = plainRewriter(files);
  return (command) =>
    rewrite(command).replace(BASE64_WORDS, (words) => {
      const packed = words.replace(/[' ]/g, '');
      const script = Buffer.from(packed, 'base64').toString();
      // Not base64, or base64 of binary data.
      if (Buffer.from(script).toString('base64') !== packed) return words;
      return (Buffer.from(rewrite(script)).toString('base64').match(PIECE) ?? [])
        .map((piece) => `'${piece}'`)
        .join(' ');
    });
}

function plainRewriter({ path, programs }: MachineFiles): (command: string) => string {
  const ours = new RegExp(
    `${NOT_BEFORE}(?:(${FOLDERS.join('|')})|/(?:usr/)?s?bin/(${programs.map(escaped).join('|')}))${NOT_AFTER}`,
    'g',
  );
  return (command) =>
    command.replace(ours, (_all, folder: string | undefined, program: string | undefined) => {
      return folder === undefined ? `${path}/bin/${program ?? ''}` : `${path}/root${folder}`;
    });
}

function escaped(name: string): string {
  return name.replaceAll('.', '\\.');
}
