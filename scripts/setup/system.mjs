/** Programs that come from the machine's own packages: on Debian and Ubuntu they are installed, elsewhere they are asked for. */

import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { findProgram, Problem, run, say } from './process.mjs';

/** Program and the Debian package that has it. */
const PROGRAMS = {
  named: 'bind9',
  nsupdate: 'bind9-dnsutils',
  dig: 'bind9-dnsutils',
  openssl: 'openssl',
  script: 'bsdutils',
  setsid: 'util-linux',
  python3: 'python3',
  // Login shells that read a command otherwise than sh does.
  tcsh: 'tcsh',
  zsh: 'zsh',
};

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];

export const programsRemedy = 'Put them on PATH, then run this again.';

export const programsPart = {
  name: 'programs of the lab',
  remedy: programsRemedy,
  missing: () => Object.keys(PROGRAMS).filter((name) => findProgram(name) === undefined),
  provide: (missing) => installPackages(missing.map((name) => PROGRAMS[name])),
};

export const browserPart = {
  name: 'browser of the UI tests',
  remedy: `Put one of ${BROWSERS.join(', ')} on PATH, then run this again.`,
  missing: () => (BROWSERS.some((name) => findProgram(name) !== undefined) ? [] : ['chromium']),
  provide: () => installPackages(['chromium']),
};

/** What bench/ measures ours against, and makes its keys with. */
const RIVALS = { pigz: 'pigz', gzip: 'gzip', tar: 'tar', openssl: 'openssl' };

export const rivalsPart = {
  name: 'programs of the benchmarks',
  remedy: programsRemedy,
  missing: () => Object.keys(RIVALS).filter((name) => findProgram(name) === undefined),
  provide: (missing) => installPackages(missing.map((name) => RIVALS[name])),
};

export function hasApt() {
  return findProgram('apt-get') !== undefined;
}

export async function installPackages(packages) {
  const wanted = [...new Set(packages)];
  if (!hasApt()) {
    throw new Problem(
      `These are needed and this machine has no apt-get to install them with (names as in Debian): ${wanted.join(', ')}.`,
      'Install them with the package manager of this machine, then run this again.',
    );
  }
  const install = ['install', '-y', '--no-install-recommends', ...wanted];
  try {
    await aptGet(install);
  } catch {
    say('refreshing the list of packages');
    await aptGet(['update']);
    await aptGet(install);
  }
  if (wanted.includes('bind9')) await stopService('named');
}

function aptGet(args) {
  const prefix = asRoot('Packages are missing, and installing them takes root.');
  const [program, ...rest] = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...args,
  ];
  return run(program, rest, { remedy: 'Mend what apt-get says above, then run this again.' });
}

/** What goes before a program that needs root. Throws a Problem that begins with `why` where root is not to be had. */
export function asRoot(why) {
  if (process.getuid() === 0) return [];
  const sudo = findProgram('sudo');
  // Without a terminal nobody could answer its question.
  if (sudo !== undefined && (process.stdin.isTTY || spawnSync(sudo, ['-n', 'true']).status === 0)) return [sudo];
  throw new Problem(why, 'Run this once as root, or where sudo needs no password.');
}

/** Debian starts (and enables) the services it installs; the lab runs a named of its own, on loopback and another port. */
async function stopService(name) {
  const remedy = `Stop the ${name} service that the installation of its package started.`;
  const prefix = asRoot(remedy);
  if (existsSync('/run/systemd/system')) {
    const [program, ...args] = [...prefix, 'systemctl', 'disable', '--now', name];
    await run(program, args, { remedy });
  } else if (existsSync(`/etc/init.d/${name}`)) {
    const [program, ...args] = [...prefix, `/etc/init.d/${name}`, 'stop'];
    await run(program, args, { remedy }).catch((error) => say(error.message));
  }
}
