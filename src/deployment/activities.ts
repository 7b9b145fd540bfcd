/** The activities as workflows see them: plain data in, plain data out. */

import type { AddressFact, Known, NodeName, Unsettled } from './facts';
import type { CloudSpec, DeploymentSpec, ImageSpec } from './types';
import type { Finding, ImagePart, LostEffect, PublishInput, Released } from './messages';
import type { StepActivityName, StepId } from './steps';

export interface StepInput {
  readonly spec: DeploymentSpec;
  /** Whose step it is; `core` for a step of the site. */
  readonly node: NodeName;
  readonly known: Known;
  /** Names the reason to act: a new one for every time a person says `resume`. A remote command is started once per need. */
  readonly need: string;
  /** How long this may go on failing or waiting, ms; only time in which a worker was at it counts. */
  readonly deadline: number;
}

export interface StepOutcome {
  /** Whether something was done for this need; false where its effect was there already. */
  readonly changed: boolean;
  /** What came out of it, in a few words. */
  readonly note: string;
  readonly known: Partial<Known>;
  /** What was asked for on the way and may be done yet, though the step is done. */
  readonly unsettled?: Unsettled;
  /** Of an undo: what is still there because it is not ours, and why. No failure. */
  readonly left?: string;
}

export interface LookBackInput {
  readonly spec: DeploymentSpec;
  readonly node: NodeName;
  readonly known: Known;
  /** Those that were done. */
  readonly steps: readonly StepId[];
}

export type StepActivity = (input: StepInput) => Promise<StepOutcome>;

/** What the address desk needs of the cloud. */
export interface DeskInput {
  readonly cloud: CloudSpec;
  readonly owner: string;
  readonly deadline: number;
  /** Asked for by an earlier activity of its kind, with an unknown end. */
  readonly unsettled?: Unsettled;
}

/** An allocation, or what is left of one. */
export interface AllocationInput extends DeskInput {
  /** What the account held, and what belongs to other deployments: none of these is new. */
  readonly before: readonly string[];
}

export interface ReleaseInput extends DeskInput {
  readonly address: AddressFact;
  /** What the desk remembers of it: it is in the ledger; it was seen to be gone since; nothing. */
  readonly memory: 'held' | 'gone' | 'none';
}

export interface ReservationInput extends DeskInput {
  /** The same for one desk, however often it continues as new. */
  readonly desk: string;
}

export interface Reservation {
  readonly listed: readonly ListedAddress[];
  /** False where tags tell addresses apart and nobody need be kept out. */
  readonly reserved: boolean;
}

export interface ListedAddress {
  readonly publicIp: string;
  readonly allocationId?: string;
  readonly associated: boolean;
  readonly ours: boolean;
}

/** One part of an image, and what it is bound to. */
export interface PartInput {
  readonly cloud: CloudSpec;
  readonly image: ImageSpec;
  readonly part: ImagePart;
  /** Of a machine image. */
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly poll: number;
  readonly deadline: number;
}

/** By this attempt. */
export interface Uploaded {
  readonly sentBytes: number;
  readonly sentParts: number;
  readonly thereParts: number;
  /** Nothing was registered from there, or what was bears our mark; false: somebody else's image is taken as it is. */
  readonly ours: boolean;
}

export interface Activities extends Record<StepActivityName, StepActivity> {
  findProblems(input: { readonly spec: DeploymentSpec }): Promise<readonly Finding[]>;
  /** Looks once more at what earlier steps made, where a look is cheap: the first whose effect is gone. */
  findLost(input: LookBackInput): Promise<LostEffect | undefined>;

  listAddresses(input: DeskInput): Promise<readonly ListedAddress[]>;
  /** Keeps other desks from allocating, then lists. */
  reserveAddresses(input: ReservationInput): Promise<Reservation>;
  letGoAddresses(input: ReservationInput): Promise<void>;
  allocateAddress(input: AllocationInput): Promise<AddressFact>;
  /** What an allocation made whose end is not known; null: nothing, and it will make nothing any more. */
  settleAllocation(input: AllocationInput): Promise<AddressFact | null>;
  releaseAddress(input: ReleaseInput): Promise<Released>;

  checkImage(input: PublishInput): Promise<void>;
  uploadImage(input: PartInput): Promise<Uploaded>;
  /** Its id, once it is available. */
  registerImage(input: PartInput): Promise<string>;
}
