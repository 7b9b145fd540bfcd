/**
 * Programs from the system's packages. On Debian and Ubuntu they are installed; elsewhere the user is told what to
 * install.
 */

import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { findProgram, Problem, run, say } from './process.mjs';

/** Programs, and their Debian packages. */
const PROGRAMS = {
  named: 'bind9',
  nsupdate: 'bind9-dnsutils',
  dig: 'bind9-dnsutils',
  openssl: 'openssl',
  script: 'bsdutils',
  setsid: 'util-linux',
  python3: 'python3',
  // Login shells that parse commands differently from sh.
  tcsh: 'tcsh',
  zsh: 'zsh',
  // In place of a core, through which nodes are reached.
  sshd: 'openssh-server',
  // For tests of image files.
  flock: 'util-linux',
  'qemu-img': 'qemu-utils',
};

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];

export const PROGRAMS_REMEDY = 'Make sure that they are on PATH, then run this again.';

export const labProgramsPart = {
  name: 'programs of the lab',
  remedy: PROGRAMS_REMEDY,
  missing: () => Object.keys(PROGRAMS).filter((name) => findProgram(name) === undefined),
  provide: (missing) => installPackages(missing.map((name) => PROGRAMS[name])),
};

export const browserPart = {
  name: 'browser of the UI tests',
  remedy: `Make sure that one of ${BROWSERS.join(', ')} is on PATH, then run this again.`,
  missing: () => (BROWSERS.some((name) => findProgram(name) !== undefined) ? [] : ['chromium']),
  provide: () => installPackages(['chromium']),
};

/** For bench/: the programs it compares with, and openssl for its keys. */
const BENCHMARK_PROGRAMS = { pigz: 'pigz', gzip: 'gzip', tar: 'tar', openssl: 'openssl' };

export const benchmarkProgramsPart = {
  name: 'programs of the benchmarks',
  remedy: PROGRAMS_REMEDY,
  missing: () => Object.keys(BENCHMARK_PROGRAMS).filter((name) => findProgram(name) === undefined),
  provide: (missing) => installPackages(missing.map((name) => BENCHMARK_PROGRAMS[name])),
};

export function hasApt() {
  return findProgram('apt-get') !== undefined;
}

export async function installPackages(packages) {
  const wanted = [...new Set(packages)];
  if (!hasApt()) {
    throw new Problem(
      `These packages are missing, and this machine has no apt-get to install them (Debian's names): ${wanted.join(', ')}.`,
      'Install them with the package manager of this machine, then run this again.',
    );
  }
  const install = ['install', '-y', '--no-install-recommends', ...wanted];
  try {
    await aptGet(install);
  } catch {
    say('updating the package lists');
    await aptGet(['update']);
    await aptGet(install);
  }
  if (wanted.includes('bind9')) await stopService('named');
}

function aptGet(args) {
  const prefix = asRoot('Packages are missing, and installing them requires root.');
  const [program, ...rest] = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...args,
  ];
  return run(program, rest, { remedy: 'Fix the problem that apt-get reports above, then run this again.' });
}

/** The prefix of a command that needs root. Throws a Problem that begins with `why` if root is not available. */
export function asRoot(why) {
  if (process.getuid() === 0) return [];
  const sudo = findProgram('sudo');
  // Without a terminal nobody could enter sudo's password.
  if (sudo !== undefined && (process.stdin.isTTY || spawnSync(sudo, ['-n', 'true']).status === 0)) return [sudo];
  throw new Problem(why, 'Run this once as root, or where sudo needs no password.');
}

/** Debian starts and enables services that it installs. The lab runs its own named, on loopback and another port. */
async function stopService(name) {
  const remedy = `Stop the ${name} service, which was started when its package was installed.`;
  const prefix = asRoot(remedy);
  if (existsSync('/run/systemd/system')) {
    const [program, ...args] = [...prefix, 'systemctl', 'disable', '--now', name];
    await run(program, args, { remedy });
  } else if (existsSync(`/etc/init.d/${name}`)) {
    const [program, ...args] = [...prefix, `/etc/init.d/${name}`, 'stop'];
    await run(program, args, { remedy }).catch((error) => say(error.message));
  }
}
