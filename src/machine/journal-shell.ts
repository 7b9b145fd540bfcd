/**
 * Shell text of the journal on the machine: how a detached job is started and read. Written for dash and the tools of Ubuntu 12.04
 * (bsdutils 2.20, coreutils 8.13).
 *
 * Files in a job's folder:
 * - `pid`: the process that runs it; `rc`: its exit status, once it has ended; `killed`: we ended it
 * - `command`, `inner`: what it runs; `tty`: the name of its terminal
 * - `log`: the terminal's output; `end`: the terminal is closed and the log complete
 * - `in`: a FIFO to the terminal's keyboard; `said/<offset>.<prompt>`: the answers typed
 * - `made`: when the folder was made; `quiet`: since when the log has had its length. Both by uptime, because the clock may be set.
 */

import { shellQuote } from './shell';
import { READ_BOOT_ID } from './system';

/** Pids are reused, so a process is known by its start time too. A zombie counts as dead. */
const START_TIME = `start_time() { awk '{ sub(/^.*\\) /, ""); if ($1 !~ /[ZX]/) print $20 }' "/proc/$1/stat" 2>/dev/null; }`;

/** In hundredths of a second. */
const UPTIME = `uptime() { read -r up idle < /proc/uptime; echo "\${up%.*}\${up#*.}"; }`;

const SET_BOOT_ID = `b=$(${READ_BOOT_ID})`;

/**
 * Runs inside the new terminal.
 * - `ln` creates the whole pid file or fails. It fails if somebody has declared the job lost (see READ_STATE): then the command must not start.
 * - script 2.20 without a terminal of its own makes one with every flag off (no line editing, reads return at once): hence `stty sane`.
 * - The command gets the usual umask back: under ours, root would write an unreadable /etc/hosts.
 * - The exit status is written here, because script 2.20 may miss the end of its child. It goes into a file that already has its blocks,
 *   because the command may have filled the disk.
 */
const INNER = `${START_TIME}
${SET_BOOT_ID}
printf '%s %s %s %s\\n' $$ "$(start_time $$)" "$b" "$JOURNAL_OUTER" > pid.$$ && ln pid.$$ pid || exit 0
unset JOURNAL_OUTER
tty > tty
stty sane rows 50 cols 200
d=$PWD
cd "$HOME"
(umask 022; exec sh "$d/command")
echo $? 1<> "$d/rc.new" && mv "$d/rc.new" "$d/rc"
`;

/**
 * Opens the terminal. Its keyboard is the FIFO, opened for reading and writing so that it never sees an end of input. Messages are in
 * English, but the character set is the account's own: with LC_ALL=C, Ruby programs fail on the first non-ASCII character they read.
 */
const OUTER = `${START_TIME}
unset LC_ALL
SHELL=/bin/sh TERM=dumb LANGUAGE=en LC_MESSAGES=C PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"
JOURNAL_OUTER="$$ $(start_time $$)"
export SHELL TERM LANGUAGE LC_MESSAGES PATH JOURNAL_OUTER
script -qfc 'exec sh ./inner' /dev/null 0<>in >>log 2>&1
: > end
`;

/**
 * `read_state <folder>` sets s = absent, running, finished, killed, rebooted or lost; c = exit status; who = pid, its start time, boot id,
 * and pid and start time of `script`. A folder without a process ten seconds after it was made is declared lost, for good.
 */
const READ_STATE = `${START_TIME}
${UPTIME}
is_alive() { [ "$3" = "$b" ] && [ -n "$2" ] && [ "$2" = "$(start_time "$1")" ]; }
is_of_earlier_boot() { [ -n "$3" ] && [ "$3" != "$b" ]; }
stamp() { { uptime > "$1.$$" && ln "$1.$$" "$1"; rm -f "$1.$$"; } 2>/dev/null; }
is_new() {
  if [ -e "$1/end" ]; then return 1; fi
  if [ ! -s "$1/made" ]; then stamp "$1/made"; fi
  a=$(cat "$1/made" 2>/dev/null)
  a=$(( $(uptime) - \${a:--9999} ))
  [ $a -ge 0 ] && [ $a -le 1000 ]
}
read_state() {
  s=absent c=- who=
  [ -d "$1" ] || return 0
  who=$(cat "$1/pid" 2>/dev/null)
  if [ -z "$who" ]; then
    if is_new "$1"; then s=running; return 0; fi
    echo lost > "$1/nobody"
    ln "$1/nobody" "$1/pid" 2>/dev/null
    who=$(cat "$1/pid")
  fi
  s=lost
  if [ -f "$1/rc" ]; then s=finished
  elif is_alive $who; then s=running
  elif [ -f "$1/rc" ]; then s=finished
  elif [ -e "$1/killed" ]; then s=killed
  elif is_of_earlier_boot $who; then s=rebooted
  fi
  if [ $s = finished ]; then c=$(cat "$1/rc"); c=\${c:--}; fi
  return 0
}`;

