/** Runs commands on the machine: as real processes of the host, with the machine's home folder and programs. */

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ServerChannel } from 'ssh2';
import type { MachineFiles } from './machine-files';
import { MACHINE_VARIABLE } from './processes';
import { USER } from './ssh-login';
import type { State } from './state';

export interface Shell {
  /** Runs the command over the channel; `ended` gets its exit status. */
  run(
    command: string,
    channel: ServerChannel,
    ended: (code: number | null, signal: NodeJS.Signals | null) => void,
  ): void;
}

/** @param hostPath the host's PATH, for sh, script, flock and others */
export function shellOf(
  files: MachineFiles,
  hostPath: string,
  rewrite: (command: string) => string,
  state: State,
): Shell {
  const known = {
    HOME: files.home,
    USER,
    LOGNAME: USER,
    PATH: `${files.path}/bin:${hostPath}`,
    [MACHINE_VARIABLE]: files.path,
  };
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
      // In a session of its own, or the lab's terminal would be the command's controlling terminal.
      const child = spawn(loginShell, ['-c', rewrite(command)], {
        cwd: files.home,
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

/** OpenSSH's message. */
const EXPIRED = 'WARNING: Your password has expired.\nPassword change required but no TTY available.\n';

/** Ends with the address and port of sshd, which ClientConnection forwards to. */
const SSH_CONNECTION = '127.0.0.1 50022 127.0.0.1 22';

/** Runs the command, or a shell, on a terminal made by script(1), for `ssh -t` and interactive logins. */
export function onTerminal(command: string | undefined): string {
  return `TERM=xterm exec script -qfec ${quoted(command ?? 'exec sh -i')} /dev/null`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A dropped connection closes the pipes but does not end the command. */
function connect(child: ChildProcessWithoutNullStreams, channel: ServerChannel): void {
  child.stdin.on('error', () => undefined);
  channel.on('error', () => undefined);
  channel.pipe(child.stdin);
  // A channel with unread input would never close.
  child.stdin.once('close', () => channel.unpipe(child.stdin).resume());
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.once('close', () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  });
}
