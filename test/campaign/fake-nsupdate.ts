/**
 * A program named `nsupdate`, ahead of the real one on the worker's PATH, that fails or waits as told. It reads what to
 * do from files, because it gets no environment.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZONE } from '../../lab/dns';
import { programPath } from '../support/programs';

export type NsupdateFault = 'hold' | 'busy' | 'error' | 'refuse' | 'lost';

export class FakeNsupdate {
  /** To be put at the front of PATH. */
  readonly folder: string;

  constructor(dir: string) {
    this.folder = join(dir, 'nsupdate');
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, 'nsupdate'), this.program(), { mode: 0o755 });
  }

  /** Sets the faults of that deployment's next zone updates, in order. */
  arm(name: string, what: readonly NsupdateFault[]): void {
    writeFileSync(this.file(name, 'rule'), `${what.join('\n')}\n`);
  }

  isArmed(name: string): boolean {
    return existsSync(this.file(name, 'rule'));
  }

  isHeld(name: string): boolean {
    return existsSync(this.file(name, 'held'));
  }

  release(name: string): void {
    writeFileSync(this.file(name, 'go'), '');
  }

  /** The held update has been done, or its worker has ended it, which it does after half a minute. */
  isDone(name: string): boolean {
    return (
      existsSync(this.file(name, 'done')) ||
      (this.isHeld(name) && !existsSync(`/proc/${readFileSync(this.file(name, 'held'), 'utf8').trim()}`))
    );
  }

  private file(name: string, what: string): string {
    return join(this.folder, `${name}.${what}`);
  }

  private program(): string {
    return `#!/bin/sh
script=$(cat)
run() { printf '%s\\n' "$script" | '${programPath('nsupdate')}' "$@"; }
for rule in '${this.folder}'/*.rule; do
  mine=\${rule%.rule}
  case $script in *" \${mine##*/}.${ZONE}"*) ;; *) continue ;; esac
  what=$(head -n 1 "$rule")
  tail -n +2 "$rule" >"$mine.rest"
  if [ -s "$mine.rest" ]; then mv "$mine.rest" "$rule"; else rm "$rule" "$mine.rest"; fi
  case $what in
    hold)
      echo $$ >"$mine.held"
      while [ ! -e "$mine.go" ]; do
        [ -d '${this.folder}' ] || exit 1
        sleep 0.05
      done
      run "$@"
      status=$?
      : >"$mine.done"
      exit $status ;;
    lost) run "$@" >/dev/null 2>&1; echo '; Communication with the server failed: timed out' >&2; exit 1 ;;
    busy) echo '; Communication with the server failed: timed out' >&2; exit 1 ;;
    error) echo 'update failed: SERVFAIL' >&2; exit 2 ;;
    refuse) echo 'update failed: REFUSED' >&2; exit 2 ;;
  esac
done
run "$@"
`;
  }
}
