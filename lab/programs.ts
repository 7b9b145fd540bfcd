/** Finds the programs that the lab runs, or says what to install. */

import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const ADVICE = {
  temporal: 'Run `npm run setup -- --lab`, or install the Temporal CLI.',
  moto_server: 'Run `npm run setup -- --lab`, or `pip install "moto[ec2,server]"`.',
  named: "Install BIND: `apt-get install bind9` (the system's own service need not run).",
  dig: 'Install `bind9-dnsutils`.',
  nsupdate: 'Install `bind9-dnsutils`.',
  'qemu-system-x86_64': 'Run `npm run setup -- --lab --vm`, or install `qemu-system-x86`.',
  'qemu-img': 'Run `npm run setup -- --lab --vm`, or install `qemu-utils`.',
} as const;

export type Program = keyof typeof ADVICE;

/** The path of a program: on PATH, in the repository's .tools, or in the sbin folders. */
export function findProgram(name: Program): string {
  const found = lookUp(name);
  if (found !== undefined) return found;
  throw new Error(`The lab needs the program ${name}, which is not installed. ${ADVICE[name]}`);
}

export function lookUp(name: string): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path, ...toolFolders(), '/usr/sbin', '/usr/local/sbin', '/sbin']
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** `.tools/venv/bin` of the repository, whether this file runs from lab/ or from dist/lab/. */
function toolFolders(): string[] {
  return [dirname(__dirname), dirname(dirname(__dirname))].map((root) => join(root, '.tools', 'venv', 'bin'));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
