/**
 * The DNS records at a deployment's name, and which of them the deployment wrote. The ownership TXT says whose the name is, not who
 * wrote each record.
 */

import { ownershipNameOf, wildcardNameOf } from '../deployment/names';
import type { DnsMemory, DnsTarget } from '../deployment/facts';
import type { DnsRecord, DnsSpec } from '../deployment/spec';

/**
 * Record types that somebody may have put at a name. Those of DNSSEC are left to the server. SVCB, HTTPS and URI go by their number,
 * because nsupdate does not know them by name.
 */
export const RECORD_TYPES = [
  'CNAME',
  'A',
  'AAAA',
  'MX',
  'TXT',
  'SRV',
  'NS',
  'CAA',
  'DNAME',
  'HINFO',
  'LOC',
  'NAPTR',
  'PTR',
  'RP',
  'SPF',
  'SSHFP',
  'TLSA',
  'TYPE64',
  'TYPE65',
  'TYPE256',
] as const;

/** Types that send a client somewhere else. */
const POINTING_TYPES: ReadonlySet<string> = new Set(['CNAME', 'A', 'AAAA', 'DNAME']);

/** The records found at a deployment's name. */
export interface NameState {
  /** The owner marks in the ownership TXTs; see `ownerOf`. */
  readonly owners: readonly string[];
  /** TXT and CNAME records at the ownership name: a CNAME there leaves no room for a TXT. */
  readonly ownership: readonly DnsRecord[];
  /** Every record at the base name and at its wildcard. */
  readonly records: readonly DnsRecord[];
}

export function nameStateOf(ownership: readonly DnsRecord[], records: readonly DnsRecord[]): NameState {
  return { owners: ownersIn(ownership), ownership, records };
}

export function ownersIn(ownership: readonly DnsRecord[]): readonly string[] {
  return ownership.filter(({ type }) => type === 'TXT').map(({ data }) => txtValue(data));
}

export function allRecords({ ownership, records }: NameState): readonly DnsRecord[] {
  return [...ownership, ...records];
}

/** A place the base name can point at. */
export type Pointer = Pick<DnsTarget, 'type' | 'value'>;

/** Every record at the name that this deployment wrote; none if no ownership TXT has its mark. */
export function ownRecords(
  state: NameState,
  spec: DnsSpec,
  owner: string,
  pointers: readonly Pointer[] | undefined,
): readonly DnsRecord[] {
  if (!state.owners.includes(owner)) return [];
  return [
    ...state.ownership.filter(({ type, data }) => type === 'TXT' && txtValue(data) === owner),
    ...pointingRecords(state, spec, pointers),
  ];
}

/**
 * Base and wildcard records with the data this deployment writes.
 * @param pointers everything it can have written; undefined if that is not known any more: then a base name with a single CNAME or A counts
 */
export function pointingRecords(
  { records }: NameState,
  { name: baseName }: DnsSpec,
  pointers: readonly Pointer[] | undefined,
): readonly DnsRecord[] {
  const wildcard = records.filter(
    (record) => record.name === wildcardNameOf(baseName) && hasData(record, 'CNAME', baseName),
  );
  const base = records.filter(({ name, type }) => name === baseName && (type === 'CNAME' || type === 'A'));
  if (pointers === undefined) return [...(base.length === 1 ? base : []), ...wildcard];
  return [...base.filter((record) => pointers.some(({ type, value }) => hasData(record, type, value))), ...wildcard];
}

/** Every place this deployment can have pointed the name at. */
export function possiblePointers(
  memory: DnsMemory | undefined,
  ...further: readonly Pointer[]
): readonly Pointer[] | undefined {
  return memory === undefined ? undefined : distinct([...(memory.written ?? []), memory.target, ...further]);
}

/** The places this deployment has pointed the base name at, from what it remembers and from its records there. */
export function writtenPointers(
  memory: DnsMemory | undefined,
  ours: readonly DnsRecord[],
  { name: baseName }: DnsSpec,
): readonly Pointer[] {
  const seen = ours
    .filter(({ name }) => name === baseName)
    .map(({ type, data }): Pointer => ({ type: type === 'A' ? 'A' : 'CNAME', value: data }));
  return distinct([...(memory?.written ?? []), ...seen]);
}

/**
 * Replaced records that still have to be put back: those of a name that is ours, or was until somebody removed our records. In the
 * second case a name that has records again keeps those.
 */
export function recordsToRestore(
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
 * Splits replaced records into those that fit beside what is there and those that do not: a CNAME allows no other record at its name (the
 * server would silently ignore the second), and two people's records of one type would be answered as one set.
 */
export function splitRestorable(
  replaced: readonly DnsRecord[],
  present: readonly DnsRecord[],
): { readonly restore: readonly DnsRecord[]; readonly blocked: readonly DnsRecord[] } {
  const others = without(present, replaced);
  const restore: DnsRecord[] = [];
  for (const record of without(replaced, present)) {
    const beside = [...present, ...restore].filter(({ name }) => name === record.name);
    const allowed = beside.length === 0 || [record, ...beside].every(({ type }) => type !== 'CNAME');
    if (allowed && !others.some(({ name, type }) => name === record.name && type === record.type)) restore.push(record);
  }
  return { restore, blocked: without(without(replaced, present), restore) };
}

/** Whether base and wildcard are what the `dns` step writes, and nothing else there sends clients elsewhere. */
export function pointsTo(records: readonly DnsRecord[], { name: baseName }: DnsSpec, target: Pointer): boolean {
  const expected = new Map([
    [baseName, `${target.type} ${target.value}`],
    [wildcardNameOf(baseName), `CNAME ${baseName}`],
  ]);
  const pointing = records.filter(({ type }) => POINTING_TYPES.has(type));
  return (
    pointing.length === expected.size &&
    pointing.every((record) => expected.get(record.name)?.toLowerCase() === typeAndData(record).toLowerCase())
  );
}

/** Of a type that we write at that name ourselves: our record cannot be written beside it. */
export function takesOurPlace({ name, type }: DnsRecord, { name: baseName }: DnsSpec): boolean {
  return name !== ownershipNameOf(baseName) && (type === 'CNAME' || (type === 'A' && name === baseName));
}

export function without(records: readonly DnsRecord[], others: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter(
    (record) =>
      !others.some(({ name, type, data }) => name === record.name && type === record.type && data === record.data),
  );
}

export function typeAndData({ type, data }: DnsRecord): string {
  return `${type} ${data}`;
}

export function formatRecords(records: readonly DnsRecord[]): string {
  return records.map((record) => `${record.name} ${typeAndData(record)}`).join('; ');
}

/** The strings of a TXT in presentation format, joined. */
function txtValue(data: string): string {
  const strings = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text);
  return strings
    .join('')
    .replace(/\\(\d{3}|.)/g, (_escape, it: string) => (it.length === 3 ? String.fromCharCode(Number(it)) : it));
}

function distinct(pointers: readonly Pointer[]): readonly Pointer[] {
  return pointers
    .filter((one, i) => pointers.findIndex(({ type, value }) => type === one.type && value === one.value) === i)
    .map(({ type, value }) => ({ type, value }));
}

function hasData(record: DnsRecord, type: string, value: string): boolean {
  return record.type === type && record.data.toLowerCase() === value.toLowerCase();
}
