/** The activities as workflows see them: plain data in, plain data out. */

import type { AddressFact, CloudSpec, DeploymentSpec, ImageSpec, Resources } from '../spec/types';
import type { Finding, ImagePart, LostEffect, PublishInput } from '../spec/messages';
import type { StepId } from '../spec/steps';

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
  /** `before`: what the account held when allocation was first asked for. `mayBeThere`: an earlier allocation has an unknown end. */
  allocateAddress(input: DeskInput & { readonly before: readonly string[]; readonly mayBeThere: boolean }): Promise<AddressFact>;
  releaseAddress(input: DeskInput & { readonly address: AddressFact }): Promise<void>;

  checkImage(input: PublishInput): Promise<void>;
  uploadImage(input: PartInput): Promise<Uploaded>;
  /** Its id, once it is available. */
  registerImage(input: PartInput): Promise<string>;
}

/** Names of those that are a step's work. */
export type StepActivityName = {
  [K in keyof Activities]: Activities[K] extends StepActivity ? K : never;
}[keyof Activities];
