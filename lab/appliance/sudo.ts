/** sudo's side of the appliance: who need not be asked again, and whether a password is the account's. */

import type { Orders } from './brain';
import type { State } from './state';

const TICKET_FOR = 15 * 60_000;

export class Sudo {
  /** When the password was given, by terminal. */
  private tickets = new Map<string, number>();

  constructor(private readonly state: State) {}

  ticket(terminal: string): Orders {
    const fresh = Date.now() < (this.tickets.get(terminal) ?? -Infinity) + TICKET_FOR;
    return set('asks', this.state.knobs.sudoAsks && !fresh);
  }

  password(terminal: string, given: string): Orders {
    const right = given === this.state.password;
    // Without a terminal there is nothing to tie a ticket to.
    if (right && terminal !== '') this.tickets.set(terminal, Date.now());
    return set('right', right);
  }

  forget(terminal: string): Orders {
    this.tickets.delete(terminal);
    return { lines: [] };
  }

  reboot(): void {
    this.tickets.clear();
  }
}

function set(variable: string, yes: boolean): Orders {
  return { lines: [`${variable}=${yes ? 'yes' : 'no'}`] };
}
