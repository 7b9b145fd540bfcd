#!/usr/bin/env node
/**
 * Finds circular imports, including those of types, which do not show at run time.
 *
 *   node scripts/check-cycles.mjs                 src, lab and test/support
 *   node scripts/check-cycles.mjs <folder>...     these folders
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['src', 'lab', 'test/support'];

const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS;
const files = folders.flatMap(sourcesIn).sort();
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const cycles = cyclesIn(imports);
for (const cycle of cycles) process.stdout.write(`${cycle.join(' -> ')}\n`);
process.stdout.write(`check-cycles: ${files.length} files, ${cycles.length} circular imports\n`);
process.exitCode = cycles.length === 0 ? 0 : 1;

function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/**
 * The files that a file imports or re-exports from, whatever the form: `import type` and `import('./x').X` count too.
 */
function importsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found = new Set();
  const visit = (node) => {
    const specifier = specifierOf(node);
    const target = specifier === undefined ? undefined : resolved(file, specifier);
    if (target !== undefined) found.add(target);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found].sort();
}

function specifierOf(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
    return textOf(node.moduleReference.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return textOf(node.argument.literal);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return textOf(node.arguments[0]);
  return undefined;
}

function textOf(node) {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** Undefined for packages, and for files that are not TypeScript. */
function resolved(file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const path = join(file, '..', specifier);
  return [`${path}.ts`, path.replace(/\.js$/, '.ts'), join(path, 'index.ts')].find(
    (candidate) => candidate.endsWith('.ts') && existsSync(candidate) && statSync(candidate).isFile(),
  );
}

/**
 * One cycle, the shortest, for every import that closes one. A file is listed first in its cycle if its path sorts
 * first, so that the same cycle is printed once however it was reached.
 */
function cyclesIn(graph) {
  const found = new Map();
  for (const [from, targets] of graph)
    for (const to of targets) {
      const back = shortestPath(graph, to, from);
      if (back === undefined) continue;
      const cycle = rotated(back);
      found.set(cycle.join('\n'), [...cycle, cycle[0]]);
    }
  return [...found.values()].sort((a, b) => a.length - b.length || (a.join() < b.join() ? -1 : 1));
}

/** @returns {string[] | undefined} from the first file to the last, both included */
function shortestPath(graph, first, last) {
  const paths = new Map([[first, [first]]]);
  // A Map is iterated in the order of insertion and includes what is added meanwhile: a breadth-first search.
  for (const [file, path] of paths) {
    if (file === last) return path;
    for (const next of graph.get(file) ?? []) if (!paths.has(next)) paths.set(next, [...path, next]);
  }
  return undefined;
}

function rotated(cycle) {
  const start = cycle.indexOf([...cycle].sort()[0]);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}
