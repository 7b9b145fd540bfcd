import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const FOLDER = join(__dirname, 'histories');

/** The name and the parsed history of each file. */
export function goldenHistories(): { name: string; history: unknown }[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({
      name: file.replace(/\.json$/, ''),
      history: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as unknown,
    }));
}
