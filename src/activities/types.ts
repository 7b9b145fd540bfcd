/** The activities as workflows see them: plain data in, plain data out. */

import type { AddressFact, CloudSpec, DeploymentSpec, ImageSpec, Resources, Unsettled } from '../deployment/types';
import type { Finding, ImagePart, LostEffect, PublishInput, Released } from '../deployment/messages';
import type { StepId } from '../deployment/steps';

export interface StepInput {
  readonly spec: DeploymentSpec;
  readonly known: Resources;
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
  readonly known: Partial<Resources>;
  /** What was asked for on the way and may be done yet, though the step is done. */
  readonly unsettled?: Unsettled;
  /** Of an undo: what is still there because it is not ours, and why. No failure. */
  readonly left?: string;
}

export interface LookBackInput {
  readonly spec: DeploymentSpec;
  readonly known: Resources;
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

export interface Activities {
  findProblems(input: { readonly spec: DeploymentSpec }): Promise<readonly Finding[]>;
  /** Looks once more at what earlier steps made, where a look is cheap: the first whose effect is gone. */
  findLost(input: LookBackInput): Promise<LostEffect | undefined>;

  preflight: StepActivity;
  startPublishing: StepActivity;
  awaitKernel: StepActivity;
  awaitRamdisk: StepActivity;
  awaitImage: StepActivity;
  ensureAddress: StepActivity;
  ensureSecurityGroup: StepActivity;
  observeDns: StepActivity;
  updateDns: StepActivity;
  launchInstance: StepActivity;
  awaitRunning: StepActivity;
  associateAddress: StepActivity;
  pinHostKey: StepActivity;
  logIn: StepActivity;
  awaitKato: StepActivity;
  setStaticIp: StepActivity;
  renameNode: StepActivity;
  disableMdns: StepActivity;
  readBootId: StepActivity;
  requestReboot: StepActivity;
  awaitReboot: StepActivity;
  setUpCore: StepActivity;
  enableRoles: StepActivity;
  putResolverFirst: StepActivity;
  announceClaim: StepActivity;
  claimAdmin: StepActivity;
  openConsole: StepActivity;
  verifyConsole: StepActivity;

  disassociateAddress: StepActivity;
  terminateInstance: StepActivity;
  takeBackDns: StepActivity;
  deleteSecurityGroup: StepActivity;
  giveBackAddress: StepActivity;
  withdrawImage: StepActivity;

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

/** Names of those that are a step's work. */
export type StepActivityName = {
  [K in keyof Activities]: Activities[K] extends StepActivity ? K : never;
}[keyof Activities];
