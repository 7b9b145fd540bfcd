/** Every spec shown to a reader is read by the loader that the product uses. */

import { createRequire } from 'node:module';
import { filesEndingIn, lineAt, textOf } from './files.mjs';

/** A block of YAML whose first line is `# spec` is a whole spec. */
export function specBlocks({ path, text }) {
  return [...text.matchAll(/^```ya?ml\n(# spec\b[\s\S]*?)^```$/gm)].map((match) => ({
    place: `${path}:${lineAt(text, match.index)}`,
    path,
    text: match[1],
  }));
}

export function examples() {
  return filesEndingIn('.yaml', '.yml')
    .filter((path) => path.startsWith('examples/'))
    .map((path) => ({ place: path, path, text: textOf(path) }));
}

export function specProblems(specs) {
  const { parseSpec } = createRequire(import.meta.url)('../../dist/src/specfile/loader.js');
  return specs.flatMap(({ place, path, text }) => {
    const result = parseSpec(text, path);
    return result.ok ? [] : [`${place}: the loader refuses this spec: ${JSON.stringify(result.problems ?? result)}`];
  });
}
