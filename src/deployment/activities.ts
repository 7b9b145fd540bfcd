/** The interface of the activities, as workflows call them: plain data in, plain data out. */

import type { AddressFact, Known, NodeFacts, NodeName, Unsettled } from './facts';
import type { CloudSpec, DeploymentSpec, ImageKind, ImageSpec } from './spec';
import type { Finding, LostEffect, PublishInput, Released } from './messages';
import type { StepActivityName, StepId } from './steps';

export interface StepInput {
  readonly spec: DeploymentSpec;
  /** Whose step it is; `core` for a step of the site. */
  readonly node: NodeName;
  readonly known: Known;
  /** For a node other than the core: the facts of the core, through which it is reached. */
  readonly core?: NodeFacts;
  /** For a launch on a cloud without instance tags: the instances of the nodes' group that are other nodes. */
  readonly assigned?: readonly string[];
  /** Identifies the reason to act; `resume` creates a new one. A remote command is started once per need. */
  readonly need: string;
  /** How long this may fail or wait, ms. Only time in which a worker is running it counts. */
  readonly deadline: number;
}

export interface StepOutcome {
  /** Whether something was done for this need; false if the effect was there already. */
  readonly changed: boolean;
  /** The result, in a few words. */
  readonly note: string;
  readonly known: Partial<Known>;
  /** A request that may still take effect, although the step is done. */
  readonly unsettled?: Unsettled;
  /** For an undo: what was left because it is not ours, and why. Not a failure. */
  readonly left?: string;
}

export interface LookBackInput {
  readonly spec: DeploymentSpec;
  readonly node: NodeName;
  readonly known: Known;
  readonly core?: NodeFacts;
  /** The steps that were done. */
  readonly steps: readonly StepId[];
}

export type StepActivity = (input: StepInput) => Promise<StepOutcome>;

/** Common input of the activities of the address desk. */
export interface DeskInput {
  readonly cloud: CloudSpec;
  readonly owner: string;
  readonly deadline: number;
  /** A request of an earlier activity whose outcome is unknown. */
  readonly unsettled?: Unsettled;
}

/** For an allocation, and for finding out what an unsettled one did. */
export interface AllocationInput extends DeskInput {
  /** Addresses that are not new: those that the account had before, and those of other deployments. */
  readonly before: readonly string[];
}

export interface ReleaseInput extends DeskInput {
  readonly address: AddressFact;
  /** What the desk remembers: the address is in its ledger, or was seen to be gone since, or nothing. */
  readonly memory: 'held' | 'gone' | 'none';
}

export interface ReservationInput extends DeskInput {
  /** Id of the desk, which stays the same when it continues as new. */
  readonly desk: string;
}

export interface Reservation {
  readonly listed: readonly ListedAddress[];
  /** False on clouds where tags identify addresses, so that nobody needs to be kept out. */
  readonly reserved: boolean;
}

export interface ListedAddress {
  readonly publicIp: string;
  readonly allocationId?: string;
  readonly associated: boolean;
  readonly ours: boolean;
}

/** One kind of an image, and what it is bound to. */
export interface ImageInput {
  readonly cloud: CloudSpec;
  readonly image: ImageSpec;
  /** Called `part` in the payloads of uploads that are running: a new name would break them when a worker is upgraded. */
  readonly part: ImageKind;
  /** Of a machine image. */
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly poll: number;
  readonly deadline: number;
}

/** What this attempt uploaded. */
export interface Uploaded {
  readonly sentBytes: number;
  readonly sentParts: number;
  readonly thereParts: number;
  /** False if an image of somebody else, with the same content, is used as it is. */
  readonly ours: boolean;
}

export interface Activities extends Record<StepActivityName, StepActivity> {
  findProblems(input: { readonly spec: DeploymentSpec }): Promise<readonly Finding[]>;
  /** Checks the effects of earlier steps, where that is cheap. @returns the first one that is gone */
  findLost(input: LookBackInput): Promise<LostEffect | undefined>;

  listAddresses(input: DeskInput): Promise<readonly ListedAddress[]>;
  /** Keeps other desks from allocating, then lists the addresses. */
  reserveAddresses(input: ReservationInput): Promise<Reservation>;
  /** Lets other desks allocate again. */
  letGoAddresses(input: ReservationInput): Promise<void>;
  allocateAddress(input: AllocationInput): Promise<AddressFact>;
  /** The address that an unsettled allocation created; null: none, and it cannot create one any more. */
  settleAllocation(input: AllocationInput): Promise<AddressFact | null>;
  releaseAddress(input: ReleaseInput): Promise<Released>;

  checkImage(input: PublishInput): Promise<void>;
  uploadImage(input: ImageInput): Promise<Uploaded>;
  /** @returns the image id, once the image is available */
  registerImage(input: ImageInput): Promise<string>;
}
