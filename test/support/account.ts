/** A cloud account of addresses and groups in memory, and what goes wrong with its next calls. */

import type { Cloud, CloudAddress, CloudGroup } from '../../src/steps/ports';
import { CloudFailure, unclear } from '../../src/cloud/failures';
import type { ErrorCode } from '../../src/deployment/errors';

/** `lost`: done, but the answer never came; `unheard`: not done, and no answer; a number: done so many ms after the connection was lost. */
export type AccountFault = ErrorCode | 'lost' | 'unheard' | number;

export class Account {
  readonly held = new Map<string, CloudAddress>();
  readonly groups = new Map<string, CloudGroup>();
  /** Addresses given up, in order. */
  readonly released: string[] = [];
  allocations = 0;
  /** Of the next allocations. */
  readonly faults: AccountFault[] = [];
  /** What else happens at the next one. */
  onAllocation: () => void = () => undefined;
  /** Once there was one, no list is given. */
  blindAfterAllocation: ErrorCode | undefined;

  constructor(
    readonly addressTags: Cloud['addressTags'] = 'none',
    readonly lateEffect = 1_500,
  ) {}

  /** Somebody else's doing. */
  stranger(publicIp: string, change: Partial<CloudAddress> = {}): void {
    this.held.set(publicIp, { publicIp, ...this.idOf(publicIp), ...change });
  }

  get cloud(): Cloud {
    return {
      account: 'acct',
      addressTags: this.addressTags,
      launchesOnce: false,
      lateEffect: this.lateEffect,
      listAddresses: () => {
        const code = this.blindAfterAllocation;
        return code === undefined || this.allocations === 0
          ? Promise.resolve([...this.held.values()])
          : Promise.reject(unclear(`The cloud says ${code}.`, code));
      },
      allocateAddress: (owner) => this.answer(this.faults.shift(), () => this.allocate(owner)),
      releaseAddress: ({ publicIp }) => {
        this.released.push(publicIp);
        this.held.delete(publicIp);
        return Promise.resolve();
      },
      findGroup: (name) => Promise.resolve(this.groups.get(name)),
      createGroup: (name, description) => {
        if (!this.groups.has(name)) this.groups.set(name, { name, description, rules: [], key: name, letsIn: [] });
        return Promise.resolve();
      },
      authorize: ({ name }, rule) => {
        const group = this.groups.get(name);
        if (group !== undefined) this.groups.set(name, { ...group, rules: [...group.rules, rule] });
        return Promise.resolve();
      },
      authorizeGroup: ({ name }, { key }) => {
        const group = this.groups.get(name);
        if (group !== undefined) this.groups.set(name, { ...group, letsIn: [...group.letsIn, key] });
        return Promise.resolve();
      },
      revokeGroup: ({ name }, { key }) => {
        const group = this.groups.get(name);
        if (group !== undefined)
          this.groups.set(name, { ...group, letsIn: group.letsIn.filter((each) => each !== key) });
        return Promise.resolve();
      },
      deleteGroup: ({ name }) => Promise.resolve(void this.groups.delete(name)),
    } satisfies Partial<Cloud> as unknown as Cloud;
  }

  private allocate(owner: string): CloudAddress {
    const publicIp = `10.0.0.${++this.allocations}`;
    this.onAllocation();
    this.onAllocation = () => undefined;
    const address = { publicIp, ...this.idOf(publicIp), ...(this.addressTags === 'at once' ? { owner } : {}) };
    this.held.set(publicIp, address);
    return address;
  }

  private idOf(publicIp: string): { allocationId?: string } {
    return this.addressTags === 'none' ? {} : { allocationId: `eipalloc-${publicIp}-${this.allocations}` };
  }

  private answer<T>(fault: AccountFault | undefined, work: () => T): Promise<T> {
    if (typeof fault === 'number') setTimeout(work, fault);
    if (typeof fault === 'number' || fault === 'unheard')
      return Promise.reject(unclear('The connection is lost.', 'CLOUD_UNREACHABLE'));
    if (fault !== undefined && fault !== 'lost')
      return Promise.reject(
        new CloudFailure(fault, `The cloud says ${fault}.`, undefined, undefined, fault === 'CLOUD_ERROR'),
      );
    const result = work();
    return fault === 'lost'
      ? Promise.reject(unclear('The answer was lost.', 'CLOUD_UNREACHABLE'))
      : Promise.resolve(result);
  }
}
