/** The machine's operating system: its boot id and memory, and the command that reboots it. */

import { READ_IFCONFIG } from './network';
import { inSections, shellQuote } from './shell';

/** Prints the id of the current boot; every boot has a new one. */
export const READ_BOOT_ID = 'cat /proc/sys/kernel/random/boot_id';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Strict: half a UUID, or an error message, would look like another boot. */
export function parseBootId(stdout: string): string | undefined {
  const id = stdout.trim().toLowerCase();
  return UUID.test(id) ? id : undefined;
}

/**
 * The journal starts each need once. A need named after the boot id makes this one reboot per boot, however often it is asked for. The
 * command compares the boot id again, so that a late start cannot end a later boot.
 */
export function rebootJob(bootId: string): { need: string; command: string } {
  if (!UUID.test(bootId)) throw new RangeError(`not a boot id: ${JSON.stringify(bootId)}`);
  return {
    need: `reboot-${bootId}`,
    command: `[ "$(${READ_BOOT_ID})" = ${shellQuote(bootId)} ] && sudo reboot`,
  };
}

/** What is checked before anything is changed on the machine. */
export const READ_SYSTEM = inSections({ memory: 'cat /proc/meminfo', ifconfig: READ_IFCONFIG });

/** MiB. A machine with 2 GiB reports a little less, because the kernel reserves some. */
export function parseMemory(stdout: string): number | undefined {
  const match = /^MemTotal:\s+(\d+) kB/m.exec(stdout);
  return match === null ? undefined : Math.round(Number(match[1]) / 1024);
}
