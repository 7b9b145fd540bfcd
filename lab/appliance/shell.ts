/** Commands on the machine: real ones, in a session of their own, with the machine's home and programs. */

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ServerChannel } from 'ssh2';
import { MARK } from './processes';
import type { Place } from './place';
import { USER } from './ssh-login';

export interface Shell {
  /** Runs it over the channel; `ended` gets the status unless the channel went first. */
  run(command: string, channel: ServerChannel, ended: (code: number | null, signal: NodeJS.Signals | null) => void): void;
}

/** `hostPath`: where the host has sh, script, flock and the rest. */
export function shellOf(place: Place, hostPath: string, rewrite: (command: string) => string): Shell {
  const env = {
    HOME: place.home, USER, LOGNAME: USER, SHELL: '/bin/sh', LANG: 'C.UTF-8', PATH: `${place.path}/bin:${hostPath}`, [MARK]: place.path,
  };
  return {
    run: (command, channel, ended) => {
      // A session of its own: the lab's terminal must not be the machine's.
      const child = spawn('/bin/sh', ['-c', rewrite(command)], { cwd: place.home, env, stdio: 'pipe', detached: true });
      connect(child, channel);
      child.once('error', () => ended(127, null));
      child.once('close', ended);
    },
  };
}

/** For `ssh -t`, and for people: the same under a terminal that util-linux' script makes. */
export function onTerminal(command: string | undefined): string {
  return `TERM=xterm exec script -qfec ${quoted(command ?? 'exec sh -i')} /dev/null`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A connection that goes away takes the pipes along, not the command. */
function connect(child: ChildProcessWithoutNullStreams, channel: ServerChannel): void {
  child.stdin.on('error', () => undefined);
  channel.on('error', () => undefined);
  channel.pipe(child.stdin);
  // A channel whose input nobody reads never closes.
  child.stdin.once('close', () => channel.unpipe(child.stdin).resume());
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.once('close', () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  });
}
