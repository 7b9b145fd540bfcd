/** The data that clients and workflows exchange, and the views that workflows publish in their memo. */

import type { AddressFact, Facts, NodeFacts, NodeName, Unsettled } from './facts';
import type { CloudSpec, DeploymentSpec, ImageKind, ImageSpec } from './spec';
import type { StepId } from './steps';
import type { ErrorCode } from './errors';

export const STAGES = [
  'deploying',
  'paused',
  'needs-attention',
  'ready',
  'undoing',
  'aborted',
  'removed',
  'failed',
] as const;
export type Stage = (typeof STAGES)[number];

export type StepState = 'waiting' | 'running' | 'done' | 'unchanged' | 'skipped' | 'attention' | 'not-needed';

export interface StepFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** The earlier step whose effect was found to be gone after this failure: `resume --from` repeats it. */
  readonly from?: StepId;
}

/** Details of an activity's failure. */
export interface UnsettledDetails {
  readonly unsettled?: Unsettled;
}

export interface StepProgress {
  state: StepState;
  /** Epoch milliseconds, by the workflow's clock. */
  startedAt?: number;
  endedAt?: number;
  /** The result, in a few words, such as an address or an id. */
  note?: string;
  error?: StepFailure;
}

/** Kept in the memo under `MEMO_VIEW`: everything that `status` and `list` need, without a worker. */
export interface DeploymentView {
  readonly name: string;
  readonly release: string;
  readonly cloud: string;
  /** Base DNS name. */
  readonly host: string;
  readonly consoleUrl: string;
  /** In the view of a node's own workflow: which node. */
  readonly node?: NodeName;
  stage: Stage;
  steps: Partial<Record<StepId, StepProgress>>;
  facts: Facts;
  /** Nodes other than the core, by name. In the memo they have keys of their own (MEMO_NODE). */
  nodes: Record<NodeName, NodeRow>;
  /** What `abort` or `down` removed or failed to remove, newest last. */
  undone: UndoNote[];
}

/**
 * `waiting`: not begun. `held`: not begun, because the canary of its group was aborted. `lost`: its workflow was ended from outside.
 * `removing`: being drained, detached and terminated.
 */
export type NodeStage =
  'waiting' | 'held' | 'deploying' | 'needs-attention' | 'ready' | 'aborted' | 'lost' | 'removing';

/** A node as its deployment sees it. Its steps are in the view of its own workflow. */
export interface NodeRow {
  readonly group: string;
  stage: NodeStage;
  /** As its workflow last told: at the start, when it needs attention, and at the end. */
  facts: NodeFacts;
  /** The step that needs attention, and why. */
  error?: StepFailure & { readonly step: StepId };
}

export interface UndoNote {
  readonly what: string;
  readonly ok: boolean;
  readonly message?: string;
}

export interface DeployInput {
  readonly spec: DeploymentSpec;
  /** The facts of the last run of this deployment, from its memo. */
  readonly facts: Facts;
  /** Nodes with data services that may be removed with their data. */
  readonly dataLoss?: readonly NodeName[];
}

/** Of `deployNode`, and of `removeNode`. */
export interface NodeInput {
  /** See `specOfNode`. */
  readonly spec: DeploymentSpec;
  readonly node: NodeName;
  /** Of the site, the core, and this node. */
  readonly facts: Facts;
  /** It may launch at once, and must end its turn. */
  readonly turn?: Turn;
}

export interface NodeResult {
  /** `cancelled`: by the deployment, which takes it back. */
  readonly stage: 'ready' | 'aborted' | 'cancelled' | 'removed';
  readonly facts: NodeFacts;
  readonly unchanged: boolean;
}

/**
 * Signals between a deployment and its nodes.
 * `changed` (to the deployment): a node needs attention, or no longer does.
 * `requestTurn`, `endTurn` (to the deployment) and `turn` (to the node): on clouds without instance tags, nodes are launched one at a time.
 */
export const SIGNAL = { changed: 'changed', requestTurn: 'requestTurn', turn: 'turn', endTurn: 'endTurn' } as const;

export interface NodeChange extends Pick<NodeRow, 'stage' | 'facts' | 'error'> {
  readonly node: NodeName;
}

