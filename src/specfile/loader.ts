/** Reads a spec file: either a deployment, or every problem it has. Secrets are not read here: references stay references. */

import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { faultsOfIssues, withoutConsequences } from './schema-faults';
import { normalize } from './normalize';
import { isMapping, pathText, sortProblems, splitHint, withHint } from './problems';
import type { Fault, Problem } from './problems';
import { ruleFaults } from './rules';
import { specSchema } from './schema';
import type { DeploymentSpec } from '../deployment/spec';
import { userDataFaults } from './user-data';
import { readYaml } from './yaml';
import type { Position, YamlText } from './yaml';

export { formatProblems } from './problems';
export type { Problem } from './problems';

export type Loaded =
  { readonly ok: true; readonly spec: DeploymentSpec } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Far larger than any spec: it must be the wrong file. */
const MAX_BYTES = 1_048_576;

const START: Position = { line: 1, column: 1 };
const TOO_BIG = withHint('is larger than 1 MiB, so it is not a spec', 'check the name of the file');

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: withHint('there is no such file', 'check the name and the folder'),
  ENOTDIR: withHint('there is no such file', 'check the name and the folder'),
  EISDIR: withHint('is a folder', 'give the YAML file itself'),
  EACCES: withHint('may not be read by this user', 'give read permission to it'),
  EPERM: withHint('may not be read by this user', 'give read permission to it'),
};

/** In addition to what `parseSpec` checks: files that the spec names, as far as they are on this machine. */
export async function loadSpec(path: string): Promise<Loaded> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(path, FILE_ERRORS[code] ?? withHint(`cannot be read (${code})`, 'check the name of the file'));
  }
  if (bytes.length > MAX_BYTES) return refused(path, TOO_BIG);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refused(path, withHint('is not UTF-8 text', 'save it as UTF-8, or check the name of the file'));
  }
  const loaded = parseSpec(text, path);
  if (!loaded.ok) return loaded;
  const faults = await userDataFaults(loaded.spec);
  return faults.length === 0 ? loaded : { ok: false, problems: locatedIn(path, readYaml(text), faults) };
}

/** @param file is named in the problems; paths in the spec are relative to its folder */
export function parseSpec(text: string, file: string): Loaded {
  if (Buffer.byteLength(text) > MAX_BYTES) return refused(file, TOO_BIG);
  const yaml = readYaml(text);
  const syntax = yaml.faults.map((fault) => problem(file, fault, pathText(fault.path), fault.text));
  if (yaml.data === undefined) return { ok: false, problems: sortProblems(syntax) };
  const { value } = yaml.data;
  if (value === null || value === undefined)
    return refused(file, withHint('is empty', 'start from one of the files in examples/'));
  if (!isMapping(value) || Array.isArray(value))
    return refused(file, withHint('is not a mapping of keys to values', 'start from one of the files in examples/'));

  const checked = specSchema.safeParse(value);
  const valueFaults = checked.success ? [] : faultsOfIssues(checked.error.issues, value);
  const faults = withoutConsequences([...valueFaults, ...ruleFaults(value, valueFaults)], yaml.merged, value);
  const problems = [...syntax, ...locatedIn(file, yaml, faults)];
  if (problems.length > 0 || !checked.success) return { ok: false, problems: sortProblems(problems) };
  return { ok: true, spec: normalize(checked.data, dirname(resolve(file))) };
}

/** At most one byte more than is allowed: `/dev/zero` never ends. */
async function readStart(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of handle.createReadStream({ end: MAX_BYTES, autoClose: false }))
      chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

function locatedIn(file: string, yaml: YamlText, faults: readonly Fault[]): Problem[] {
  return faults.map((fault) => located(file, yaml, fault));
}

function located(file: string, yaml: YamlText, { path, text, at, hidden }: Fault): Problem {
  return problem(file, yaml.positionOf(path, at), pathText(hidden === true ? path.slice(0, -1) : path), text);
}

function refused(file: string, text: string): Loaded {
  return { ok: false, problems: [problem(file, START, '', text)] };
}

function problem(file: string, { line, column }: Position, path: string, text: string): Problem {
  return { file, line, column, path, ...splitHint(text) };
}
