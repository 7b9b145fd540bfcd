/** Reads the output of `kato info`, `status`, `ready` and `version`: text, YAML or JSON, with colours or without. */

import { plainText } from './output';

export interface KatoInfo {
  readonly assigned: readonly string[];
  readonly available: readonly string[];
  readonly mbusIp?: string;
  readonly endpoint?: string;
  readonly microCloud?: boolean;
}

export interface ProcessState {
  readonly name: string;
  /** Upper case, as supervisord names it. */
  readonly state: string;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Spellings of each key, without case and punctuation. */
const KEYS = {
  assigned: ['assignedroles', 'assigned', 'enabledroles', 'roles'],
  available: ['availableroles', 'available'],
  mbusIp: ['mbusip', 'mbus', 'messagebusip'],
  endpoint: ['endpoint', 'apiendpoint'],
  microCloud: ['microcloud', 'micro'],
} as const;

const STATE = /^(RUNNING|STARTING|STARTED|START|READY|STOPPED|STOPPING|STOP|FATAL|ROGUE|BACKOFF|EXITED|UNKNOWN)$/i;
const UP = /^(RUNNING|STARTED|READY)$/;

/** Undefined if it names neither roles nor a message bus: that is not the output of `kato info`. */
export function parseKatoInfo(stdout: string): KatoInfo | undefined {
  const text = plainText(stdout);
  const json = jsonIn(text);
  const fields = json === undefined ? fieldsOfText(text) : fieldsOfJson(json);
  const pick = (key: keyof typeof KEYS): string[] | undefined =>
    KEYS[key].map((name) => fields.get(name)).find((value) => value !== undefined);
  const [assigned, available, mbusIp, endpoint, micro] = [
    pick('assigned'),
    pick('available'),
    pick('mbusIp'),
    pick('endpoint'),
    pick('microCloud'),
  ];
  if (assigned === undefined && mbusIp === undefined) return undefined;
  return {
    assigned: rolesIn(assigned),
    available: rolesIn(available),
    ...(mbusIp?.[0] === undefined ? {} : { mbusIp: mbusIp[0] }),
    ...(endpoint?.[0] === undefined ? {} : { endpoint: endpoint[0].replace(/^https?:\/\//, '').replace(/\/+$/, '') }),
    ...(micro?.[0] === undefined ? {} : { microCloud: /^(true|yes|1)$/i.test(micro[0]) }),
  };
}

/** Processes (2.6) or roles (2.8 on) with their states. Some releases name one twice (bug 98590). */
export function parseKatoStatus(stdout: string): ProcessState[] {
  const text = plainText(stdout);
  const json = jsonIn(text);
  if (json !== undefined) return statesOfJson(json, '');
  return text.split('\n').flatMap((line) => {
    const [first = '', ...rest] = line
      .trim()
      .split(/[\s:|,]+/)
      .filter((word) => word !== '');
    const state = rest.find((word) => STATE.test(word));
    return state === undefined || !/^[a-z]/i.test(first) ? [] : [{ name: first, state: state.toUpperCase() }];
  });
}

/**
 * What the list of nodes says of one of them: the lines that have its address, and those below them up to one with another address.
 * Undefined if it does not have the address.
 */
export function nodeEntry(stdout: string, ip: string): string | undefined {
  let inside = false;
  const lines = plainText(stdout)
    .split('\n')
    .filter((line) => {
      const addresses: readonly string[] = line.match(/(?<![\d.])\d+(?:\.\d+){3}(?![\d.])/g) ?? [];
      if (addresses.length > 0) inside = addresses.includes(ip);
      return inside;
    });
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** Whether the process belongs to the role, by its name: `stager`, `mysql_node`, `dea_ng`, `router2g`. Not `redis_server`, which is of the base. */
export function isOfRole({ name }: ProcessState, role: string): boolean {
  return name.startsWith(role) && /^(|_ng|2g|_node|_gateway)$/.test(name.slice(role.length));
}

export function allRunning(states: readonly ProcessState[]): boolean {
  return states.length > 0 && states.every(({ state }) => UP.test(state));
}

export function allStopped(states: readonly ProcessState[]): boolean {
  return states.every(({ state }) => /^(STOPPED|STOP|EXITED|FATAL)$/.test(state));
}

/** Undefined if it says neither: the words are known for one release only. */
export function parseKatoReady(stdout: string): boolean | undefined {
  const text = plainText(stdout);
  if (/\b(not|isn't|never)\s+(yet\s+)?ready\b|\bSTARTING\b|\bFATAL\b|\bSTOPPED\b|\btimed?\s?-?out\b/i.test(text))
    return false;
  return /\bREADY\b/i.test(text) ? true : undefined;
}

/**
 * The version of Stackato that `kato version` names: `wanted`, if that is among the numbers it prints, else the first one that may be a
 * Stackato's. Its wording is not known; there may be dates and the numbers of other parts in it.
 */
export function parseKatoVersion(stdout: string, wanted = ''): string | undefined {
  const numbers = [...plainText(stdout).matchAll(/(?<![\d.])[23]\.\d+(?:\.\d+)?(?![\d.]*\d)/g)].map(
    ([number]) => number,
  );
  return numbers.find((number) => agrees(number, wanted)) ?? numbers[0];
}

/** `2.10` agrees with 2.10.6, of which it says no more. */
export function agrees(version: string, release: string): boolean {
  return version === release || release.startsWith(`${version}.`);
}

function jsonIn(text: string): Json | undefined {
  const from = text.search(/^\s*[{[]/m);
  if (from < 0) return undefined;
  try {
    return JSON.parse(text.slice(from).trim()) as Json;
  } catch {
    return undefined;
  }
}

const plainKey = (key: string): string => key.toLowerCase().replace(/[^a-z0-9]/g, '');

/** `key: value`, or `key:` with the values on the lines below it. */
function fieldsOfText(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of text.split('\n')) {
    const match = /^\s*(?![-*])([A-Za-z][\w .-]*?)\s*[:=](?:\s+(.*)|$)/.exec(line);
    if (match === null) {
      current?.push(...wordsOf(line));
      continue;
    }
    current = wordsOf(match[2] ?? '');
    if (!fields.has(plainKey(match[1] ?? ''))) fields.set(plainKey(match[1] ?? ''), current);
  }
  return fields;
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,[\]()"']+/).filter((word) => /\w/.test(word));
}

/** If a key comes more than once, the outermost counts. */
function fieldsOfJson(json: Json, fields = new Map<string, string[]>()): Map<string, string[]> {
  if (!isRecord(json)) return fields;
  for (const [key, value] of Object.entries(json)) {
    if (!fields.has(plainKey(key))) fields.set(plainKey(key), valuesOf(value));
  }
  for (const value of Object.values(json)) fieldsOfJson(value, fields);
  return fields;
}

function valuesOf(value: Json): string[] {
  if (isList(value)) return value.flatMap(valuesOf);
  if (isRecord(value)) return Object.keys(value);
  return value === null ? [] : wordsOf(String(value));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !isList(value);
}

/** A role may be followed by its state. */
function rolesIn(words: readonly string[] | undefined): string[] {
  return [...new Set((words ?? []).filter((word) => /^[a-z][\w-]*$/.test(word) && !STATE.test(word)))];
}

function statesOfJson(json: Json, name: string): ProcessState[] {
  if (typeof json === 'string') return STATE.test(json) && name !== '' ? [{ name, state: json.toUpperCase() }] : [];
  if (isList(json)) return json.flatMap((item) => statesOfJson(item, name));
  if (!isRecord(json)) return [];
  const own = [json['name'], json['process'], json['role']].find((value) => typeof value === 'string') ?? name;
  return Object.entries(json).flatMap(([key, value]) =>
    statesOfJson(value, /^(state|status|statename)$/i.test(key) ? own : key),
  );
}
