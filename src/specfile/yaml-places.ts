/** Where in a YAML document something stands, and what stands at a place of it. */

import { isAlias, isCollection, isMap, isNode, isPair, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import type { Path } from './paths';

/** Of what is not there: the key it should stand under. */
export function offsetOf(document: Document, path: Path, at: 'key' | 'value'): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [i, part] of path.entries()) {
    const inside = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(inside)) {
      node = (inside.items[Number(part)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
      continue;
    }
    const pair = isMap(inside) ? inside.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    if (pair === undefined) break;
    node = pair.value as Node | null;
    offset =
      at === 'value' && i === path.length - 1
        ? valueOffset(pair as Pair<Node, Node | null>)
        : ((pair.key as Node).range?.[0] ?? offset);
  }
  return offset;
}

/** A block begins in the line below its key and an empty value nowhere at all: for these, the key. */
function valueOffset({ key, value }: Pair<Node, Node | null>): number {
  const own =
    isAlias(value) ||
    (isScalar(value) && value.value !== null) ||
    ((isMap(value) || isSeq(value)) && value.flow === true);
  return (own ? value.range?.[0] : key.range?.[0]) ?? 0;
}

export interface Keyed {
  readonly path: Path;
  readonly offset: number;
  /** Whether anything stands behind the colon. */
  readonly hasValue: boolean;
}

/** Every key that is a text, in the order of the file. */
export function keysIn(document: Document): readonly Keyed[] {
  const keys: Keyed[] = [];
  visit(document, {
    Pair: (_index, pair, above) => {
      if (!isScalar(pair.key)) return;
      const hasValue = isNode(pair.value) && !(isScalar(pair.value) && pair.value.value === null);
      keys.push({ path: [...pathTo(above, pair), String(pair.key.value)], offset: pair.key.range?.[0] ?? 0, hasValue });
    },
  });
  return keys;
}

/** The key whose value the place is in: the innermost. */
export function keyAround(document: Document, offset: number): Path {
  let found: Path = [];
  visit(document, {
    Pair: (_index, pair, above) => {
      const [from, , to] = (isNode(pair.value) ? pair.value.range : undefined) ?? [Infinity, 0, 0];
      if (isScalar(pair.key) && from <= offset && offset < to) found = [...pathTo(above, pair), String(pair.key.value)];
    },
  });
  return found;
}

/** @param above from the document down to what holds `last`, as `visit` has it */
function pathTo(above: readonly unknown[], last: Pair): Path {
  return above.flatMap((node, i): PropertyKey[] => {
    if (isPair(node)) return isScalar(node.key) ? [String(node.key.value)] : [];
    const next = above[i + 1] ?? last;
    return isCollection(node) && isSeq(node) ? [node.items.indexOf(next)] : [];
  });
}
