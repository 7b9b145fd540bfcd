import type { StepInput } from '../deployment/activities';
import { DeployError } from '../deployment/errors';

/** A fact that an earlier step learnt. If it is missing, that is a bug in the workflow. */
export function required<T>(fact: T | undefined, what: string): T {
  if (fact === undefined) throw new DeployError('INTERNAL', `The ${what} is not known at this step.`);
  return fact;
}

/** Whether the machine may be a node of the core by now: it is asked to be one after its reboot only. Never true of the core. */
export function mayBeAttached({ known: { attached, reboot } }: Pick<StepInput, 'known'>): boolean {
  return attached !== undefined && reboot?.after !== undefined;
}
