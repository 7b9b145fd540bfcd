/**
 * What a workflow's memo holds: the view of a deployment or of an image being published, and the spec, so that `down`, `resume` and a
 * second `up` need no file. Anybody may start a workflow under our id, so what is read is checked: undefined where it is not ours.
 */

import { createHash } from 'node:crypto';
import { factsOf } from '../deployment/facts';
import { STAGES } from '../deployment/messages';
import { IMAGE_KINDS } from '../deployment/spec';
import type { DeploymentView, PublishView } from '../deployment/messages';
import { MEMO_IMAGE, MEMO_NODE, MEMO_SPEC, MEMO_VIEW } from '../deployment/names';
import type { DeploymentSpec } from '../deployment/spec';

export type Memo = Readonly<Record<string, unknown>> | undefined;

/** The spec holds references to secrets, no secrets. */
export interface SpecMemo {
  readonly digest: string;
  readonly spec: DeploymentSpec;
  /** Identifies the `up` or `down` that started the run: of two at the same time, it tells which came first. */
  readonly start: string;
}

export function deploymentViewIn(memo: Memo): DeploymentView | undefined {
  const value = withNodes(withFacts(memo?.[MEMO_VIEW]), memo ?? {});
  return isDeploymentView(value) ? value : undefined;
}

export function publishViewIn(memo: Memo): PublishView | undefined {
  const value = memo?.[MEMO_IMAGE];
  return isPublishView(value) ? value : undefined;
}

export function specMemoIn(memo: Memo): SpecMemo | undefined {
  const value = memo?.[MEMO_SPEC];
  return isSpecMemo(value) ? value : undefined;
}

/** The same for equal specs, whatever the order of their keys. */
export function digestOf(spec: DeploymentSpec): string {
  return createHash('sha256').update(JSON.stringify(spec, sorted)).digest('hex');
}

function sorted(_key: string, value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Check = (value: unknown) => boolean;
/** Every field that the type has: a new one is a compile error here. */
type Fields<T> = Readonly<Record<keyof T, Check>>;

const VIEW: Fields<DeploymentView> = {
  name: isString,
  release: isString,
  cloud: isString,
  host: isString,
  consoleUrl: isString,
  stage: oneOf(STAGES),
  steps: recordOf(isStep),
  facts: (facts) => hasFields(facts, { site: isRecord, nodes: (nodes) => hasFields(nodes, { core: isRecord }) }),
  node: optional(isString),
  nodes: recordOf((row) => hasFields(row, { group: isString, stage: isString, facts: isRecord })),
  undone: listOf((note) => hasFields(note, { what: isString, ok: isBoolean })),
};

const PUBLISH_VIEW: Fields<PublishView> = {
  image: (image) => hasFields(image, { name: isString, bucket: isString }),
  cloud: isString,
  stage: oneOf(['publishing', 'published', 'failed']),
  parts: (parts) => hasFields(parts, Object.fromEntries(IMAGE_KINDS.map((kind) => [kind, isStep]))),
  error: optional((error) => hasFields(error, { code: isString, message: isString })),
};

const SPEC_MEMO: Fields<SpecMemo> = {
  digest: isString,
  start: isString,
  // The loader has checked the rest before it was written.
  spec: (spec) => hasFields(spec, { name: isString, release: isString, cloud: isRecord, dns: isRecord }),
};

/** 0.1.0 knew one machine, and kept its facts together with those of the site. */
function withFacts(value: unknown): unknown {
  if (!isRecord(value) || !isRecord(value['resources'])) return value;
  return { ...value, facts: factsOf(value['resources']) };
}

/** Rows of nodes have keys of their own; one of a node that was removed is null. */
function withNodes(value: unknown, memo: Readonly<Record<string, unknown>>): unknown {
  if (!isRecord(value) || !isRecord(value['facts'])) return value;
  const rows = Object.entries(memo).flatMap(([key, row]) =>
    key.startsWith(MEMO_NODE) && isRecord(row) ? [[key.slice(MEMO_NODE.length), row] as const] : [],
  );
  const { facts } = value;
  const ofNodes = Object.fromEntries(rows.map(([node, row]) => [node, row['facts']]));
  const nodes = { ...(isRecord(facts['nodes']) ? facts['nodes'] : {}), ...ofNodes };
  return { ...value, facts: { ...facts, nodes }, nodes: Object.fromEntries(rows) };
}

function isDeploymentView(value: unknown): value is DeploymentView {
  return hasFields(value, VIEW);
}

function isPublishView(value: unknown): value is PublishView {
  return hasFields(value, PUBLISH_VIEW);
}

function isSpecMemo(value: unknown): value is SpecMemo {
  return hasFields(value, SPEC_MEMO);
}

function isStep(value: unknown): boolean {
  return hasFields(value, { state: isString });
}

function hasFields(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  return isRecord(value) && Object.entries(checks).every(([name, check]) => check(value[name]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function oneOf(values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

function recordOf(check: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every(check);
}
