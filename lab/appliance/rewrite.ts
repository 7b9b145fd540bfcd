/**
 * The machine has no file system of its own: commands run on the host, and the absolute paths in their text that mean the machine's
 * files and programs are rewritten to lie in its folder, in base64 too. /proc/<pid> stays the host's, because the processes are.
 */

import type { Place } from './place';

/** Whole folders, so that a backup written beside a file lands in the machine too. */
const FOLDERS = [
  '/etc',
  '/home/stackato',
  '/lxc',
  '/mnt',
  '/proc/meminfo',
  '/proc/sys/kernel',
  '/var/log',
  '/var/run',
  '/var/stackato',
  '/var/vcap',
];

/** Not the tail of a longer path, nor behind a variable. */
const NOT_BEFORE = '(?<![\\w./}~-])';
const NOT_AFTER = '(?![\\w-])';

/** Words in quotes that are base64, one after the other: a script that no login shell is to read. */
const PACKED = /'[A-Za-z0-9+/]{16,}={0,2}'(?: '[A-Za-z0-9+/]+={0,2}')*/g;
const PIECE = /.{1,900}/g;

export function rewriterFor(place: Place): (command: string) => string {
  const rewrite = plainRewriter(place);
  return (command) =>
    rewrite(command).replace(PACKED, (words) => {
      const packed = words.replace(/[' ]/g, '');
      const script = Buffer.from(packed, 'base64').toString();
      // Base64 of something else, or no base64 at all.
      if (Buffer.from(script).toString('base64') !== packed) return words;
      return (Buffer.from(rewrite(script)).toString('base64').match(PIECE) ?? [])
        .map((piece) => `'${piece}'`)
        .join(' ');
    });
}

function plainRewriter({ path, programs }: Place): (command: string) => string {
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
