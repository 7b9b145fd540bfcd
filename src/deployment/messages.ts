/** What client and workflow say to each other, and what a deployment shows of itself. */

import type { AddressFact, Facts, Unsettled } from './facts';
import type { CloudSpec, DeploymentSpec, ImageSpec } from './types';
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
  /** The earlier step whose effect is gone, as was seen after this failure: `resume --from` repeats it. */
  readonly from?: StepId;
}

/** Details of the failure that an activity ends with. */
export interface UnsettledDetails {
  readonly unsettled?: Unsettled;
}

export interface StepProgress {
  state: StepState;
  /** Epoch milliseconds, by the workflow's clock. */
  startedAt?: number;
  endedAt?: number;
  /** What came out of it, in a few words: an address, an id, "already so". */
  note?: string;
  error?: StepFailure;
}

/** Kept in the memo under `MEMO_VIEW`: everything `status` and `list` need, with no worker running. */
export interface DeploymentView {
  readonly name: string;
  readonly release: string;
  readonly cloud: string;
  /** Base DNS name. */
  readonly host: string;
  readonly consoleUrl: string;
  stage: Stage;
  steps: Partial<Record<StepId, StepProgress>>;
  facts: Facts;
  /** Things taken back by `abort` or `down`, newest last, and those that could not be. */
  undone: UndoNote[];
}

export interface UndoNote {
  readonly what: string;
  readonly ok: boolean;
  readonly message?: string;
}

export interface DeployInput {
  readonly spec: DeploymentSpec;
  /** What the last run of this deployment knew (from its memo), to go on with. */
  readonly facts: Facts;
}

export interface DeployResult {
  readonly stage: 'ready' | 'aborted';
  readonly view: DeploymentView;
  /** True where every step found its effect already there. */
  readonly unchanged: boolean;
}

export interface TeardownInput {
  readonly spec: DeploymentSpec;
  readonly facts: Facts;
  /** The published image, too, which other deployments may use. */
  readonly images?: true;
}

/** What an image consists of, each part a bundle and a registered image of its own. */
export const IMAGE_PARTS = ['kernel', 'ramdisk', 'machine'] as const;
export type ImagePart = (typeof IMAGE_PARTS)[number];

export interface PublishInput {
  readonly cloud: CloudSpec;
  readonly image: ImageSpec;
  /** Milliseconds: pause between two looks, and how long each part may go on failing or waiting. */
  readonly poll: number;
  readonly deadline: number;
}

export interface PublishProgress {
  state: 'waiting' | 'running' | 'done';
  startedAt?: number;
  endedAt?: number;
  /** Once it is registered and available. */
  id?: string;
  /** Nobody else has registered it. */
  ours?: true;
  note?: string;
}

/** Kept in the memo under `MEMO_IMAGE`. */
export interface PublishView {
  readonly image: ImageSpec;
  readonly cloud: string;
  stage: 'publishing' | 'published' | 'failed';
  parts: Record<ImagePart, PublishProgress>;
  error?: StepFailure;
}

export interface PublishResult {
  readonly kernelId: string;
  readonly ramdiskId: string;
  readonly id: string;
}

/** Names of the updates a deployment takes. Each is refused by its validator where it makes no sense, with the reason. */
export const UPDATE = { resume: 'resume', skip: 'skip', abort: 'abort', pause: 'pause' } as const;

export interface Decision {
  /** Of the steps that need attention, one; left out: all of them. */
  readonly step?: StepId;
  /** `resume` only: an earlier step, from which on everything is done again. */
  readonly from?: StepId;
}

/** The effect of a step that is not there any more. */
export interface LostEffect {
  readonly step: StepId;
  /** One sentence. */
  readonly message: string;
}

/** What the address desk carries over when it continues as new. */
export interface DeskState {
  /** By deployment name. */
  readonly ledger: Readonly<Record<string, LedgerEntry>>;
  /** Allocations whose end is not known, by the name of the deployment that each was for. */
  readonly questions?: Readonly<Record<string, OpenQuestion>>;
  /** Other desks may be kept out (ADDRESSES_GROUP). */
  readonly reserved?: true;
}

export interface LedgerEntry extends AddressFact {
  /** It was seen to be no longer the account's, or another deployment's: whoever has it now, it is not to be released. */
  readonly gone?: true;
}

export interface OpenQuestion {
  /** What the account held before. */
  readonly before: readonly string[];
  readonly unsettled: Unsettled;
}

/** What became of a deployment's addresses. */
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
  /** Milliseconds the cloud may fail. */
  readonly deadline: number;
  /** Use this address; absent: allocate one. */
  readonly ip?: string;
  /** What the deployment remembers, in case the desk does not. */
  readonly known?: AddressFact;
}

/** Updates of the address desk (one per cloud account). */
export const DESK = { allocate: 'allocate', release: 'release' } as const;

/** One precondition, checked: what `doctor` lists and `preflight` insists on. */
export interface Finding {
  /** In a few words: `TSIG key`, `instance type`. */
  readonly check: string;
  readonly ok: boolean;
  /** What was found, one sentence. */
  readonly message: string;
  /** Where `ok` is false. */
  readonly code?: ErrorCode;
}
