/** Whose the records at a deployment's name are. The ownership TXT says whose the name is, not who wrote each record. */

import { ownershipNameOf } from '../../deployment/names';
import type { DnsMemory, DnsTarget } from '../../deployment/facts';
import type { DnsRecord, DnsSpec } from '../../deployment/types';
import { dataOf, textIn } from './name-state';
import type { NameState } from './name-state';

export type Pointer = Pick<DnsTarget, 'type' | 'value'>;

/** Everything at the name that this deployment wrote; nothing, where no ownership TXT is its own. */
export function oursIn(
  state: NameState,
  spec: DnsSpec,
  owner: string,
  targets: readonly Pointer[] | undefined,
): readonly DnsRecord[] {
  if (!state.owners.includes(owner)) return [];
  return [
    ...state.ownership.filter(({ type, data }) => type === 'TXT' && textIn(data) === owner),
    ...pointersIn(state, spec, targets),
  ];
}

/**
 * Records that point where the deployment does.
 * @param targets all it can have written; undefined where that was forgotten: then a base name that leads to one place counts
 */
export function pointersIn(
  { records }: NameState,
  spec: DnsSpec,
  targets: readonly Pointer[] | undefined,
): readonly DnsRecord[] {
  const wildcard = records.filter((record) => record.name === `*.${spec.name}` && isSame(record, 'CNAME', spec.name));
  const leading = records.filter(({ name, type }) => name === spec.name && (type === 'CNAME' || type === 'A'));
  if (targets === undefined) return [...(leading.length === 1 ? leading : []), ...wildcard];
  return [...leading.filter((record) => targets.some(({ type, value }) => isSame(record, type, value))), ...wildcard];
}

/** Where this deployment can have pointed the name. */
export function targetsIn(
  memory: DnsMemory | undefined,
  ...further: readonly Pointer[]
): readonly Pointer[] | undefined {
  return memory === undefined ? undefined : distinct([...(memory.written ?? []), memory.target, ...further]);
}

/** Where the base name points by this deployment's doing, as far as it is seen or remembered. */
export function writtenIn(
  memory: DnsMemory | undefined,
  ours: readonly DnsRecord[],
  spec: DnsSpec,
): readonly Pointer[] {
  const seen = ours
    .filter(({ name }) => name === spec.name)
    .map(({ type, data }): Pointer => ({ type: type === 'A' ? 'A' : 'CNAME', value: data }));
  return distinct([...(memory?.written ?? []), ...seen]);
}

/**
 * What was replaced is still to be put back where the name is ours, or was before somebody took it away; there, what stands at a name
 * now comes before what once did.
 */
export function stillToRestore(
  memory: DnsMemory | undefined,
  owned: boolean,
  present: readonly DnsRecord[],
): readonly DnsRecord[] {
  if (memory === undefined || (!owned && (memory.written ?? []).length === 0)) return [];
  return owned
    ? memory.replaced
    : memory.replaced.filter(({ name }) => !present.some((record) => record.name === name));
}

/**
 * Parts what can go back beside what is there from what cannot: a CNAME stands alone (the server would ignore the second without a word),
 * and records of one type by two people would be answered as one.
 */
export function restorable(
  replaced: readonly DnsRecord[],
  present: readonly DnsRecord[],
): { readonly restore: readonly DnsRecord[]; readonly blocked: readonly DnsRecord[] } {
  const others = without(present, replaced);
  const restore: DnsRecord[] = [];
  for (const record of without(replaced, present)) {
    const beside = [...present, ...restore].filter(({ name }) => name === record.name);
    const alone = [record, ...beside].every(({ type }) => type !== 'CNAME') || beside.length === 0;
    if (alone && !others.some(({ name, type }) => name === record.name && type === record.type)) restore.push(record);
  }
  return { restore, blocked: without(without(replaced, present), restore) };
}

/** All that was observed. */
export function everythingIn({ ownership, records }: NameState): readonly DnsRecord[] {
  return [...ownership, ...records];
}

export function without(records: readonly DnsRecord[], others: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter(
    (record) =>
      !others.some(({ name, type, data }) => name === record.name && type === record.type && data === record.data),
  );
}

export function listed(records: readonly DnsRecord[]): string {
  return records.map((record) => `${record.name} ${dataOf(record)}`).join('; ');
}

/** Strangers of the types we write ourselves, at a name that is ours: they are in the way of mending it, and are put back later. */
export function isInOurPlace({ name, type }: DnsRecord, spec: DnsSpec): boolean {
  return name !== ownershipNameOf(spec.name) && (type === 'CNAME' || (type === 'A' && name === spec.name));
}

function distinct(targets: readonly Pointer[]): readonly Pointer[] {
  return targets
    .filter((target, i) => targets.findIndex(({ type, value }) => type === target.type && value === target.value) === i)
    .map(({ type, value }) => ({ type, value }));
}

function isSame(record: DnsRecord, type: string, value: string): boolean {
  return record.type === type && record.data.toLowerCase() === value.toLowerCase();
}
