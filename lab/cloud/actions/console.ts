/** What an instance's serial console printed: the end of it. */

import type { Params } from '../parameters';
import { Refusal } from '../refusals';
import type { World } from '../world';
import type { Branch } from '../xml';
import { needed } from './common';

const SHOWN = 64 * 1024;

export async function getConsoleOutput(world: World, params: Params): Promise<Branch> {
  const { console, eucalyptus } = world.dialect;
  const id = params['InstanceId.1'] ?? needed(params, 'InstanceId');
  const state = (await world.instances()).find((instance) => instance.id === id)?.state;
  const machine = world.machines.get(id);
  // Eucalyptus lists a terminated instance, and knows nothing of it.
  if (machine === undefined || state === undefined || (eucalyptus && state === 'terminated'))
    throw new Refusal('consoleMissing', id);
  if (console.runningOnly && state !== 'running') throw new Refusal('notRunning', id);
  const end = Buffer.from(machine.consoleOutput()).subarray(-SHOWN);
  return {
    instanceId: id,
    timestamp: new Date().toISOString(),
    output: end.length === 0 ? console.nothing : end.toString('base64'),
  };
}
