/** moto's server, which holds the state behind the cloud fronts. Only they talk to it. */

import type { ChildProcesses } from './child-processes';
import { findProgram } from './programs';
import { untilReady } from './wait';

export const MOTO_HOST = '127.0.0.1';

/** @returns its URL */
export async function startMoto(processes: ChildProcesses, port: number): Promise<string> {
  const url = `http://${MOTO_HOST}:${port}/`;
  const child = processes.start({
    name: 'moto',
    program: findProgram('moto_server'),
    args: ['-H', MOTO_HOST, '-p', String(port)],
  });
  await untilReady(child, async () => (await fetch(`${url}moto-api/data.json`)).ok);
  return url;
}
