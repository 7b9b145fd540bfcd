/** The commands of kato that change the machine. Each takes a while before it has an effect. */

import { say, sleep } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import { writeHosts, writeName } from '../identity';
import type { State } from '../state';
import { exit, progress } from './call';
import type { KatoCall } from './call';

const HOST = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;

/** Without a terminal nobody can answer sudo's prompt, and kato hangs (bug 102928). */
const SUDO = (state: State): string => `find_terminal
[ -n "$terminal" ] || ${state.knobs.sudoAsks ? 'while :; do sleep 3600; done' : ':'}
authenticate || exit ${state.knobs.exitAlwaysZero ? 0 : 1}`;

export interface Work {
  readonly sudo: boolean;
  readonly first: string;
  /** @returns how it ended, if badly */
  readonly effect: () => void | GuestReply | Promise<void | GuestReply>;
  readonly last: () => readonly string[];
}

/** Does the work, which takes a while, once the boot is complete. */
export function busy(state: State, { sudo, first, effect, last }: Work): GuestReply {
  if (!state.up) return exit(state, 1, 'The core services are not up yet.');
  return {
    lines: [...(sudo ? [SUDO(state)] : []), say(first), sleep(state.knobs.katoTakes)],
    next: async () => {
      const bad = await effect();
      if (bad !== undefined) return bad;
      return exit(state, 0, ...last());
    },
  };
}

export function rename({ state, words: [given = ''], options }: KatoCall): GuestReply {
  const name = given.toLowerCase();
  const restarts = !('-r' in options || '--no-restart' in options);
  if (!HOST.test(name)) return exit(state, 1, 'usage: kato rename <hostname>');
  return busy(state, {
    sudo: true,
    first: `Renaming ${state.hostname} to ${name}...`,
    effect: async () => {
      state.hostname = name;
      state.endpoint = `api.${name}`;
      await writeName(state);
      if (restarts) state.restarted();
    },
    last: () => [progress('generating certificate'), ...(restarts ? [progress('restarting roles')] : [])],
  });
}

export function setupCore({ state, words: [endpoint = state.endpoint] }: KatoCall): GuestReply {
  return busy(state, {
    sudo: true,
    first: 'Setting up this node as the core of a cluster...',
    effect: () => becomeNode(state, { micro: false, mbusIp: state.address, endpoint, roles: state.coreRoles }),
    last: () => [progress('restarting roles')],
  });
}

export function setupMicro({ state }: KatoCall): GuestReply {
  return busy(state, {
    sudo: true,
    first: 'Setting up a micro cloud...',
    effect: () =>
      becomeNode(state, { micro: true, mbusIp: '127.0.0.1', endpoint: state.endpoint, roles: state.freshRoles }),
    last: () => [progress('restarting roles')],
  });
}

function becomeNode(state: State, node: Pick<State, 'micro' | 'mbusIp' | 'endpoint' | 'roles'>): void {
  state.membership.leave();
  Object.assign(state, node);
  writeHosts(state);
  state.restarted();
}

export function stop({ state, words }: KatoCall): GuestReply {
  const named = processesNamed(state, words);
  if (typeof named === 'string') return exit(state, 1, named);
  return busy(state, {
    sudo: false,
    first: words.length === 0 ? 'Stopping all roles...' : 'Stopping...',
    effect: () => {
      if (words.length === 0) state.katoStopped = true;
      else state.stopProcesses(named);
    },
    last: () =>
      words.length === 0 ? [progress('stopping supervisord')] : named.map((name) => progress(`stopping ${name}`)),
  });
}

export function start({ state, words }: KatoCall): GuestReply {
  const named = processesNamed(state, words);
  if (typeof named === 'string') return exit(state, 1, named);
  return busy(state, {
    sudo: false,
    first: words.length === 0 ? 'Starting all roles...' : 'Starting...',
    effect: () => state.startProcesses(words.length === 0 ? undefined : named),
    last: () =>
      words.length === 0 ? [progress('starting supervisord')] : named.map((name) => progress(`starting ${name}`)),
  });
}

/** `stop` and `start` take processes up to 2.6, roles later (bug 96708). @returns an error message for others */
function processesNamed({ family, roles, processes }: State, words: readonly string[]): readonly string[] | string {
  const ofProcesses = family.statusLists === 'processes';
  const known = ofProcesses ? processes.map(({ name }) => name) : roles;
  const names = ofProcesses ? words : rolesIn(family, words);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) return `There is no ${ofProcesses ? 'process' : 'role'} ${unknown} on this node.`;
  return ofProcesses ? names : names.flatMap((name) => family.processes[name] ?? []);
}

export function setLicence({ state, words }: KatoCall): GuestReply {
  return busy(state, {
    sudo: false,
    first: 'Setting the license...',
    effect: () => void (state.licence = words.join(' ')),
    last: () => [progress('license')],
  });
}

/** Names of groups become those of their roles. */
export function rolesIn({ groups }: State['family'], names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => groups[name] ?? [name]))];
}

export function enableRoles({ state, words, options }: KatoCall): GuestReply {
  const { roles, family } = state;
  const [option = '', ...others] = Object.keys(options);
  if (others.length > 0) return exit(state, 1, 'Only one option, please.');
  // Up to 2.6, the roles are the option's value.
  const named =
    family.roleList === 'commas' ? [...words, options[option] ?? ''].flatMap((word) => word.split(',')) : words;
  const wanted = resultingRoles(
    option,
    rolesIn(
      family,
      named.filter((role) => role !== ''),
    ),
    family.roles,
    roles,
  );
  if (typeof wanted === 'string') return exit(state, 1, wanted);
  const started = wanted.filter((role) => !roles.includes(role)).flatMap((role) => family.processes[role] ?? []);
  return busy(state, {
    sudo: false,
    first: 'Enabling roles...',
    effect: () => {
      state.roles = wanted;
      state.enabled();
    },
    last: () => started.map((name) => progress(`starting ${name}`)),
  });
}

export function disableRoles({ state, words }: KatoCall): GuestReply {
  const named = rolesIn(
    state.family,
    words.flatMap((word) => word.split(',')),
  );
  const gone = named.filter((role) => state.roles.includes(role));
  if (gone.length === 0) return exit(state, 0, 'Nothing to disable.');
  return busy(state, {
    sudo: false,
    first: 'Disabling roles...',
    effect: () => void (state.roles = state.roles.filter((role) => !gone.includes(role))),
    last: () => gone.flatMap((role) => state.family.processes[role] ?? []).map((name) => progress(`stopping ${name}`)),
  });
}

/** The resulting roles, or an error message. */
function resultingRoles(
  option: string,
  named: readonly string[],
  all: readonly string[],
  now: readonly string[],
): readonly string[] | string {
  const unknown = named.find((role) => !all.includes(role));
  if (unknown !== undefined) return `There is no role ${unknown}.`;
  if (option === '-a' || option === '--all') return all;
  if (named.length === 0) return 'Which roles?';
  const picks: Readonly<Record<string, (role: string) => boolean>> = {
    '': (role) => now.includes(role) || named.includes(role),
    '-o': (role) => named.includes(role),
    '--only': (role) => named.includes(role),
    '--all-but': (role) => !named.includes(role),
  };
  return all.filter(picks[option] ?? (() => false));
}
