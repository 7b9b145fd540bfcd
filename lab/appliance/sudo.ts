/** sudo's side of the appliance: who need not be asked again or lectured, and whether a password is the account's. */

import { say } from './brain';
import type { Orders } from './brain';
import type { State } from './state';

const TICKET_FOR = 15 * 60_000;

const LECTURE = [
  '',
  'We trust you have received the usual lecture from the local System',
  'Administrator. It usually boils down to these three things:',
  '',
  '    #1) Respect the privacy of others.',
  '    #2) Think before you type.',
  '    #3) With great power comes great responsibility.',
  '',
];

export class Sudo {
  /** What the machine's programs may ask, by name. */
  readonly calls: Readonly<Record<string, (terminal: string, given: string) => Orders>> = {
    ticket: (terminal) => this.ticket(terminal),
    lecture: () => ({ lines: this.state.knobs.sudoLectures && !this.lectured ? LECTURE.map(say) : [] }),
    password: (terminal, given) => this.password(terminal, given),
    forget: (terminal) => this.forget(terminal),
  };

  /** When the password was given, by terminal. */
  private tickets = new Map<string, number>();
  /** On disk, so for good; and only once the password was right. */
  private lectured = false;

  constructor(private readonly state: State) {}

  reboot(): void {
    this.tickets.clear();
  }

  private ticket(terminal: string): Orders {
    const fresh = Date.now() < (this.tickets.get(terminal) ?? -Infinity) + TICKET_FOR;
    return set('asks', this.state.knobs.sudoAsks && !fresh);
  }

  private password(terminal: string, given: string): Orders {
    const right = given === this.state.password;
    this.lectured ||= right;
    // Without a terminal there is nothing to tie a ticket to.
    if (right && terminal !== '') this.tickets.set(terminal, Date.now());
    return set('right', right);
  }

  private forget(terminal: string): Orders {
    this.tickets.delete(terminal);
    return { lines: [] };
  }
}

function set(variable: string, yes: boolean): Orders {
  return { lines: [`${variable}=${yes ? 'yes' : 'no'}`] };
}
