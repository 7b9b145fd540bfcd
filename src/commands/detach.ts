/**
 * The shell text that runs on the VM: what a detached job is made of. Written for dash and the tools of Ubuntu 12.04
 * (bsdutils 2.20, coreutils 8.13); no function here runs anything.
 *
 * A job's folder: `pid` who runs it · `log` the terminal's output · `in` a FIFO to its keyboard · `said/<offset>.<prompt>`
 * answers given · `rc` exit status, once it ended · `end` the terminal is closed, the log complete · `killed` we ended it.
 */

/** A process is itself as long as its start time is the one noted: pids come round again. A zombie is as good as dead. */
const BORN = `born() { awk '{ sub(/^.*\\) /, ""); if ($1 !~ /[ZX]/) print $20 }' "/proc/$1/stat" 2>/dev/null; }`;

const BOOT_ID = 'b=$(cat /proc/sys/kernel/random/boot_id)';

/**
 * Runs inside the new terminal.
 * - `ln` puts the whole pid file there or fails: whoever declared the job lost (see LOOK) has won, and the command must not start.
 * - script 2.20 without a terminal of its own makes one with every flag off (no line editing, reads return at once): hence `stty sane`.
 * - The command gets the usual umask back: under ours, root would write an unreadable /etc/hosts.
 * - The exit status is not script's: 2.20 may miss the end of its child.
 */
const INNER = `${BORN}
${BOOT_ID}
printf '%s %s %s %s\\n' $$ "$(born $$)" "$b" "$JOURNAL_OUTER" > pid.$$ && ln pid.$$ pid || exit 0
unset JOURNAL_OUTER
tty > tty
stty sane rows 50 cols 200
d=$PWD
cd "$HOME"
(umask 022; exec sh "$d/command")
echo $? > "$d/rc.new" && mv "$d/rc.new" "$d/rc"
`;

/** Opens the terminal. Its keyboard is the FIFO opened for reading and writing, so it never sees an end of input. */
const OUTER = `${BORN}
SHELL=/bin/sh TERM=dumb LANGUAGE=en LC_MESSAGES=C PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"
JOURNAL_OUTER="$$ $(born $$)"
export SHELL TERM LANGUAGE LC_MESSAGES PATH JOURNAL_OUTER
script -qfc 'exec sh ./inner' /dev/null 0<>in >>log 2>&1
: > end
`;

/**
 * `look <folder>`: s = absent, running, finished, killed or lost; c = exit status; who = pid, its start time, boot id, and pid and
 * start time of the terminal's keeper. A folder that nobody runs ten seconds after its last file is claimed as lost, for good.
 */
const LOOK = `${BORN}
live() { [ "$3" = "$b" ] && [ -n "$2" ] && [ "$2" = "$(born "$1")" ]; }
young() { a=$(( $(date +%s) - $(stat -c %Y "$1") )); [ ! -e "$1/end" ] && [ $a -ge 0 ] && [ $a -le 10 ]; }
look() {
  s=absent c=- who=
  [ -d "$1" ] || return 0
  who=$(cat "$1/pid" 2>/dev/null)
  if [ -z "$who" ]; then
    if young "$1"; then s=running; return 0; fi
    echo lost > "$1/nobody"
    ln "$1/nobody" "$1/pid" 2>/dev/null
    who=$(cat "$1/pid")
  fi
  s=lost
  if [ -f "$1/rc" ]; then s=finished
  elif live $who; then s=running
  elif [ -f "$1/rc" ]; then s=finished
  elif [ -e "$1/killed" ]; then s=killed
  fi
  if [ $s = finished ]; then c=$(cat "$1/rc"); fi
  return 0
}`;

/**
 * `report <folder> <offset>`: state first, log after, so that "finished" comes with the whole log: it waits a moment for the
 * terminal to close. Offset \`tail\`: the last 64 KiB.
 */
const REPORT = `report() {
  look "$1"
  i=0
  while [ $s = finished ] && [ ! -e "$1/end" ] && [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done
  z=$(stat -c %s "$1/log" 2>/dev/null || echo 0)
  t=$(stat -c %Y "$1/log" 2>/dev/null || date +%s)
  o=$2
  if [ "$o" = tail ]; then o=$((z > 65536 ? z - 65536 : 0)); fi
  printf '\\nstackato-journal %s %s %s %s %s %s\\n' $s "$c" "\${1##*/}" $o $z $(( $(date +%s) - t ))
  printf 'said %s\\n' "$(ls "$1/said" 2>/dev/null | tr '\\n' ' ')"
  printf 'log %s\\n' "$(tail -c +$((o + 1)) "$1/log" 2>/dev/null | head -c 65536 | base64 -w 0)"
  echo stackato-journal-end
}`;

/** Begins every command sent: a connection that drops must not stop it half-way. */
export function prelude(folder: string): string {
  return `umask 077
trap '' HUP
j="$HOME/.stackato-deploy/${folder}"
${BOOT_ID}
${LOOK}
${REPORT}
`;
}

/** Sets n to the folder of the job of this step that still runs, whatever its need; else empty. */
const RUNNING = `n=
for e in "$j"/*/; do
  look "\${e%/}"
  if [ $s = running ]; then n=\${e%/}; fi
done
`;

/** Sets n to the folder of a running job of this step, else to that of this need, made or not. */
export function findOf(need: string): string {
  return `${RUNNING}n="\${n:-$j/${need}}"
`;
}

/** Sets n to the folder of a running job of this step, else makes and starts the one of this need, unless it was made before. */
export function startOf(need: string, quotedCommand: string, quote: (word: string) => string): string {
  return `mkdir -p "$j" || exit 75
exec 9>"$j/.lock"
flock -w 10 9 || exit 75
${RUNNING}if [ -z "$n" ]; then
  n="$j/${need}"
  if mkdir "$n" 2>/dev/null; then
    mkfifo "$n/in"
    mkdir "$n/said"
    : > "$n/log"
    printf '%s\\n' ${quotedCommand} > "$n/command"
    printf '%s' ${quote(INNER)} > "$n/inner"
    (cd "$n" && exec setsid sh -c ${quote(OUTER)}) 9>&- </dev/null >/dev/null 2>&1 &
  fi
fi
exec 9>&-
`;
}
