/** The outside, as steps reach it. */

import type { Clouds, Dns, Http, ImageFiles, MaskingSecrets, Remote } from './ports';
import type { AddressFact } from '../deployment/facts';
import type { AddressRequest, ImagePart, PublishInput, PublishView, Released } from '../deployment/messages';

/** The address desk (workflows/address-desk.ts) of an account, by update-with-start. */
export interface AddressDesk {
  /** @param id the same for every attempt of one need, so that a retried call joins the update that runs. */
  allocate(account: string, id: string, request: AddressRequest): Promise<AddressFact>;
  release(account: string, id: string, request: AddressRequest): Promise<Released>;
}

/** One look at the workflow that publishes an image. */
export interface PublishLook {
  readonly open: boolean;
  readonly view: PublishView;
  /** What each part that is at work says of itself. */
  readonly lines: Partial<Readonly<Record<ImagePart, string>>>;
}

/** The workflow that publishes an image, shared by all deployments that need it. */
export interface Publisher {
  /** Starts it, or finds it under way. @returns its run */
  start(input: PublishInput): Promise<string>;
  /** @param run the newest, if left out. Undefined: Temporal knows of none */
  look(id: string, run?: string): Promise<PublishLook | undefined>;
  /** What everything bears that was published from this namespace of this server: see imageMarkOf. */
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
  /** Part of the owner's mark, so that two Temporal namespaces never mistake each other's things for their own. */
  readonly namespace: string;
}
