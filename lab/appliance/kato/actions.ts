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

interface Work {
  readonly sudo: boolean;
  readonly first: string;
  readonly effect: () => void | Promise<void>;
  readonly last: () => readonly string[];
}

function busy(state: State, { sudo, first, effect, last }: Work): GuestReply {
  if (!state.up) return exit(state, 1, 'The core services are not up yet.');
  return {
    lines: [...(sudo ? [SUDO(state)] : []), say(first), sleep(state.knobs.katoTakes)],
    next: async () => {
      await effect();
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
  Object.assign(state, node);
  writeHosts(state);
  state.restarted();
}

export function stop({ state }: KatoCall): GuestReply {
  return busy(state, {
    sudo: false,
    first: 'Stopping all roles...',
    effect: () => void (state.katoStopped = true),
    last: () => [progress('stopping supervisord')],
  });
}

export function start({ state }: KatoCall): GuestReply {
  return busy(state, {
    sudo: false,
    first: 'Starting all roles...',
    effect: () => {
      state.katoStopped = false;
      state.restarted();
    },
    last: () => [progress('starting supervisord')],
  });
}

export function enableRoles({ state, words, options }: KatoCall): GuestReply {
  const { roles, family } = state;
  const [option = '', ...others] = Object.keys(options);
  if (others.length > 0) return exit(state, 1, 'Only one option, please.');
  // Up to 2.6, the roles are the option's value.
  const named = family.roleList === 'commas' ? [...words, ...(options[option] ?? '').split(',')] : words;
  const wanted = resultingRoles(
    option,
    named.filter((role) => role !== ''),
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
  const gone = words.flatMap((word) => word.split(',')).filter((role) => state.roles.includes(role));
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
