/**
 * The journal on the machine: it starts a command at most once per need, detached and on a terminal of its own. The commands built here
 * start, read, answer and end such a job. Each is one exec, and runs to its end even if the connection drops.
 */

import { journalFunctions, selectJob, selectOrStartJob } from './journal-shell';
import { shellQuote } from './shell';

/** Names a job, and its folder on the machine. */
export interface JournalKey {
  readonly deployment: string;
  readonly step: string;
  /** Is started once, ever. */
  readonly need: string;
}

export interface RemoteCommand {
  readonly command: string;
  readonly stdin?: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Starts the command, unless this need was started before or another need of the step is running. Reports on the job that is running, else
 * on the one of this need.
 */
export function startJob(key: JournalKey, command: string): RemoteCommand {
  return { command: `${functionsFor(key)}${selectOrStartJob(checkedName(key.need), command)}report "$n" tail` };
}

/** Reports as `startJob` does, and starts nothing. */
export function findJob(key: JournalKey): RemoteCommand {
  return { command: `${functionsFor(key)}${selectJob(checkedName(key.need))}report "$n" tail` };
}

/** Reports the state, and at most 64 KiB of the log from the offset on. */
export function readJob(key: JournalKey, offset: number): RemoteCommand {
  return { command: `${jobOf(key)}report "$n" ${checkedOffset(offset)}` };
}

export interface Answer {
  readonly id: string;
  /** Length of the log when the prompt was seen: the answer is typed only if nothing was printed since, and only once at that offset. */
  readonly offset: number;
  readonly text: string;
  /** Switches the terminal's echo off first, because a program that forgets to would leave the secret in the log. */
  readonly secret: boolean;
}

/** Types one line. The text is sent on stdin, with a full stop in a line after it: a connection cut half-way must not type half a password. */
export function answerJob(key: JournalKey, answer: Answer): RemoteCommand {
  const at = checkedOffset(answer.offset);
  if (/[\0-\x1f\x7f]/.test(answer.text)) throw new RangeError(`the answer to "${answer.id}" holds a control character`);
  const typed = `"$n/said/${at}.${checkedName(answer.id)}"`;
  const echoOff = answer.secret ? '    stty -F "$(cat "$n/tty")" -echo 2>/dev/null\n' : '';
  const command = `${jobOf(key)}IFS= read -r line && read -r stop && [ "$stop" = . ] || exit 75
read_state "$n"
if [ $s = running ] && [ "$(stat -c %s "$n/log")" = ${at} ]; then
  if w=$(mkdir ${typed} 2>&1); then
${echoOff}    printf '%s\\n' "$line" 1<>"$n/in"
  elif [ ! -d ${typed} ]; then echo "$w" >&2; exit 75
  fi
fi
report "$n" ${at}`;
  return { command, stdin: `${answer.text}\n.\n` };
}

/** Ends a job that hangs: everything in its terminal, then the terminal. Not if its pid is another process by now. */
export function killJob(key: JournalKey, offset: number): RemoteCommand {
  const command = `${jobOf(key)}read_state "$n"
if [ $s = running ] && [ -n "$who" ]; then
  : > "$n/killed"
  set -- $who
  kill -s TERM -- "-$1" 2>/dev/null
  i=0
  while is_alive $who && [ $i -lt 20 ]; do sleep 0.1; i=$((i + 1)); done
  kill -s KILL -- "-$1" 2>/dev/null
  if is_alive "$4" "$5" "$b"; then kill -s KILL -- "-$4" 2>/dev/null; fi
fi
report "$n" ${checkedOffset(offset)}`;
  return { command };
}

/** Prints which of the steps started a job in that boot. */
export function stepsStartedIn(boot: string, deployment: string, steps: readonly string[]): string {
  return `cd "$HOME/.stackato-deploy/${checkedName(deployment)}" && for step in ${steps.map(checkedName).join(' ')}; do grep -qs ${shellQuote(` ${boot} `)} "$step"/*/pid && echo "$step"; done`;
}

function jobOf(key: JournalKey): string {
  return `${functionsFor(key)}n="$j/${checkedName(key.need)}"\n`;
}

function functionsFor({ deployment, step }: JournalKey): string {
  return journalFunctions(`${checkedName(deployment)}/${checkedName(step)}`);
}

/** Names go into shell text and paths without quotes. */
function checkedName(part: string): string {
  if (!NAME.test(part)) throw new RangeError(`not a name for the journal: ${JSON.stringify(part)}`);
  return part;
}

function checkedOffset(offset: number): string {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`not an offset: ${offset}`);
  return String(offset);
}
