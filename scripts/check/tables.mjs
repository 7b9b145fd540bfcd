/** Checks that the reference tables in the documents list exactly what the compiled code has, with the same values. */

import { lineAt } from './files.mjs';
import { REFERENCES } from './references.mjs';

export function tableProblems(documents, references = REFERENCES) {
  return references.flatMap((reference) => {
    const document = documents.find(({ path }) => path === reference.path);
    return document === undefined ? [] : problemsOf(document, reference);
  });
}

function problemsOf({ path, text }, { column, known }) {
  const wanted = known();
  const rows = rowsUnder(text, column);
  const seen = new Set();
  const wrong = rows.flatMap(({ name, cells, line }) => {
    const facts = wanted.get(name);
    if (facts === undefined) return [`${path}:${line}: there is no ${column} ${name}`];
    if (seen.has(name)) return [`${path}:${line}: ${name} is listed twice`];
    seen.add(name);
    return Object.entries(facts)
      .filter(([head, fact]) => cells[head] !== fact)
      .map(([head, fact]) => `${path}:${line}: ${name}: ${head} must be ${fact}, but is ${cells[head] ?? 'missing'}`);
  });
  const missing = [...wanted.keys()]
    .filter((name) => !seen.has(name))
    .map((name) => `${path}: there is no row for the ${column} ${name}`);
  return [...wrong, ...missing];
}

/** The rows of all tables whose first column has this heading. The first cell of a row is a name in code format. */
function rowsUnder(text, column) {
  return [...text.matchAll(/^\|.*\|\n\|[-| :]+\|\n(?:\|.*\|\n?)+/gm)].flatMap((table) => {
    const [head, , ...lines] = table[0].trimEnd().split('\n');
    const heads = cellsOf(head);
    if (heads[0] !== column) return [];
    return lines.map((line, index) => {
      const cells = cellsOf(line);
      return {
        name: cells[0].replace(/^`(.*)`$/, '$1'),
        cells: Object.fromEntries(heads.map((name, i) => [name, cells[i]])),
        line: lineAt(text, table.index) + 2 + index,
      };
    });
  });
}

/** `\|` is a literal bar. */
function cellsOf(line) {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}