/** `facts`: after the launch. */
export interface TurnEnd {
  readonly node: NodeName;
  readonly facts: NodeFacts;
}

export interface Turn {
  /** Instances that are other nodes. */
  readonly assigned: readonly string[];
}

export interface DeployResult {
  /** `failed`: a cluster that is not whole, though nothing is under way any more. */
  readonly stage: 'ready' | 'aborted' | 'failed';
  readonly view: DeploymentView;
  /** Of a cluster that is not whole: which nodes are missing, and what to do. */
  readonly message?: string;
  /** True if every step found its effect already there. */
  readonly unchanged: boolean;
}

export interface TeardownInput {
  readonly spec: DeploymentSpec;
  readonly facts: Facts;
  /** Also withdraw the published image, which other deployments may use. */
  readonly images?: true;
  /** Also delete the volume that was made for the container store, with its data. */
  readonly volumes?: true;
}

export interface PublishInput {
  readonly cloud: CloudSpec;
  readonly image: ImageSpec;
  /** Milliseconds: polling interval, and how long each kind may fail or wait. */
  readonly poll: number;
  readonly deadline: number;
}

export interface PublishProgress {
  state: 'waiting' | 'running' | 'done';
  startedAt?: number;
  endedAt?: number;
  /** Image id, once it is available. */
  id?: string;
  /** It was not registered by somebody else. */
  ours?: true;
  note?: string;
}

/** Kept in the memo under `MEMO_IMAGE`. */
export interface PublishView {
  readonly image: ImageSpec;
  readonly cloud: string;
  stage: 'publishing' | 'published' | 'failed';
  /** By kind. Called `parts` in memos and in `--json`. */
  parts: Record<ImageKind, PublishProgress>;
  error?: StepFailure;
}

export interface PublishResult {
  readonly kernelId: string;
  readonly ramdiskId: string;
  readonly id: string;
}

/** Names of the updates of a deployment. Their validators reject, with the reason, an update that makes no sense. */
export const UPDATE = { resume: 'resume', skip: 'skip', abort: 'abort', pause: 'pause' } as const;

export interface Decision {
  /** One of the steps that need attention; default: all of them. */
  readonly step?: StepId;
  /** `resume` only: everything from that earlier step on is done again. */
  readonly from?: StepId;
  /** `abort` of a node only: what data it has may go with it. */
  readonly dataLoss?: boolean;
}

/** A step whose effect is gone. */
export interface LostEffect {
  readonly step: StepId;
  /** One sentence. */
  readonly message: string;
}

/** The state that the address desk keeps when it continues as new. */
export interface DeskState {
  /** By deployment name. */
  readonly ledger: Readonly<Record<string, LedgerEntry>>;
  /** Unsettled allocations, by deployment name. */
  readonly questions?: Readonly<Record<string, OpenQuestion>>;
  /** Other desks may be kept out (ADDRESSES_GROUP). */
  readonly reserved?: true;
}

export interface LedgerEntry extends AddressFact {
  /** The account or the deployment lost it: whoever has it now, it must not be released. */
  readonly gone?: true;
}

export interface OpenQuestion {
  /** The addresses that the account had before. */
  readonly before: readonly string[];
  readonly unsettled: Unsettled;
}

/** The result of releasing a deployment's addresses. */
export interface Released {
  readonly released: readonly string[];
  /** Not released, and why: one sentence. */
  readonly left?: string;
}

export interface AddressRequest {
  readonly deployment: string;
  readonly cloud: CloudSpec;
  /** See `ownerOf`. */
  readonly owner: string;
  /** How long the cloud may fail, ms. */
  readonly deadline: number;
  /** Use this address; absent: allocate one. */
  readonly ip?: string;
  /** The address that the deployment remembers, in case the desk does not. */
  readonly known?: AddressFact;
}

/** Updates of the address desk (one per cloud account). */
export const DESK = { allocate: 'allocate', release: 'release' } as const;

/** The result of checking one precondition: `doctor` lists them, and `preflight` fails unless all are ok. */
export interface Finding {
  /** In a few words: `TSIG key`, `instance type`. */
  readonly check: string;
  readonly ok: boolean;
  /** One sentence. */
  readonly message: string;
  /** Present if `ok` is false. */
  readonly code?: ErrorCode;
}
