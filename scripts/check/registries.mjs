/** No file may name a package registry or configure one. */

import { FILES, lineAt, textOf } from './files.mjs';

const BINARY = /\.(?:png|jpg|gif|ico|gz|tgz)$/;
const HOSTS =
  /registry\.(?:npmjs|yarnpkg)|(?:^|[/.@\s])pypi\.(?:org|io|python)|pythonhosted\.|(?:deb|security|archive|ports)\.(?:debian|ubuntu)\.(?:org|com)|npm(?:mirror)|rubygems\.org|proxy\.golang/gm;
const SETTINGS = /(?:index-url|find-links|registry)\s*[=:\s]\s*["']?https?:/gm;
const SETTING_FILES = /(?:^|\/)(?:\.npmrc|\.yarnrc(?:\.yml)?|pip\.conf|sources\.list)$/;

export function registryProblems() {
  return FILES.flatMap((path) => {
    if (SETTING_FILES.test(path))
      return [`${path}: registry settings belong to the machine and must not be in the repository`];
    if (BINARY.test(path)) return [];
    const text = textOf(path);
    return [...text.matchAll(HOSTS), ...text.matchAll(SETTINGS)].map(
      (match) => `${path}:${lineAt(text, match.index)}: names a package registry: ${match[0].trim()}`,
    );
  });
}
