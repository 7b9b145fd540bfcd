/** Commands on the machine: real ones, in a session of their own, with the machine's home and programs. */

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ServerChannel } from 'ssh2';
import { MARK } from './processes';
import type { Place } from './place';
import { USER } from './ssh-login';
import type { State } from './state';

export interface Shell {
  /** Runs it over the channel; `ended` gets the status unless the channel went first. */
  run(
    command: string,
    channel: ServerChannel,
    ended: (code: number | null, signal: NodeJS.Signals | null) => void,
  ): void;
}

/** `hostPath`: where the host has sh, script, flock and the rest. */
export function shellOf(place: Place, hostPath: string, rewrite: (command: string) => string, state: State): Shell {
  const known = { HOME: place.home, USER, LOGNAME: USER, PATH: `${place.path}/bin:${hostPath}`, [MARK]: place.path };
  return {
    run: (command, channel, ended) => {
      const { loginShell, rcPrints, locale, passwordExpired } = state.knobs;
      if (passwordExpired) {
        channel.stderr.write(EXPIRED);
        return ended(1, null);
      }
      const env = { ...known, SHELL: loginShell, LANG: locale, SSH_CONNECTION };
      const print = (): void => void (rcPrints !== '' && channel.writable && channel.write(`${rcPrints}\n`));
      print();
      // A session of its own: the lab's terminal must not be the machine's.
      const child = spawn(loginShell, ['-c', rewrite(command)], {
        cwd: place.home,
        env,
        stdio: 'pipe',
        detached: true,
      });
      connect(child, channel);
      child.once('error', () => ended(127, null));
      child.once('close', (code, signal) => {
        print();
        ended(code, signal);
      });
    },
  };
}

/** The words of OpenSSH. */
const EXPIRED = 'WARNING: Your password has expired.\nPassword change required but no TTY available.\n';

/** Ends with where sshd was reached; Visit forwards to it. */
const SSH_CONNECTION = '127.0.0.1 50022 127.0.0.1 22';

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
