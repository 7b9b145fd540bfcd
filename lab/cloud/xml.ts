/** Reads and writes XML as trees. */

import { XMLBuilder, XMLParser } from 'fast-xml-parser';

export type Tree = string | number | boolean | undefined | { readonly [name: string]: Tree } | readonly Tree[];
export type Branch = { readonly [name: string]: Tree };

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'item' || name === 'Error',
});
// Deprecated in favour of a separate package, which this one includes.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' });

export function read(xml: string): Branch {
  return branch(parser.parse(xml) as Tree);
}

export function write(root: string, namespace: string | undefined, content: Branch): string {
  const attributes = namespace === undefined ? {} : { '@xmlns': namespace };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [root]: { ...attributes, ...content } })}`;
}

/** A list in EC2's format; an empty list is an empty element. */
export function list(items: readonly Tree[]): Tree {
  return items.length === 0 ? '' : { item: items };
}

export function branch(tree: Tree): Branch {
  return typeof tree === 'object' && !Array.isArray(tree) ? (tree as Branch) : {};
}

/** The tree at a path such as `placement.availabilityZone`. */
export function at(tree: Tree, path: string): Tree {
  return path.split('.').reduce<Tree>((node, name) => branch(node)[name], tree);
}

/** The text at a path; empty if there is none. */
export function text(tree: Tree, path: string): string {
  const leaf = at(tree, path);
  return typeof leaf === 'string' ? leaf : '';
}

/** The items of the list at a path. */
export function items(tree: Tree, path: string): readonly Tree[] {
  const found = at(tree, `${path}.item`);
  return Array.isArray(found) ? (found as readonly Tree[]) : [];
}
