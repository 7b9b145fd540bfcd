import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), join(__dirname, '../../.tools/venv/bin')];

/** Full path of a program of the lab; the same places scripts/setup.mjs fills. */
export function programPath(name: string): string {
  const found = FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) throw new Error(`${name} is missing: run \`node scripts/setup.mjs --lab\` first`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
