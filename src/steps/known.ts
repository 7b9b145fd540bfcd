import { DeployError } from '../deployment/errors';

/** A fact that an earlier step learnt. If it is missing, that is a bug in the workflow. */
export function required<T>(fact: T | undefined, what: string): T {
  if (fact === undefined) throw new DeployError('INTERNAL', `The ${what} is not known at this step.`);
  return fact;
}
