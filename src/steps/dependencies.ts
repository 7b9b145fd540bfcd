/** What steps depend on, passed in by the worker. */

import type { Clouds, Dns, Http, ImageFiles, MaskingSecrets, Remote } from './ports';
import type { AddressFact } from '../deployment/facts';
import type { AddressRequest, PublishInput, PublishView, Released } from '../deployment/messages';
import type { ImageKind } from '../deployment/spec';

/** The address desk of an account (workflows/address-desk.ts), called by update-with-start. */
export interface AddressDesk {
  /** @param id update id: the same for every attempt of one need, so that a retry joins the update that is running */
  allocate(account: string, id: string, request: AddressRequest): Promise<AddressFact>;
  release(account: string, id: string, request: AddressRequest): Promise<Released>;
}

/** A run of the workflow that publishes an image, as Temporal describes it. */
export interface PublishRun {
  readonly open: boolean;
  readonly view: PublishView;
  /** The progress that the running upload of each kind reports. */
  readonly lines: Partial<Readonly<Record<ImageKind, string>>>;
}

/** The workflow that publishes an image, shared by all deployments that need it. */
export interface Publisher {
  /** Starts the workflow, or joins the one that is running. @returns the run id */
  start(input: PublishInput): Promise<string>;
  /** @param runId default: the newest run. @returns undefined if there is no such workflow */
  describe(workflowId: string, runId?: string): Promise<PublishRun | undefined>;
  /** The mark of everything that was published from this namespace of this Temporal server: see imageMarkOf. */
  mark(): Promise<string>;
}

export interface Dependencies {
  readonly secrets: MaskingSecrets;
  readonly clouds: Clouds;
  readonly dns: Dns;
  readonly remote: Remote;
  readonly http: Http;
  readonly desk: AddressDesk;
  readonly files: ImageFiles;
  readonly publisher: Publisher;
  /** This worker's identity, as Temporal shows it. */
  readonly worker: string;
  /** Part of the owner mark, so that no Temporal namespace takes another's resources for its own. */
  readonly namespace: string;
}
