/** A spec file in, a deployment or everything that is wrong with it out. No secret is read here: references stay references. */

import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { explain, withoutEchoes } from './explain';
import { normalize } from './normalize';
import { isMapping, pathText } from './paths';
import { halves, inOrder, says } from './problems';
import type { Fault, Problem } from './problems';
import { ruleFaults } from './rules';
import { specSchema } from './schema';
import type { DeploymentSpec } from '../deployment/types';
import { readYaml } from './yaml';
import type { Place, YamlText } from './yaml';

export { formatProblems } from './problems';
export type { Problem } from './problems';

export type Loaded =
  { readonly ok: true; readonly spec: DeploymentSpec } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Far above any spec: it is the wrong file. */
const MAX_BYTES = 1_048_576;

const START: Place = { line: 1, column: 1 };
const TOO_BIG = says('is larger than 1 MiB, so it is no spec', 'check the name of the file');

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: says('there is no such file', 'check the name and the folder'),
  ENOTDIR: says('there is no such file', 'check the name and the folder'),
  EISDIR: says('is a folder', 'give the YAML file itself'),
  EACCES: says('may not be read by this user', 'give read permission to it'),
  EPERM: says('may not be read by this user', 'give read permission to it'),
};

export async function loadSpec(path: string): Promise<Loaded> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(path, FILE_ERRORS[code] ?? says(`cannot be read (${code})`, 'check the name of the file'));
  }
  if (bytes.length > MAX_BYTES) return refused(path, TOO_BIG);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refused(path, says('is not UTF-8 text', 'save it as UTF-8, or check the name of the file'));
  }
  return parseSpec(text, path);
}

/** `file` names the text in the problems, and its folder is what relative paths are relative to. */
export function parseSpec(text: string, file: string): Loaded {
  if (Buffer.byteLength(text) > MAX_BYTES) return refused(file, TOO_BIG);
  const yaml = readYaml(text);
  const broken = yaml.faults.map((fault) => problem(file, fault, pathText(fault.path), fault.text));
  if (yaml.data === undefined) return { ok: false, problems: inOrder(broken) };
  const { value } = yaml.data;
  if (value === null || value === undefined)
    return refused(file, says('is empty', 'start from one of the files in examples/'));
  if (!isMapping(value) || Array.isArray(value))
    return refused(file, says('is not a mapping of keys to values', 'start from one of the files in examples/'));

  const checked = specSchema.safeParse(value);
  const single = checked.success ? [] : explain(checked.error.issues, value);
  const faults = withoutEchoes([...single, ...ruleFaults(value, single)], yaml.merged, value);
  const problems = [...broken, ...faults.map((fault) => located(file, yaml, fault))];
  if (problems.length > 0 || !checked.success) return { ok: false, problems: inOrder(problems) };
  return { ok: true, spec: normalize(checked.data, dirname(resolve(file))) };
}

/** One byte more than is allowed is enough to know. `/dev/zero` never ends. */
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

function located(file: string, yaml: YamlText, { path, text, at, hidden }: Fault): Problem {
  return problem(file, yaml.placeOf(path, at), pathText(hidden === true ? path.slice(0, -1) : path), text);
}

function refused(file: string, text: string): Loaded {
  return { ok: false, problems: [problem(file, START, '', text)] };
}

function problem(file: string, { line, column }: Place, path: string, text: string): Problem {
  return { file, line, column, path, ...halves(text) };
}
