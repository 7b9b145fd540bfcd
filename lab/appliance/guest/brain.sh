# Sourced by the stand-ins for the machine's programs: asks the appliance, in the lab's process, what to do.
# A request is a netstring of netstrings (caller, words); the reply is shell text that ends with a line of one full stop.

LC_ALL=C
machine=$STACKATO_LAB_MACHINE

# call <word>...: sets reply. A pipe takes at most 4096 bytes at once whole, hence the cut.
call() {
  back=$machine/run/calls/$$
  message=${#back}:$back,
  for word; do
    [ ${#word} -le 900 ] || word=$(printf '%.900s' "$word")
    message=$message${#word}:$word,
  done
  if [ ${#message} -gt 4000 ]; then echo 'The lab cannot take so many words.' >&2; exit 126; fi
  rm -f "$back"
  mkfifo -m 600 "$back" || exit 126
  exec 8<>"$back"
  printf '%s' "${#message}:$message," > "$machine/run/brain"
  reply=
  while IFS= read -r row <&8 && [ "$row" != . ]; do
    reply="$reply$row
"
  done
  exec 8>&-
}

# talk <word>...: does what the reply says; that may `set --` the words to go on with.
talk() {
  while [ $# -gt 0 ]; do
    call "$@"
    set --
    eval "$reply"
  done
}

# Sets terminal to the controlling terminal and its session; empty without one. Tickets of sudo are per terminal.
find_terminal() {
  read -r stat < /proc/$$/stat
  set -- ${stat##*) }
  if [ "$5" = 0 ]; then terminal=; else terminal=$5.$4; fi
}

# As sudo does it: lectures, then asks on the terminal without echo, three times. `input=stdin` is its -S.
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
