/** What kato tells: version, info, status, ready. The words of 2.6 are known of none of them. */

import type { Orders } from '../brain';
import { sleep } from '../brain';
import type { State } from '../state';
import { leave } from './call';
import type { Call } from './call';

const LOOK_EVERY = 200;

export function version({ state }: Call): Orders {
  return leave(state, 0, `Stackato ${state.knobs.release}`);
}

export function info({ state, args }: Call): Orders {
  const { roles, family, mbusIp, endpoint } = state;
  const fields = { assigned_roles: roles, available_roles: family.roles, mbusip: mbusIp, endpoint };
  if (args.some((word) => word === '-j' || word === '--json'))
    return leave(state, 0, JSON.stringify(fields, undefined, 2));
  const list = (names: readonly string[]): string => names.map((name) => `  - ${name}`).join('\n');
  return leave(
    state,
    0,
    `assigned roles:\n${list(roles)}\navailable roles:\n${list(family.roles)}\nmbusip: ${mbusIp}\nendpoint: ${endpoint}`,
  );
}

export function processes({ state }: Call): Orders {
  return leave(state, 0, ...state.processes.map(({ name, state: how }) => `${name.padEnd(24)}${how}`));
}

/** Processes up to 2.6, roles after. */
export function status(call: Call): Orders {
  const { state } = call;
  if (state.family.roleList === 'commas') return processes(call);
  const states = new Map(state.processes.map(({ name, state: how }) => [name, how]));
  const how = (role: string): string => {
    const own = (state.family.processes[role] ?? []).map((name) => states.get(name));
    return own.find((each) => each === 'FATAL') ?? own.find((each) => each === 'STARTING') ?? 'RUNNING';
  };
  return leave(state, 0, ...state.roles.map((role) => `${role.padEnd(24)}${how(role)}`));
}

export function nodes({ state }: Call): Orders {
  return leave(state, 0, `${state.mbusIp.padEnd(16)}${state.roles.join(', ')}`);
}

/** `--block SEC`, 0 being for ever; without it one look is all, but for a release that never times out (bug 103945). */
export function ready({ state, args }: Call): Orders {
  const at = args.findIndex((word) => word === '-b' || word === '--block');
  const seconds = at < 0 ? -1 : Number(args[at + 1]);
  const forever = state.knobs.readyNeverTimesOut || seconds === 0;
  return readyBy(state, forever ? Infinity : Date.now() + seconds * 1000);
}

function readyBy(state: State, deadline: number): Orders {
  if (state.ready) return leave(state, 0, 'READY');
  if (Date.now() < deadline) return { lines: [sleep(LOOK_EVERY)], next: () => readyBy(state, deadline) };
  const late = state.processes.filter((process) => process.state !== 'RUNNING');
  return leave(state, 1, ...late.map(({ name, state: how }) => `${name.padEnd(24)}${how}`), 'NOT READY');
}
