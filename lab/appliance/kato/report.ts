/** The commands of kato that show something. The exact output of 2.6 is not known for any of them. */

import { sleep } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import type { ProcessState } from '../cluster/messages';
import type { State } from '../state';
import { exit } from './call';
import type { KatoCall } from './call';
import { stuckStatus } from './cluster';

const POLL_MS = 200;

export function version({ state }: KatoCall): GuestReply {
  const { versionText, release } = state.knobs;
  return exit(state, 0, versionText.replaceAll('{release}', release));
}

export function info({ state, options }: KatoCall): GuestReply {
  const { roles, family, mbusIp, endpoint } = state;
  const lists: Readonly<Record<string, readonly string[]>> = {
    assigned_roles: roles,
    ...(state.knobs.infoListsAvailable ? { available_roles: family.roles } : {}),
  };
  if ('-j' in options || '--json' in options)
    return exit(state, 0, JSON.stringify({ ...lists, mbusip: mbusIp, endpoint }, undefined, 2));
  return exit(
    state,
    0,
    ...Object.entries(lists).flatMap(([key, names]) => [
      `${key.replace('_', ' ')}:`,
      ...names.map((name) => `  - ${name}`),
    ]),
    `mbusip: ${mbusIp}`,
    `endpoint: ${endpoint}`,
  );
}

export function processes({ state }: KatoCall): GuestReply {
  return exit(state, 0, ...state.processes.map(({ name, state: how }) => row(state, name, how)));
}

/** The words of `prose` name no state of supervisord. */
function row({ knobs }: State, name: string, how: ProcessState['state']): string {
  return knobs.statusText === 'table' ? `${name.padEnd(24)}${how}` : `${name}: ${PROSE[how]}`;
}

const PROSE = { RUNNING: 'up', STARTING: 'coming up', FATAL: 'broken', STOPPED: 'off' } as const;

/** With `--all` on a core: of all nodes, by address. How that looks is not known. */
export function status({ state, options }: KatoCall): GuestReply {
  const stuck = stuckStatus(state);
  if (stuck !== undefined) return stuck;
  const lines = (rows: readonly ProcessState[]): string[] => rows.map(({ name, state: how }) => row(state, name, how));
  const all = '-a' in options || '--all' in options;
  if (!all || !state.isCore) return exit(state, 0, ...lines(state.rows));
  const { statusAllText } = state.knobs;
  return {
    lines: [],
    next: async () => {
      const reports = [[state.address, state.report()] as const, ...(await state.core.reports())];
      const texts = reports.flatMap(([ip, { rows }]) =>
        statusAllText === 'lines'
          ? lines(rows).map((line) => `${ip.padEnd(16)}${line}`)
          : [ip, ...lines(rows).map((line) => `  ${line}`)],
      );
      return exit(state, 0, ...texts);
    },
  };
}

export function nodes({ state, options }: KatoCall): GuestReply {
  const all = state.isCore ? state.core.list() : [{ ip: state.mbusIp, roles: state.roles }];
  if ('-j' in options || '--json' in options)
    return exit(state, 0, JSON.stringify(Object.fromEntries(all.map(({ ip, roles }) => [ip, { roles }]))));
  return exit(state, 0, ...all.map(({ ip, roles }) => `${ip.padEnd(16)}${roles.join(', ')}`));
}

/** `--block SEC` waits, with 0 forever; without it kato checks once. Some releases never time out (bug 103945). */
export function ready({ state, options }: KatoCall): GuestReply {
  const seconds = Number(options['-b'] ?? options['--block'] ?? -1);
  const forever = state.knobs.readyNeverTimesOut || seconds === 0;
  return readyBy(state, forever ? Infinity : Date.now() + seconds * 1000);
}

function readyBy(state: State, deadline: number): GuestReply {
  if (state.ready) return exit(state, 0, state.knobs.readyText);
  if (Date.now() < deadline) return { lines: [sleep(POLL_MS)], next: () => readyBy(state, deadline) };
  const late = state.processes.filter((process) => process.state !== 'RUNNING');
  return exit(state, 1, ...late.map(({ name, state: how }) => `${name.padEnd(24)}${how}`), 'NOT READY');
}
