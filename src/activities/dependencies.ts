import type { KnownSecrets } from './known-secrets';
import type { Clouds, Dns, Http, Remote } from './ports';
import type { AddressFact } from '../spec/types';
import type { AddressRequest } from '../spec/messages';

/** The address desk (workflows/address-desk.ts) of an account, by update-with-start. */
export interface AddressDesk {
  /** @param id the same for every attempt of one need, so that a retried call joins the update that runs. */
  allocate(account: string, id: string, request: AddressRequest): Promise<AddressFact>;
  release(account: string, id: string, request: AddressRequest): Promise<void>;
}

export interface Dependencies {
  readonly secrets: KnownSecrets;
  readonly clouds: Clouds;
  readonly dns: Dns;
  readonly remote: Remote;
  readonly http: Http;
  readonly desk: AddressDesk;
  /** Part of the owner's mark, so that two Temporal namespaces never mistake each other's things for their own. */
  readonly namespace: string;
}
