/** Faults asked for by tests: queued, each used up by the calls it matches. */

import type { Fault, Kind } from '../types';

export class Faults {
  private queue: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.queue.push({ fault, left: fault.times });
  }

  clear(): void {
    this.queue = [];
  }

  left(kind: Kind): readonly Fault[] {
    return this.queue.map(({ fault }) => fault).filter((fault) => fault.kind === kind);
  }

  /** The fault that hits this call, if any. */
  take(kind: Kind, action: string): Fault | undefined {
    const hit = this.queue.find(({ fault }) => fault.kind === kind && (fault.action === '*' || fault.action === action));
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left <= 0) this.queue = this.queue.filter((entry) => entry !== hit);
    return hit.fault;
  }
}
