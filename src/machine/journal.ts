/**
 * The journal on the VM: a command is started at most once per need, runs detached under a terminal of its own, and is looked at,
 * answered and ended by the commands built here. Each is one exec that goes on to its end even if the connection drops.
 */

import { findOf, prelude, startOf } from './detach';
import { quote } from './quote';

/** Which job: all three name a folder on the VM. */
export interface JournalKey {
  readonly deployment: string;
  readonly step: string;
  /** One start per need, ever. */
  readonly need: string;
}

export interface RemoteCommand {
  readonly command: string;
  readonly stdin?: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Starts the command unless this need was started before or another need of the step still runs; reports on the job that counts. */
export function startJob(key: JournalKey, command: string): RemoteCommand {
  return { command: `${prelude(folderOf(key))}${startOf(named(key.need), quote(command), quote)}report "$n" tail` };
}

/** Reports on the job of this step that runs, whatever its need, else on that of this need; starts nothing. */
export function findJob(key: JournalKey): RemoteCommand {
  return { command: `${prelude(folderOf(key))}${findOf(named(key.need))}report "$n" tail` };
}

/** Reports state and at most 64 KiB of log from there on. */
export function readJob(key: JournalKey, offset: number): RemoteCommand {
  return { command: `${preludeFor(key)}report "$n" ${bytes(offset)}` };
}

export interface Answer {
  readonly id: string;
  /** Length of the log when the prompt was seen: the answer is typed only if nothing was printed since, and only once there. */
  readonly offset: number;
  readonly text: string;
  /** The terminal's echo is switched off first, so that a program that forgets to leaves nothing in the log. */
  readonly secret: boolean;
}

/** Types one line. The text goes by stdin, with a full stop after it: a connection cut half-way must not type half a password. */
export function answerJob(key: JournalKey, answer: Answer): RemoteCommand {
  const at = bytes(answer.offset);
  if (/[\0-\x1f\x7f]/.test(answer.text)) throw new RangeError(`the answer to "${answer.id}" holds a control character`);
  const said = `"$n/said/${at}.${named(answer.id)}"`;
  const hush = answer.secret ? '    stty -F "$(cat "$n/tty")" -echo 2>/dev/null\n' : '';
  const command = `${preludeFor(key)}IFS= read -r line && read -r stop && [ "$stop" = . ] || exit 75
look "$n"
if [ $s = running ] && [ "$(stat -c %s "$n/log")" = ${at} ]; then
  if w=$(mkdir ${said} 2>&1); then
${hush}    printf '%s\\n' "$line" 1<>"$n/in"
  elif [ ! -d ${said} ]; then echo "$w" >&2; exit 75
  fi
fi
report "$n" ${at}`;
  return { command, stdin: `${answer.text}\n.\n` };
}

/** Ends a job that hangs: everything in its terminal, then the terminal. Spares it if the pid is not the job's any more. */
export function killJob(key: JournalKey, offset: number): RemoteCommand {
  const command = `${preludeFor(key)}look "$n"
if [ $s = running ] && [ -n "$who" ]; then
  : > "$n/killed"
  set -- $who
  kill -s TERM -- "-$1" 2>/dev/null
  i=0
  while live $who && [ $i -lt 20 ]; do sleep 0.1; i=$((i + 1)); done
  kill -s KILL -- "-$1" 2>/dev/null
  if live "$4" "$5" "$b"; then kill -s KILL -- "-$4" 2>/dev/null; fi
fi
report "$n" ${bytes(offset)}`;
  return { command };
}

/** Prints those of the steps of which a job was started in that boot. */
export function stepsStartedIn(boot: string, deployment: string, steps: readonly string[]): string {
  return `cd "$HOME/.stackato-deploy/${named(deployment)}" && for step in ${steps.map(named).join(' ')}; do grep -qs ${quote(` ${boot} `)} "$step"/*/pid && echo "$step"; done`;
}

function preludeFor(key: JournalKey): string {
  return `${prelude(folderOf(key))}n="$j/${named(key.need)}"\n`;
}

function folderOf({ deployment, step }: JournalKey): string {
  return `${named(deployment)}/${named(step)}`;
}

/** These stand unquoted in shell text and in paths. */
function named(part: string): string {
  if (!NAME.test(part)) throw new RangeError(`not a name for the journal: ${JSON.stringify(part)}`);
  return part;
}

function bytes(offset: number): string {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`not an offset: ${offset}`);
  return String(offset);
}
