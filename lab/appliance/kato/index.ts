/** `kato`, of whatever release the machine has. */

import type { Orders } from '../brain';
import type { State } from '../state';
import { add, core, micro, remove, rename } from './actions';
import { leave } from './call';
import type { Call } from './call';
import type { Verb } from './releases';
import { info, nodes, processes, ready, status, version } from './report';
import { staticIp } from './static-ip';

const DO: Readonly<Record<Verb, (call: Call) => Orders>> = {
  version,
  info,
  status,
  processes,
  ready,
  staticIp,
  rename,
  remove,
  add,
  core,
  micro,
  nodes,
};

const MOST_WORDS = 3;

export function kato(state: State, words: readonly string[]): Orders {
  const { commands } = state.family;
  for (let count = MOST_WORDS; count > 0; count -= 1) {
    const verb = commands[words.slice(0, count).join(' ')];
    if (verb !== undefined) return DO[verb]({ state, args: words.slice(count) });
  }
  return leave(
    state,
    1,
    `Unknown command: kato ${words.join(' ')}`,
    'usage: kato <command>',
    ...Object.keys(commands).map((command) => `  ${command}`),
  );
}
