/** `lab console`: the serial console of a real machine, for whoever was cut off from it. */

import { once } from 'node:events';
import { readdirSync, realpathSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { SERIAL } from './vm/machine';

/** As telnet has it: Ctrl-]. */
const LEAVE = 0x1d;

/** Connects this terminal with it until Ctrl-], or the end of the input or of the machine. `instance`: may be left out where there is but one. */
export async function attachConsole(dir: string, instance: string | undefined): Promise<void> {
  const socket = createConnection(socketOf(dir, instance));
  await once(socket, 'connect');
  const { stdin, stdout } = process;
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdout.write('Connected; Ctrl-] leaves. Press Enter for a prompt.\r\n');
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

/** The machine's folder has a link to it: the name of the socket itself is short, which sockets need. */
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
  if (one === undefined) throw new Error(`There is no machine ${instance ?? ''}. There are: ${names}.`);
  if (more.length > 0) throw new Error(`There are several machines: ${names}. Say which.`);
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