/**
 * `report <folder> <offset>` prints what journal-report.ts reads. The state is read before the log, and a finished job's terminal gets a
 * moment to close, so that "finished" comes with the whole log. Offset `tail`: the last 64 KiB. For a lost job it also tries to write to
 * the folder, because a full disk may be why it was lost.
 */
const REPORT = `quiet_time() {
  since= size=
  { read -r size since < "$1/quiet"; } 2>/dev/null
  now=$(uptime)
  if [ "$size" != "$2" ]; then
    { echo "$2 $now" > "$1/quiet.$$" && mv -f "$1/quiet.$$" "$1/quiet"; } 2>/dev/null
    since=$now
  fi
  echo $((now - since))
}
report() {
  read_state "$1"
  i=0
  while [ $s = finished ] && [ ! -e "$1/end" ] && [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done
  z=$(stat -c %s "$1/log" 2>/dev/null || echo 0)
  q=0
  if [ $s = running ]; then q=$(quiet_time "$1" "$z"); fi
  o=$2
  if [ "$o" = tail ]; then o=$((z > 65536 ? z - 65536 : 0)); fi
  w=
  if [ $s = lost ]; then w=$( { cat "$1/command" > "$1/probe"; } 2>&1 ); rm -f "$1/probe"; fi
  printf '\\nstackato-journal %s %s %s %s %s %s\\n' $s "$c" "\${1##*/}" $o $z "$q"
  printf 'answered %s\\n' "$(ls "$1/said" 2>/dev/null | tr '\\n' ' ')"
  printf 'write-error %s\\n' "$(printf %s "$w" | base64 -w 0)"
  printf 'log %s\\n' "$(tail -c +$((o + 1)) "$1/log" 2>/dev/null | head -c 65536 | base64 -w 0)"
  echo stackato-journal-end
}`;

/** Begins every command. SIGHUP is ignored, so that a dropped connection does not stop the command half-way. */
export function journalFunctions(folder: string): string {
  return `umask 077
trap '' HUP
j="$HOME/.stackato-deploy/${folder}"
${SET_BOOT_ID}
${READ_STATE}
${REPORT}
`;
}

/** Sets n to the folder of the job of this step that is running, whatever its need; else to nothing. */
const FIND_RUNNING = `n=
for e in "$j"/*/; do
  read_state "\${e%/}"
  if [ $s = running ]; then n=\${e%/}; fi
done
`;

/** Sets n to the folder of the running job of this step, else to the folder of this need, whether it exists or not. */
export function selectJob(need: string): string {
  return `${FIND_RUNNING}n="\${n:-$j/${need}}"
`;
}

/**
 * Like `selectJob`, and starts the job of this need if none is running and its folder does not exist. If a file of it cannot be written,
 * nothing is started and nothing is left behind. Files are written by `cat`, which says why it failed; the shell itself does not.
 */
export function selectOrStartJob(need: string, command: string): string {
  return `mkdir -p "$j" || exit 75
exec 9>"$j/.lock"
flock -w 10 9 || { echo 'another start of this step holds the lock' >&2; exit 75; }
fill() {
  mkfifo "$1/in" && mkdir "$1/said" && true > "$1/log" && printf '\\n\\n\\n\\n' | cat > "$1/rc.new" &&
  printf '%s\\n' ${shellQuote(command)} | cat > "$1/command" && printf '%s' ${shellQuote(INNER)} | cat > "$1/inner"
}
${FIND_RUNNING}if [ -z "$n" ]; then
  n="$j/${need}"
  if w=$(mkdir "$n" 2>&1); then
    fill "$n" || { rm -rf "$n"; exit 75; }
    stamp "$n/made"
    (cd "$n" && LC_CTYPE="\${own_lc_all:-\${LC_CTYPE:-$LANG}}" && export LC_CTYPE && exec setsid sh -c ${shellQuote(OUTER)}) 9>&- </dev/null >/dev/null 2>&1 &
  elif [ ! -d "$n" ]; then echo "$w" >&2; exit 75
  fi
fi
exec 9>&-
`;
}
