/** The machine itself: which boot this is, how much memory it has, and the one request to reboot. */

import { IFCONFIG } from './network';
import { observe } from './observe';
import { quote } from './quote';

export const READ_BOOT_ID = 'cat /proc/sys/kernel/random/boot_id';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Strict: half a UUID, or the words of some error, would look like another boot. */
export function parseBootId(stdout: string): string | undefined {
  const id = stdout.trim().toLowerCase();
  return UUID.test(id) ? id : undefined;
}

/**
 * The journal starts a need once: named after the boot that shall end, the reboot is asked for once per boot id, whoever asks and
 * however often. The command looks again, so that a late start cannot end a later boot.
 */
export function rebootJob(bootId: string): { need: string; command: string } {
  if (!UUID.test(bootId)) throw new RangeError(`not a boot id: ${JSON.stringify(bootId)}`);
  return {
    need: `reboot-${bootId}`,
    command: `[ "$(cat /proc/sys/kernel/random/boot_id)" = ${quote(bootId)} ] && sudo reboot`,
  };
}

export const OBSERVE_MACHINE = observe({ memory: 'cat /proc/meminfo', ifconfig: IFCONFIG });

/** MiB. A 2 GiB machine shows a little less: the kernel keeps some for itself. */
export function parseMemory(stdout: string): number | undefined {
  const match = /^MemTotal:\s+(\d+) kB/m.exec(stdout);
  return match === null ? undefined : Math.round(Number(match[1]) / 1024);
}

const DISK = /No space left on device|Disk quota exceeded|Read-only file system/;

/** The line that says why nothing can be written. */
export function diskTrouble(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => DISK.test(line));
}

/** In the words of sshd, of PAM, and of the questions for a new one. */
export function saysExpired(text: string): boolean {
  return /password.{0,20}\b(expired|must be changed|change required)|change your.{0,20}password|\((current|old)\)|\b(new|current|old|retype)\b.{0,20}password/i.test(
    text,
  );
}
