/**
 * The shell text that runs on the VM: what a detached job is made of. Written for dash and the tools of Ubuntu 12.04
 * (bsdutils 2.20, coreutils 8.13); no function here runs anything.
 *
 * A job's folder: `pid` who runs it · `log` the terminal's output · `in` a FIFO to its keyboard · `said/<offset>.<prompt>`
 * answers given · `rc` exit status, once it ended · `end` the terminal is closed, the log complete · `killed` we ended it ·
 * `made` when, `quiet` since when the log has been as long as it is: both by the uptime, because a clock that is set jumps.
 */

/** A process is itself as long as its start time is the one noted: pids come round again. A zombie is as good as dead. */
const BORN = `born() { awk '{ sub(/^.*\\) /, ""); if ($1 !~ /[ZX]/) print $20 }' "/proc/$1/stat" 2>/dev/null; }`;

/** Hundredths of a second since the boot. */
const UPTIME = `uptime() { read -r up idle < /proc/uptime; echo "\${up%.*}\${up#*.}"; }`;

const BOOT_ID = 'b=$(cat /proc/sys/kernel/random/boot_id)';

/**
 * Runs inside the new terminal.
 * - `ln` puts the whole pid file there or fails: whoever declared the job lost (see LOOK) has won, and the command must not start.
 * - script 2.20 without a terminal of its own makes one with every flag off (no line editing, reads return at once): hence `stty sane`.
 * - The command gets the usual umask back: under ours, root would write an unreadable /etc/hosts.
 * - The exit status is not script's: 2.20 may miss the end of its child. It goes into a file that has its room already, as the command
 *   may have filled the disk.
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
echo $? 1<> "$d/rc.new" && mv "$d/rc.new" "$d/rc"
`;

/**
 * Opens the terminal. Its keyboard is the FIFO opened for reading and writing, so it never sees an end of input. The command speaks
 * English, and has the account's own characters: under LC_ALL=C, programs in Ruby stumble over every umlaut that they read.
 */
const OUTER = `${BORN}
unset LC_ALL
SHELL=/bin/sh TERM=dumb LANGUAGE=en LC_MESSAGES=C PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"
JOURNAL_OUTER="$$ $(born $$)"
export SHELL TERM LANGUAGE LC_MESSAGES PATH JOURNAL_OUTER
script -qfc 'exec sh ./inner' /dev/null 0<>in >>log 2>&1
: > end
`;

/**
 * `look <folder>`: s = absent, running, finished, killed, rebooted or lost; c = exit status; who = pid, its start time, boot id, and pid
 * and start time of the terminal's keeper. A folder that nobody runs ten seconds after it was made is claimed as lost, for good.
 */
const LOOK = `${BORN}
${UPTIME}
live() { [ "$3" = "$b" ] && [ -n "$2" ] && [ "$2" = "$(born "$1")" ]; }
cut() { [ -n "$3" ] && [ "$3" != "$b" ]; }
note() { { uptime > "$1.$$" && ln "$1.$$" "$1"; rm -f "$1.$$"; } 2>/dev/null; }
young() {
  if [ -e "$1/end" ]; then return 1; fi
  if [ ! -s "$1/made" ]; then note "$1/made"; fi
  a=$(cat "$1/made" 2>/dev/null)
  a=$(( $(uptime) - \${a:--9999} ))
  [ $a -ge 0 ] && [ $a -le 1000 ]
}
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
  elif cut $who; then s=rebooted
  fi
  if [ $s = finished ]; then c=$(cat "$1/rc"); c=\${c:--}; fi
  return 0
}`;

/**
 * `report <folder> <offset>`: state first, log after, so that "finished" comes with the whole log: it waits a moment for the
 * terminal to close. Offset \`tail\`: the last 64 KiB. Of a job that is lost it tells what keeps its folder from being written to.
 */
const REPORT = `quiet() {
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
  look "$1"
  i=0
  while [ $s = finished ] && [ ! -e "$1/end" ] && [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done
  z=$(stat -c %s "$1/log" 2>/dev/null || echo 0)
  q=0
  if [ $s = running ]; then q=$(quiet "$1" "$z"); fi
  o=$2
  if [ "$o" = tail ]; then o=$((z > 65536 ? z - 65536 : 0)); fi
  w=
  if [ $s = lost ]; then w=$( { cat "$1/command" > "$1/probe"; } 2>&1 ); rm -f "$1/probe"; fi
  printf '\\nstackato-journal %s %s %s %s %s %s\\n' $s "$c" "\${1##*/}" $o $z "$q"
  printf 'said %s\\n' "$(ls "$1/said" 2>/dev/null | tr '\\n' ' ')"
  printf 'trouble %s\\n' "$(printf %s "$w" | base64 -w 0)"
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

/**
 * Sets n to the folder of a running job of this step, else makes and starts the one of this need, unless it was made before. Where
 * something of it cannot be written, nothing is started and nothing left; `cat` is used because a shell does not say why.
 */
export function startOf(need: string, quotedCommand: string, quote: (word: string) => string): string {
  return `mkdir -p "$j" || exit 75
exec 9>"$j/.lock"
flock -w 10 9 || { echo 'another start of this step holds the lock' >&2; exit 75; }
fill() {
  mkfifo "$1/in" && mkdir "$1/said" && true > "$1/log" && printf '\\n\\n\\n\\n' | cat > "$1/rc.new" &&
  printf '%s\\n' ${quotedCommand} | cat > "$1/command" && printf '%s' ${quote(INNER)} | cat > "$1/inner"
}
${RUNNING}if [ -z "$n" ]; then
  n="$j/${need}"
  if w=$(mkdir "$n" 2>&1); then
    fill "$n" || { rm -rf "$n"; exit 75; }
    note "$n/made"
    (cd "$n" && LC_CTYPE="\${own_lc_all:-\${LC_CTYPE:-$LANG}}" && export LC_CTYPE && exec setsid sh -c ${quote(OUTER)}) 9>&- </dev/null >/dev/null 2>&1 &
  elif [ ! -d "$n" ]; then echo "$w" >&2; exit 75
  fi
fi
exec 9>&-
`;
}
