/** The commands of kato that make machines nodes of a core, and that take them out again. */

import { say, sleep } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import { writeHosts } from '../identity';
import type { State } from '../state';
import { busy, rolesIn } from './actions';
import { exit, progress } from './call';
import type { KatoCall } from './call';

/** As Ruby shows an exception that nobody caught. */
const CRASH = (message: string): string[] => [
  `/home/stackato/stackato/kato/lib/kato/cluster/manager.rb:118:in \`connect': ${message} (Errno::ETIMEDOUT)`,
  "\tfrom /home/stackato/stackato/kato/lib/kato/cluster/manager.rb:84:in `attach'",
  "\tfrom /home/stackato/bin/kato:52:in `<main>'",
];

export function attach({ state, words: [core = ''], options }: KatoCall): GuestReply {
  const { family, membership } = state;
  const given = options['-e'] ?? options['--enable'] ?? '';
  const named = rolesIn(
    family,
    given.split(',').filter((role) => role !== ''),
  );
  const unknown = named.find((role) => !family.roles.includes(role));
  if (unknown !== undefined) return exit(state, 1, `There is no role ${unknown}.`);
  const roles = family.roles.filter((role) => role === 'base' || named.includes(role));
  const force = '-f' in options || '--force' in options;
  return busy(state, {
    sudo: true,
    first: `Attaching this node to the core ${core}...`,
    effect: async () => {
      const stream = await membership.reach(core);
      if (stream === 'unreachable') return unreachable(state, core, state.knobs.connectTimeout);
      if (stream === 'closed') return unreachable(state, core, 0);
      const result = await membership.attach(stream, core, roles, force);
      if (result.how === 'refused') return exit(state, 1, result.text);
      if (result.how !== 'attached') return unreachable(state, core, 0);
      Object.assign(state, { micro: false, mbusIp: core, endpoint: result.endpoint, roles });
      state.katoStopped = '-s' in options || '--no-start' in options;
      writeHosts(state);
      state.restarted();
      return undefined;
    },
    last: () => roles.flatMap((role) => family.processes[role] ?? []).map((name) => progress(`starting ${name}`)),
  });
}

/** After the time that the kernel takes to give up. */
function unreachable(state: State, core: string, after: number): GuestReply {
  const texts = state.family.badWithDeadNodes
    ? CRASH(`Connection timed out - connect(2) for ${core}:4222`)
    : [`The core ${core} cannot be reached.`];
  return { lines: [sleep(after)], next: () => exit(state, 1, ...texts) };
}

export function removeNode({ state, words, options }: KatoCall): GuestReply {
  const { core, family, knobs } = state;
  if (!state.isCore) return exit(state, 1, 'Nodes are removed on the core.');
  const unknown = words.find((ip) => core.state(ip) === 'unknown');
  if (unknown !== undefined) return exit(state, 1, `There is no node ${unknown}.`);
  const dead = words.filter((ip) => core.state(ip) === 'dead').length;
  return busy(state, {
    sudo: false,
    first: `Removing ${words.join(', ')}...`,
    effect: () => {
      const finish = (): GuestReply => {
        for (const ip of words) core.remove(ip, '--skip-detach' in options);
        return exit(state, 0, ...words.map((ip) => progress(`removing ${ip}`)));
      };
      const waits = family.badWithDeadNodes && !('--skip-detach' in options);
      const hangs = waits ? dead * knobs.removeDeadTakes : 0;
      return { lines: [sleep(hangs)], next: finish };
    },
    last: () => [],
  });
}

export function detach({ state }: KatoCall): GuestReply {
  if (!state.membership.attached) return exit(state, 1, 'This node is not attached.');
  return busy(state, {
    sudo: false,
    first: 'Detaching this node...',
    effect: () => {
      state.membership.leave();
      state.detached();
      writeHosts(state);
    },
    last: () => [progress('stopping roles')],
  });
}

/** The applications of a DEA are not simulated: it just stops. */
export function retire({ state }: KatoCall): GuestReply {
  if (!state.roles.includes('dea')) return exit(state, 1, 'This node is no DEA.');
  return busy(state, {
    sudo: true,
    first: 'Moving applications to other nodes...',
    effect: () => state.stopProcesses(state.family.processes['dea'] ?? []),
    last: () => [progress('stopping dea')],
  });
}

/** What `kato status` does instead, on a core that has a dead node; undefined: nothing. */
export function stuckStatus(state: State): GuestReply | undefined {
  const { statusWithDeadNode: how } = state.knobs;
  const does = how === 'as released' ? state.family.statusWithDeadNode : how;
  if (does === 'works' || !state.isCore || !state.core.hasDeadNode) return undefined;
  if (does === 'crashes') return exit(state, 1, ...CRASH('Connection timed out - connect(2)'));
  return { lines: [say('Waiting for nodes...'), 'while :; do sleep 3600; done'] };
}
