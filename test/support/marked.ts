/** Processes told by a word in their environment, which children inherit, however they detach themselves. */

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const NAME = 'STACKATO_TEST_MARK';

export class Mark {
  readonly env: Readonly<Record<string, string>> = { [NAME]: randomUUID() };

  /** Pids that are alive; a zombie is not. */
  alive(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && this.bears(pid) && stateOf(pid) !== 'Z');
  }

  states(): (string | undefined)[] {
    return this.alive().map(stateOf);
  }

  private bears(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${NAME}=${this.env[NAME] ?? ''}`);
    } catch {
      return false;
    }
  }
}

/** As in ps: T is stopped, Z a zombie. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
