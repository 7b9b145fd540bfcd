import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../deployment/activities';
import type { Finding } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/types';
import { ACTIVITY_OPTIONS } from './calls';

/** Checks every precondition where it matters: on a worker. Changes nothing. */
export async function checkPreconditions(spec: DeploymentSpec): Promise<readonly Finding[]> {
  const { findProblems } = proxyActivities<Activities>({ ...ACTIVITY_OPTIONS, summary: 'Check every precondition' });
  return findProblems({ spec });
}
