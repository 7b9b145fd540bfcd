/** `lab console`: attaches this terminal to the serial console of a real machine. */

import { once } from 'node:events';
import { readdirSync, realpathSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { SERIAL } from './vm/machine';

/** Ctrl-], as in telnet. */
const LEAVE = 0x1d;

/**
 * Returns on Ctrl-], at the end of the input, or when the machine ends. `instance` may be omitted if there is only one.
 */
export async function attachConsole(dir: string, instance: string | undefined): Promise<void> {
  const socket = createConnection(socketOf(dir, instance));
  await once(socket, 'connect');
  const { stdin, stdout } = process;
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdout.write('Connected. Press Enter for a prompt, Ctrl-] to leave.\r\n');
  }
  socket.pipe(stdout);
  stdin.on('data', (bytes: Buffer) => {
    if (stdin.isTTY && bytes.includes(LEAVE)) socket.end();
    else socket.write(bytes);
  });
  stdin.on('end', () => socket.end());
  await once(socket, 'close');
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.pause();
}

/** The machine's folder has a link to the socket, because the path of a socket must be short. */
function socketOf(dir: string, instance: string | undefined): string {
  const machines = foldersIn(join(dir, 'machines'))
    .flatMap((kind) => foldersIn(kind))
    .filter((machine) => readdirSync(machine).includes(SERIAL));
  const wanted = instance === undefined ? machines : machines.filter((machine) => machine.endsWith(`/${instance}`));
  const [one, ...more] = wanted;
  const names = machines.map((machine) => machine.slice(machine.lastIndexOf('/') + 1)).join(', ');
  if (machines.length === 0)
    throw new Error(
      `No real machine runs in the lab in ${dir}. Start it with \`lab up --vm\`, or \`npm start -- --vm\`.`,
    );
  if (one === undefined) throw new Error(`There is no machine ${instance ?? ''}. The running machines are: ${names}.`);
  if (more.length > 0) throw new Error(`Several machines are running: ${names}. Name one of them.`);
  return realpathSync(join(one, SERIAL));
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}
