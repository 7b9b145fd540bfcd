/** The commands of kato that show something. The exact output of 2.6 is not known for any of them. */

import { sleep } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import type { State } from '../state';
import { exit } from './call';
import type { KatoCall } from './call';

const POLL_MS = 200;

export function version({ state }: KatoCall): GuestReply {
  return exit(state, 0, `Stackato ${state.knobs.release}`);
}

export function info({ state, args }: KatoCall): GuestReply {
  const { roles, family, mbusIp, endpoint } = state;
  const fields = { assigned_roles: roles, available_roles: family.roles, mbusip: mbusIp, endpoint };
  if (args.some((word) => word === '-j' || word === '--json'))
    return exit(state, 0, JSON.stringify(fields, undefined, 2));
  const list = (names: readonly string[]): string => names.map((name) => `  - ${name}`).join('\n');
  return exit(
    state,
    0,
    `assigned roles:\n${list(roles)}\navailable roles:\n${list(family.roles)}\nmbusip: ${mbusIp}\nendpoint: ${endpoint}`,
  );
}

export function processes({ state }: KatoCall): GuestReply {
  return exit(state, 0, ...state.processes.map(({ name, state: how }) => `${name.padEnd(24)}${how}`));
}

/** Shows processes up to 2.6, roles later. */
export function status(call: KatoCall): GuestReply {
  const { state } = call;
  if (state.family.roleList === 'commas') return processes(call);
  const states = new Map(state.processes.map(({ name, state: how }) => [name, how]));
  const how = (role: string): string => {
    const own = (state.family.processes[role] ?? []).map((name) => states.get(name));
    return own.find((each) => each === 'FATAL') ?? own.find((each) => each === 'STARTING') ?? 'RUNNING';
  };
  return exit(state, 0, ...state.roles.map((role) => `${role.padEnd(24)}${how(role)}`));
}

export function nodes({ state }: KatoCall): GuestReply {
  return exit(state, 0, `${state.mbusIp.padEnd(16)}${state.roles.join(', ')}`);
}

/** `--block SEC` waits, with 0 forever; without it kato checks once. Some releases never time out (bug 103945). */
export function ready({ state, args }: KatoCall): GuestReply {
  const at = args.findIndex((word) => word === '-b' || word === '--block');
  const seconds = at < 0 ? -1 : Number(args[at + 1]);
  const forever = state.knobs.readyNeverTimesOut || seconds === 0;
  return readyBy(state, forever ? Infinity : Date.now() + seconds * 1000);
}

function readyBy(state: State, deadline: number): GuestReply {
  if (state.ready) return exit(state, 0, 'READY');
  if (Date.now() < deadline) return { lines: [sleep(POLL_MS)], next: () => readyBy(state, deadline) };
  const late = state.processes.filter((process) => process.state !== 'RUNNING');
  return exit(state, 1, ...late.map(({ name, state: how }) => `${name.padEnd(24)}${how}`), 'NOT READY');
}
