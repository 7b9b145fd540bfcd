/** The typed client library. */

export { Deployments } from './deployments';
export type { ConnectOptions } from './settings';
export type { UpOutcome } from './bring-up';
export type { DownOptions, DownOutcome } from './take-down';
export type { Publishing } from './publishing';
export type { Diagnosis } from './diagnosis';
export type { ListedDeployment } from './list';
export type { WatchOptions } from './look';
export type { Snapshot, StepSnapshot, Trouble, UndoSnapshot } from './snapshot';
export type { AttemptFailure, PendingAttempt } from '../temporal/pending';
export { ClientError, EXIT } from './errors';
export type { ClientErrorCode, ExitCode } from './errors';
export { planOf } from '../steps/plan';
export type { PlannedStep } from '../steps/plan';
export type { PlannedAction } from '../steps/planning';
export { formatProblems, loadSpec, parseSpec } from '../specfile/loader';
export type { Loaded, Problem } from '../specfile/loader';
export { jsonSchema } from '../specfile/schema';
export type { Facts, Known } from '../deployment/facts';
export type { DeploymentSpec } from '../deployment/types';
export type { Stage, StepState } from '../deployment/messages';
export type { StepId } from '../deployment/steps';
