# Sourced by the simulated programs: asks the appliance in the lab's process what to do (lab/appliance/guest-rpc.ts).
# A request is a netstring of netstrings (reply FIFO, words). The reply is shell code, ended by a line with a single full stop.

LC_ALL=C
machine=$STACKATO_LAB_MACHINE

# call <word>...: sets reply. Only writes of up to 4096 bytes to a pipe are atomic, so words are truncated.
call() {
  back=$machine/run/calls/$$
  message=${#back}:$back,
  for word; do
    [ ${#word} -le 900 ] || word=$(printf '%.900s' "$word")
    message=$message${#word}:$word,
  done
  if [ ${#message} -gt 4000 ]; then echo 'Too many arguments for the lab.' >&2; exit 126; fi
  rm -f "$back"
  mkfifo -m 600 "$back" || exit 126
  exec 8<>"$back"
  printf '%s' "${#message}:$message," > "$machine/run/rpc"
  reply=
  while IFS= read -r row <&8 && [ "$row" != . ]; do
    reply="$reply$row
"
  done
  exec 8>&-
}

# talk <word>...: evaluates the reply, and calls again with the words that the reply may have `set --`.
talk() {
  while [ $# -gt 0 ]; do
    call "$@"
    set --
    eval "$reply"
  done
}

# Sets terminal to the controlling terminal and its session, or to nothing. sudo's tickets are per terminal.
find_terminal() {
  read -r stat < /proc/$$/stat
  set -- ${stat##*) }
  if [ "$5" = 0 ]; then terminal=; else terminal=$5.$4; fi
}

# As sudo does: prints the lecture, then asks up to three times on the terminal without echo, or with input=stdin (-S) on stdin.
authenticate() {
  find_terminal
  call ticket "$terminal"
  eval "$reply"
  [ "$asks" = yes ] || return 0
  if [ "$input" = nobody ]; then echo 'sudo: sorry, a password is required to run sudo' >&2; return 1; fi
  if [ "$input" != stdin ] && [ -z "$terminal" ]; then
    echo 'sudo: no tty present and no askpass program specified' >&2
    return 1
  fi
  call lecture
  if [ "$input" = stdin ]; then eval "$reply" >&2; else eval "$reply" > /dev/tty; fi
  tries=0
  while [ $tries -lt 3 ]; do
    [ $tries = 0 ] || echo 'Sorry, try again.' >&2
    if [ "$input" = stdin ]; then
      printf '%s' "$question" >&2
      IFS= read -r password || break
    else
      echo_was=$(stty -g < /dev/tty)
      stty -echo < /dev/tty
      printf '%s' "$question" > /dev/tty
      IFS= read -r password < /dev/tty || break
      stty "$echo_was" < /dev/tty
      echo > /dev/tty
    fi
    tries=$((tries + 1))
    call password "$terminal" "$password"
    password=
    eval "$reply"
    [ "$right" = no ] || return 0
  done
  echo "sudo: $tries incorrect password attempts" >&2
  return 1
}
input=
question='[sudo] password for stackato: '
