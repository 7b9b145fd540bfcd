import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineUpdate,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { DESK } from '../deployment/messages';
import type { AddressRequest, DeskState, LedgerEntry, OpenQuestion, Released } from '../deployment/messages';
import type { AddressFact, Unsettled } from '../deployment/facts';
import type { Activities, AllocationInput, ListedAddress, ReservationInput } from '../deployment/activities';
import { ACTIVITY_OPTIONS } from './calls';
import { unsettledOf } from './failures';

const allocate = defineUpdate<AddressFact, [AddressRequest]>(DESK.allocate);
const release = defineUpdate<Released, [AddressRequest]>(DESK.release);

/** The least time, ms, to find out what an unsettled allocation did, whatever the deadline of the deployment: longer than it may take effect late. */
const SETTLING = 180_000;

/**
 * Owns the elastic IPs of one cloud account. Most Eucalyptus releases have neither tags nor client tokens for addresses, so the only
 * trace of an allocation whose reply was lost is a new address, and that proves something only while nobody else allocates. Therefore
 * all allocations go through this workflow, one at a time, and other desks are kept out. Completes when it owns nothing.
 */
export async function addressDesk(state: DeskState): Promise<void> {
  const desk = new Desk(state);
  setHandler(allocate, (request) => desk.inTurn(() => desk.allocate(request)), {
    description: 'Get the address of a deployment',
  });
  setHandler(release, (request) => desk.inTurn(() => desk.release(request)), {
    description: 'Give the address of a deployment back',
  });
  await condition(
    () => desk.served && allHandlersFinished() && (desk.isEmpty || workflowInfo().continueAsNewSuggested),
  );
  if (!desk.isEmpty) await continueAsNew<typeof addressDesk>(desk.state);
}

class Desk {
  served = false;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly ledger: Record<string, LedgerEntry>;
  private readonly questions: Record<string, OpenQuestion>;
  private reserved: boolean;
  /** The request to keep others out, if it was not answered. */
  private reserving: Unsettled | undefined;

  constructor(state: DeskState) {
    this.ledger = { ...state.ledger };
    this.questions = { ...state.questions };
    this.reserved = state.reserved === true;
  }

  get state(): DeskState {
    return { ledger: this.ledger, questions: this.questions, ...(this.reserved ? { reserved: true } : {}) };
  }

  get isEmpty(): boolean {
    return Object.keys(this.ledger).length === 0 && Object.keys(this.questions).length === 0 && !this.reserved;
  }

  /** Handles requests one after another, in the order in which they arrived. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      // The caller needs the activity's own error code and message.
      throw error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : error;
    } finally {
      this.served = true;
    }
  }

  async allocate(request: AddressRequest): Promise<AddressFact> {
    const { deployment, ip } = request;
    const listed = await cloud('List the addresses').listAddresses(request);
    this.markGone(listed);
    const held = this.ledger[deployment];
    if (held !== undefined && held.gone !== true && listed.some((address) => isSame(address, held))) return held;
    const fact =
      ip === undefined
        ? (this.remembered(request, listed) ?? (await this.obtain(request, listed)))
        : this.take(deployment, ip, listed);
    // An address that the cloud allocates again no longer belongs to its previous owner.
    for (const [name, entry] of Object.entries(this.ledger))
      if (entry.publicIp === fact.publicIp) this.ledger[name] = { ...entry, gone: true };
    this.ledger[deployment] = fact;
    return fact;
  }

  async release(request: AddressRequest): Promise<Released> {
    const { deployment } = request;
    const entry = this.ledger[deployment];
    const fact = entry ?? request.known;
    const memory = entry === undefined ? 'none' : entry.gone === true ? 'gone' : 'held';
    const done = fact?.allocated === true ? [await this.releaseOne(request, fact, memory)] : [];
    // If one of the next calls fails, the address must not be released twice.
    if (entry !== undefined) this.ledger[deployment] = { ...entry, gone: true };
    const found = await this.settle(request);
    if (found !== null) done.push(await this.releaseOne(request, found, 'held'));
    delete this.questions[deployment];
    delete this.ledger[deployment];
    await this.letGo(request);
    const left = done.flatMap((each) => each.left ?? []).join('; ');
    return { released: done.flatMap(({ released }) => released), ...(left === '' ? {} : { left }) };
  }

  private async releaseOne(
    request: AddressRequest,
    address: AddressFact,
    memory: 'held' | 'gone' | 'none',
  ): Promise<Released> {
    const { publicIp } = address;
    const other = this.heldByAnother(request.deployment, publicIp);
    if (other !== undefined)
      return { released: [], left: `elastic IP ${publicIp} is left alone: it belongs to the deployment ${other} now` };
    // Histories of earlier versions have no result.
    const done = (await cloud(`Release ${publicIp}`).releaseAddress({ ...request, address, memory })) as
      Released | undefined;
    return done ?? { released: [publicIp] };
  }

  /** An address of the deployment that the desk does not hold: known by its tag, or remembered by the deployment. */
  private remembered({ deployment, known }: AddressRequest, listed: readonly ListedAddress[]): AddressFact | undefined {
    const gone = this.ledger[deployment]?.gone === true;
    const ours =
      listed.find((address) => address.ours) ??
      listed.find((address) => !gone && known !== undefined && isSame(address, known));
    if (ours === undefined || this.heldByAnother(deployment, ours.publicIp) !== undefined) return undefined;
    return factOf(ours, known?.allocated ?? true);
  }

