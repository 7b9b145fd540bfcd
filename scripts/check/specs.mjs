/** Checks every spec in the documents and examples with the product's own loader. */

import { createRequire } from 'node:module';
import { filesEndingIn, lineAt, textOf } from './files.mjs';

/** A YAML block that starts with `# spec` is a complete spec. */
export function specBlocks({ path, text }) {
  return [...text.matchAll(/^```ya?ml\n(# spec\b[\s\S]*?)^```$/gm)].map((match) => ({
    location: `${path}:${lineAt(text, match.index)}`,
    path,
    text: match[1],
  }));
}

export function examples() {
  return filesEndingIn('.yaml', '.yml')
    .filter((path) => path.startsWith('examples/'))
    .map((path) => ({ location: path, path, text: textOf(path) }));
}

export function specProblems(specs) {
  const { parseSpec } = createRequire(import.meta.url)('../../dist/src/specfile/loader.js');
  return specs.flatMap(({ location, path, text }) => {
    const result = parseSpec(text, path);
    return result.ok ? [] : [`${location}: this spec is not valid: ${JSON.stringify(result.problems ?? result)}`];
  });
}
