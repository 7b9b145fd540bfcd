/** moto's server: the memory behind the cloud fronts. Only they talk to it. */

import type { Household } from './household';
import { findProgram } from './programs';
import { untilReady } from './wait';

export const MOTO_HOST = '127.0.0.1';

/** Returns its URL. */
export async function startMoto(household: Household, port: number): Promise<string> {
  const url = `http://${MOTO_HOST}:${port}/`;
  const child = household.start({
    name: 'moto',
    program: findProgram('moto_server'),
    args: ['-H', MOTO_HOST, '-p', String(port)],
  });
  await untilReady(child, async () => (await fetch(`${url}moto-api/data.json`)).ok);
  return url;
}
