/** The typed client library. */

export { Deployments } from './deployments';
export type { ConnectOptions } from './settings';
export type { UpOutcome } from './up';
export type { DownOptions, DownOutcome } from './down';
export type { PublishStatus } from './publish';
export type { CheckResult } from './doctor';
export type { ListedDeployment } from './list';
export type { WatchOptions } from './watch';
export type { DeploymentStatus, NodeDetails, Trouble } from './status';
export type { NodeRun, NodeStatus, NodeStatusStage } from './nodes';
export type { StepStatus, UndoStatus } from './step-status';
export type { AttemptFailure, PendingAttempt } from '../temporal/pending';
export { ClientError, EXIT } from './errors';
export type { ClientErrorCode, ExitCode } from './errors';
export { groupPlansOf, planOf } from '../steps/plan';
export type { PlannedStep } from '../steps/plan';
export type { PlannedAction } from '../steps/planning';
export { formatProblems, loadSpec, parseSpec } from '../specfile/loader';
export type { Loaded, Problem } from '../specfile/loader';
export { jsonSchema } from '../specfile/schema';
export type { Facts, Known } from '../deployment/facts';
export type { DeploymentSpec } from '../deployment/spec';
export type { Stage, StepState } from '../deployment/messages';
export type { StepId } from '../deployment/steps';
