/** `kato`, as of the machine's release. */

import type { GuestReply } from '../guest-rpc';
import type { State } from '../state';
import { enableRoles, setupCore, setupMicro, disableRoles, rename, setLicence, start, stop } from './actions';
import { exit, readArguments } from './call';
import { attach, detach, removeNode, retire } from './cluster';
import type { KatoCall } from './call';
import type { Verb } from './releases';
import { info, nodes, processes, ready, status, version } from './report';
import { staticIp } from './static-ip';

const HANDLERS: Readonly<Record<Verb, (call: KatoCall) => GuestReply>> = {
  version,
  info,
  status,
  processes,
  ready,
  staticIp,
  rename,
  remove: disableRoles,
  add: enableRoles,
  core: setupCore,
  micro: setupMicro,
  nodes,
  stop,
  start,
  attach,
  removeNode,
  detach,
  retire,
  licence: setLicence,
};

const MAX_WORDS = 3;

export function kato(state: State, words: readonly string[]): GuestReply {
  const { commands, usage } = state.family;
  for (let count = MAX_WORDS; count > 0; count -= 1) {
    const command = words.slice(0, count).join(' ');
    const verb = commands[command];
    if (verb === undefined) continue;
    const given = readArguments(usage[verb], words.slice(count));
    if (typeof given === 'string') return exit(state, 1, `kato ${command}: ${given}`);
    return HANDLERS[verb]({ state, ...given });
  }
  return exit(
    state,
    1,
    `Unknown command: kato ${words.join(' ')}`,
    'usage: kato <command>',
    ...Object.keys(commands).map((command) => `  ${command}`),
  );
}
