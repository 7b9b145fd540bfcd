import { DeployError } from '../deployment/errors';
import { step } from './step';
import type { StepWork } from './step';

const todo: StepWork = () => Promise.reject(new DeployError('INTERNAL', 'Not made yet.'));

/** Makes the machine a node of the core. */
export const attach = step({
  id: 'attach',
  plan: () => [],
  activities: { announceAttach: todo, removeStale: todo, attachNode: todo, awaitAttached: todo },
  undo: todo,
});
