/** What a call made, read out of its answer: so that what is left over can be told from what others had. */

import { items, text } from './xml';
import type { Branch } from './xml';

const MADE: Readonly<Record<string, (answer: Branch) => readonly string[]>> = {
  AllocateAddress: (answer) => [text(answer, 'publicIp')],
  RunInstances: (answer) => items(answer, 'instancesSet').map((instance) => text(instance, 'instanceId')),
  RegisterImage: (answer) => [text(answer, 'imageId')],
};

export function made(action: string, answer: Branch): readonly string[] {
  return MADE[action]?.(answer) ?? [];
}
