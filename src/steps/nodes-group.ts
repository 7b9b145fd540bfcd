import { DeployError } from '../deployment/errors';
import { step } from './step';
import type { StepWork } from './step';

const todo: StepWork = () => Promise.reject(new DeployError('INTERNAL', 'Not made yet.'));

/** The security group of all nodes but the core: open to the core and to each other only. */
export const nodesGroup = step({
  id: 'nodes-group',
  plan: () => [],
  activities: { ensureNodesGroup: todo },
  undo: todo,
});
