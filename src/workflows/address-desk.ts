import {
  ActivityFailure, allHandlersFinished, ApplicationFailure, condition, continueAsNew, defineUpdate, proxyActivities, setHandler, workflowInfo,
} from '@temporalio/workflow';
import { DESK } from '../spec/messages';
import type { AddressRequest, DeskState } from '../spec/messages';
import type { AddressFact } from '../spec/types';
import type { Activities, ListedAddress } from '../activities/types';
import type { ErrorCode } from '../spec/errors';
import { ACTIVITY_OPTIONS } from './calls';
import { stepFailureOf } from './failures';

const allocate = defineUpdate<AddressFact, [AddressRequest]>(DESK.allocate);
const release = defineUpdate<void, [AddressRequest]>(DESK.release);

/** Answers after which there is certainly no address that nobody knows of. */
const NOTHING_ALLOCATED: ReadonlySet<ErrorCode> = new Set(['ADDRESS_NONE_LEFT', 'CLOUD_CREDENTIALS', 'CLOUD_PERMISSION', 'CLOUD_REFUSED', 'SECRET_MISSING'] as const);

/**
 * Owns the elastic IPs of one cloud account. Most Eucalyptus releases give addresses neither tags nor tokens, so the only
 * proof of an allocation whose reply was lost is an address that was not there before; that holds only while nobody else
 * allocates in between. Hence one at a time, through here. Ends when it owns nothing.
 */
export async function addressDesk(state: DeskState): Promise<void> {
  const desk = new Desk(state);
  setHandler(allocate, (request) => desk.inTurn(() => desk.allocate(request)), { description: 'Get the address of a deployment' });
  setHandler(release, (request) => desk.inTurn(() => desk.release(request)), { description: 'Give the address of a deployment back' });
  await condition(() => desk.served && allHandlersFinished() && (desk.isEmpty || workflowInfo().continueAsNewSuggested));
  if (!desk.isEmpty) await continueAsNew<typeof addressDesk>(desk.state);
}

class Desk {
  served = false;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly ledger: Record<string, AddressFact>;
  /** What the account held before an allocation that has not come to an end. */
  private before: readonly string[] | undefined;

  constructor(state: DeskState) {
    this.ledger = { ...state.ledger };
    this.before = state.before;
  }

  get state(): DeskState {
    return { ledger: this.ledger, ...(this.before === undefined ? {} : { before: this.before }) };
  }

  get isEmpty(): boolean {
    return Object.keys(this.ledger).length === 0 && this.before === undefined;
  }

  /** One request after another, in the order they came. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      // The caller wants the activity's own code and words.
      throw error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : error;
    } finally {
      this.served = true;
    }
  }

  async allocate(request: AddressRequest): Promise<AddressFact> {
    const listed = await cloud('List the addresses').listAddresses(request);
    const held = this.ledger[request.deployment];
    if (held !== undefined && listed.some(({ publicIp }) => publicIp === held.publicIp)) return held;
    const fact = request.ip === undefined ? await this.obtain(request, listed) : this.take(request.deployment, request.ip, listed);
    this.ledger[request.deployment] = fact;
    return fact;
  }

  async release(request: AddressRequest): Promise<void> {
    const fact = this.ledger[request.deployment] ?? request.known;
    if (fact?.allocated === true) await cloud(`Release ${fact.publicIp}`).releaseAddress({ ...request, address: fact });
    delete this.ledger[request.deployment];
  }

  private async obtain(request: AddressRequest, listed: readonly ListedAddress[]): Promise<AddressFact> {
    const ours = listed.find((address) => address.ours) ?? listed.find(({ publicIp }) => publicIp === request.known?.publicIp);
    if (ours !== undefined && !this.heldByAnother(request.deployment, ours.publicIp)) return factOf(ours, request.known?.allocated ?? true);
    const ledger = Object.values(this.ledger).map(({ publicIp }) => publicIp);
    const mayBeThere = this.before !== undefined;
    this.before = [...new Set([...(this.before ?? listed.map(({ publicIp }) => publicIp)), ...ledger])];
    try {
      const fact = await cloud('Allocate an address').allocateAddress({ ...request, before: this.before, mayBeThere });
      this.before = undefined;
      return fact;
    } catch (error) {
      if (NOTHING_ALLOCATED.has(stepFailureOf(error).code)) this.before = undefined;
      throw error;
    }
  }

  private take(deployment: string, ip: string, listed: readonly ListedAddress[]): AddressFact {
    const address = listed.find(({ publicIp }) => publicIp === ip);
    if (address === undefined) throw refusal('ADDRESS_NOT_OURS', `The account has no address ${ip}.`);
    const other = this.heldByAnother(deployment, ip);
    if (other !== undefined) throw refusal('ADDRESS_IN_USE', `The address ${ip} belongs to the deployment ${other}.`);
    return factOf(address, false);
  }

  private heldByAnother(deployment: string, ip: string): string | undefined {
    return Object.entries(this.ledger).find(([name, fact]) => name !== deployment && fact.publicIp === ip)?.[0];
  }
}

/** Before all others, whose deployments may wait for it. */
function cloud(summary: string): Activities {
  return proxyActivities<Activities>({ ...ACTIVITY_OPTIONS, summary, priority: { priorityKey: 1 } });
}

function factOf({ publicIp, allocationId }: ListedAddress, allocated: boolean): AddressFact {
  return { publicIp, ...(allocationId === undefined ? {} : { allocationId }), allocated };
}

function refusal(code: 'ADDRESS_NOT_OURS' | 'ADDRESS_IN_USE', message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