  private async obtain(request: AddressRequest, seen: readonly ListedAddress[]): Promise<AddressFact> {
    try {
      const listed = (await this.reserve(request)) ?? seen;
      return await this.allocateOne(
        request,
        listed.map(({ publicIp }) => publicIp),
      );
    } finally {
      // The caller has its address; letting others in is retried by a later request.
      await this.letGo(request).catch(() => undefined);
    }
  }

  private async allocateOne(request: AddressRequest, held: readonly string[]): Promise<AddressFact> {
    const { deployment } = request;
    const before = this.questions[deployment]?.before ?? held;
    try {
      const fact = await cloud('Allocate an address').allocateAddress(this.allocation(request, before));
      delete this.questions[deployment];
      return fact;
    } catch (error) {
      const unsettled = unsettledOf(error, 'AllocateAddress');
      if (unsettled === undefined) delete this.questions[deployment];
      else this.questions[deployment] = { before, unsettled: { ...unsettled, since: unsettled.since ?? Date.now() } };
      throw error;
    }
  }

  /** The address that an unsettled allocation for this deployment created, if any. The question is closed when that address is released. */
  private async settle(request: AddressRequest): Promise<AddressFact | null> {
    const question = this.questions[request.deployment];
    if (question === undefined) return null;
    const input = { ...this.allocation(request, question.before), deadline: Math.max(request.deadline, SETTLING) };
    return cloud('Look for what an allocation without an answer made').settleAllocation(input);
  }

  /** Two allocations never run at the same time: the latest unsettled one is waited for, whichever deployment it was for. */
  private allocation(request: AddressRequest, before: readonly string[]): AllocationInput {
    const others = Object.values(this.ledger)
      .filter(({ gone }) => gone !== true)
      .map(({ publicIp }) => publicIp);
    const [unsettled] = Object.values(this.questions)
      .map((question) => question.unsettled)
      .sort((a, b) => (b.since ?? 0) - (a.since ?? 0));
    return {
      ...request,
      before: [...new Set([...before, ...others])],
      ...(unsettled === undefined ? {} : { unsettled }),
    };
  }

  /** Keeps other desks out. @returns the addresses that exist from then on; undefined when replaying a desk from before this existed */
  private async reserve(request: AddressRequest): Promise<readonly ListedAddress[] | undefined> {
    if (!patched('address-desk-reserves')) return undefined;
    this.reserved = true;
    this.reserving = undefined;
    try {
      const { listed, reserved } = await cloud('Keep others from allocating').reserveAddresses(reservation(request));
      this.reserved = reserved;
      return listed;
    } catch (error) {
      this.reserving = unsettledOf(error, 'CreateSecurityGroup');
      throw error;
    }
  }

  /** Not while a question is open: an address that another desk allocates would be taken for the answer. */
  private async letGo(request: AddressRequest): Promise<void> {
    if (!this.reserved || Object.keys(this.questions).length > 0) return;
    const { reserving } = this;
    await cloud('Let others allocate').letGoAddresses({
      ...reservation(request),
      ...(reserving === undefined ? {} : { unsettled: reserving }),
    });
    this.reserved = false;
  }

  private take(deployment: string, ip: string, listed: readonly ListedAddress[]): AddressFact {
    const address = listed.find(({ publicIp }) => publicIp === ip);
    if (address === undefined) throw refusal('ADDRESS_NOT_OURS', `The account has no address ${ip}.`);
    const other = this.heldByAnother(deployment, ip);
    if (other !== undefined) throw refusal('ADDRESS_IN_USE', `The address ${ip} belongs to the deployment ${other}.`);
    return factOf(address, false);
  }

  /** Marks classic addresses that are gone: such an address may come back as somebody else's and look the same. */
  private markGone(listed: readonly ListedAddress[]): void {
    for (const [name, entry] of Object.entries(this.ledger)) {
      const isClassic = entry.allocated && entry.allocationId === undefined;
      if (isClassic && !listed.some((address) => isSame(address, entry))) this.ledger[name] = { ...entry, gone: true };
    }
  }

  private heldByAnother(deployment: string, ip: string): string | undefined {
    return Object.entries(this.ledger).find(
      ([name, { publicIp, gone }]) => name !== deployment && publicIp === ip && gone !== true,
    )?.[0];
  }
}

/** With priority, because whole deployments may wait for the desk. */
function cloud(summary: string): Activities {
  return proxyActivities<Activities>({ ...ACTIVITY_OPTIONS, summary, priority: { priorityKey: 1 } });
}

function reservation(request: AddressRequest): ReservationInput {
  return { ...request, desk: workflowInfo().firstExecutionRunId };
}

/** Allocation ids are never reused; an address alone may have been released and allocated by others since. */
function isSame(listed: ListedAddress, { publicIp, allocationId }: AddressFact): boolean {
  return (
    listed.publicIp === publicIp &&
    (listed.allocationId === undefined || allocationId === undefined || listed.allocationId === allocationId)
  );
}

function factOf({ publicIp, allocationId }: ListedAddress, allocated: boolean): AddressFact {
  return { publicIp, ...(allocationId === undefined ? {} : { allocationId }), allocated };
}

function refusal(code: 'ADDRESS_NOT_OURS' | 'ADDRESS_IN_USE', message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
