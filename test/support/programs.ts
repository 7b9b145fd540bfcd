import { lookUp } from '../../lab/programs';

/** Full path of a program of the lab; the same places scripts/setup.mjs fills. */
export function programPath(name: string): string {
  const found = lookUp(name);
  if (found === undefined) throw new Error(`${name} is missing: run \`node scripts/setup.mjs --lab\` first`);
  return found;
}
