/** Faults injected by tests. They are queued, and each is used up by the calls it matches. */

import type { Fault, HeldCall, Kind } from '../types';

interface Waiting extends HeldCall {
  readonly kind: Kind;
  readonly go: () => void;
}

export class Faults {
  private queue: { readonly fault: Fault; left: number }[] = [];
  private waiting: Waiting[] = [];

  add(fault: Fault): void {
    this.queue.push({ fault, left: fault.times });
  }

  clear(): void {
    this.queue = [];
  }

  left(kind: Kind): readonly Fault[] {
    return this.queue.map(({ fault }) => fault).filter((fault) => fault.kind === kind);
  }

  /** Takes the fault that applies to this call, if any. */
  take(kind: Kind, action: string, by: string): Fault | undefined {
    const hit = this.queue.find(
      ({ fault }) =>
        fault.kind === kind && (fault.action === '*' || fault.action === action) && (fault.by ?? by) === by,
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left <= 0) this.queue = this.queue.filter((entry) => entry !== hit);
    return hit.fault;
  }

  /** Waits until the call is released. */
  hold(kind: Kind, action: string, by: string): Promise<void> {
    return new Promise((go) => this.waiting.push({ kind, action, by, go }));
  }

  held(kind: Kind): readonly HeldCall[] {
    return this.waiting.filter((call) => call.kind === kind).map(({ action, by }) => ({ action, by }));
  }

  release(kind: Kind, by?: string): void {
    const free = this.waiting.filter((call) => call.kind === kind && (by ?? call.by) === call.by);
    this.waiting = this.waiting.filter((call) => !free.includes(call));
    for (const { go } of free) go();
  }
}
