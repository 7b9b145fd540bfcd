import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../deployment/activities';
import type { Finding } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { ACTIVITY_OPTIONS } from './calls';

/** Checks every precondition on a worker, because that is where the steps will run. Changes nothing. */
export async function checkPreconditions(spec: DeploymentSpec): Promise<readonly Finding[]> {
  const { findProblems } = proxyActivities<Activities>({ ...ACTIVITY_OPTIONS, summary: 'Check every precondition' });
  return findProblems({ spec });
}
