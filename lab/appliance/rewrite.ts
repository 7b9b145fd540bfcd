/**
 * The machine has no file system of its own: commands run on the host, and the absolute paths in their text that mean the machine's
 * files and programs are rewritten to lie in its folder. /proc/<pid> stays the host's, because the processes are.
 */

import type { Place } from './place';

/** Whole folders, so that a backup written beside a file lands in the machine too. */
const FOLDERS = ['/etc', '/home/stackato', '/lxc', '/mnt', '/proc/meminfo', '/proc/sys/kernel', '/var/log', '/var/run', '/var/stackato', '/var/vcap'];

/** Not the tail of a longer path, nor behind a variable. */
const NOT_BEFORE = '(?<![\\w./}~-])';
const NOT_AFTER = '(?![\\w-])';

export function rewriterFor({ path, programs }: Place): (command: string) => string {
  const ours = new RegExp(`${NOT_BEFORE}(?:(${FOLDERS.join('|')})|/(?:usr/)?s?bin/(${programs.map(escaped).join('|')}))${NOT_AFTER}`, 'g');
  return (command) => command.replace(ours, (_all, folder: string | undefined, program: string | undefined) => {
    return folder === undefined ? `${path}/bin/${program ?? ''}` : `${path}/root${folder}`;
  });
}

function escaped(name: string): string {
  return name.replaceAll('.', '\\.');
}
