/** Finds other labs on this machine, so that an error can name the one that holds a network or port. */

import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * The lab that listens on this port of 127.<net>.0.1 owns the network: the kernel allows only one, and frees the port
 * when it dies. To whoever connects it says who it is.
 */
export const GUARD_PORT = 19_227;
const NETS = 254;
const TIMEOUT_MS = 1_000;

export interface OtherLab {
  readonly pid: number;
  readonly dir: string;
  readonly net: number;
  readonly ports: readonly number[];
}

/** A network, port or folder is in use. The message says by which lab or program. */
export class InUseError extends Error {}

/** @returns undefined where nothing listens, or a program that is not a lab */
export async function labOnNet(net: number): Promise<OtherLab | undefined> {
  const socket = createConnection({ host: `127.${net}.0.1`, port: GUARD_PORT, timeout: TIMEOUT_MS });
  socket.once('timeout', () => socket.destroy(new Error('no answer')));
  try {
    return JSON.parse(await text(socket)) as OtherLab;
  } catch {
    return undefined;
  }
}

export async function otherLabs(): Promise<readonly OtherLab[]> {
  const all = await Promise.all(Array.from({ length: NETS }, (_, i) => labOnNet(i + 1)));
  return all.filter((each) => each !== undefined);
}

export function described({ pid, dir }: OtherLab): string {
  return `the lab in ${dir} (pid ${pid})`;
}

/** The command that stops it. */
export function stopCommand({ dir }: OtherLab): string {
  return `\`lab down --dir ${dir}\``;
}
