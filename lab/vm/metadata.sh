#!/bin/sh
# Answers one HTTP request of a guest, on standard input and output, from the files that metadata.ts wrote.
# usage: metadata.sh <folder>
VERSIONS='1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01 2009-04-04 latest'
dir=$1

answer() { # <status> <file>
  printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' "$1" "$(wc -c < "$2")"
  [ "$method" = HEAD ] || cat "$2"
}

IFS=' ' read -r method path _ || exit 0
while IFS= read -r header && [ "$header" != "$(printf '\r')" ]; do :; done

path=${path#/}
version=${path%%/*}
rest=${path#"$version"}
rest=${rest#/}
case $method in GET | HEAD) ;; *) answer '405 Method Not Allowed' /dev/null; exit ;; esac
# The guest is not trusted with other files of this machine.
case $rest in *[!A-Za-z0-9/._-]* | *..*) answer '404 Not Found' /dev/null; exit ;; esac
if [ -z "$version" ]; then
  printf '%s\n' $VERSIONS > "$dir/versions"
  answer '200 OK' "$dir/versions"
  exit
fi
case " $VERSIONS " in *" $version "*) ;; *) answer '404 Not Found' /dev/null; exit ;; esac
file=$dir/$(printf %s "$rest" | tr / +)
[ -f "$file" ] || file=$file+
if [ -n "$rest" ] && [ -f "$file" ]; then answer '200 OK' "$file"; else answer '404 Not Found' /dev/null; fi
