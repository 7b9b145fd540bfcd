/** Labs tell each other who they are, through the port that guards their network: so that one that is in the way can be named. */

import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';

/** Holding this port on 127.<net>.0.1 is holding the network: the kernel lets one process do so, and frees it when that dies. */
export const GUARD_PORT = 19_227;
const NETS = 254;
const PATIENCE = 1_000;

export interface Neighbour {
  readonly pid: number;
  readonly dir: string;
  readonly net: number;
  readonly ports: readonly number[];
}

/** What was asked for cannot be had. The message says who has it. */
export class TakenError extends Error {}

/** @returns undefined where nobody is there, or a program that is no lab */
export async function neighbourOn(net: number): Promise<Neighbour | undefined> {
  const socket = createConnection({ host: `127.${net}.0.1`, port: GUARD_PORT, timeout: PATIENCE });
  socket.once('timeout', () => socket.destroy(new Error('It says nothing.')));
  try {
    return JSON.parse(await text(socket)) as Neighbour;
  } catch {
    return undefined;
  }
}

export async function neighbours(): Promise<readonly Neighbour[]> {
  const all = await Promise.all(Array.from({ length: NETS }, (_, i) => neighbourOn(i + 1)));
  return all.filter((each) => each !== undefined);
}

export function called({ pid, dir }: Neighbour): string {
  return `the lab in ${dir} (pid ${pid})`;
}

/** Ends it. */
export function endOf({ dir }: Neighbour): string {
  return `\`lab down --dir ${dir}\``;
}
