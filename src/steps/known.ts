import { DeployError } from '../deployment/errors';

/** What an earlier step learnt. Its absence is a bug of the workflow. */
export function required<T>(fact: T | undefined, what: string): T {
  if (fact === undefined) throw new DeployError('INTERNAL', `The ${what} is not known at this step.`);
  return fact;
}
