/** sudo's state: tickets of terminals, whether the lecture was shown, and the check of the password. */

import { say } from './guest-rpc';
import type { GuestReply } from './guest-rpc';
import type { State } from './state';

const TICKET_MS = 15 * 60_000;

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
  /** Calls from guest/sudo and guest/rpc.sh, by name. */
  readonly calls: Readonly<Record<string, (terminal: string, given: string) => GuestReply>> = {
    ticket: (terminal) => this.ticket(terminal),
    lecture: () => ({ lines: this.state.knobs.sudoLectures && !this.lectured ? LECTURE.map(say) : [] }),
    password: (terminal, given) => this.password(terminal, given),
    forget: (terminal) => this.forget(terminal),
  };

  /** When the password was entered, by terminal. */
  private tickets = new Map<string, number>();
  /** Survives reboots. Set once a password was right. */
  private lectured = false;

  constructor(private readonly state: State) {}

  reboot(): void {
    this.tickets.clear();
  }

  private ticket(terminal: string): GuestReply {
    const fresh = Date.now() < (this.tickets.get(terminal) ?? -Infinity) + TICKET_MS;
    return set('asks', this.state.knobs.sudoAsks && !fresh);
  }

  private password(terminal: string, given: string): GuestReply {
    const right = given === this.state.password;
    this.lectured ||= right;
    // Tickets are per terminal.
    if (right && terminal !== '') this.tickets.set(terminal, Date.now());
    return set('right', right);
  }

  private forget(terminal: string): GuestReply {
    this.tickets.delete(terminal);
    return { lines: [] };
  }
}

function set(variable: string, yes: boolean): GuestReply {
  return { lines: [`${variable}=${yes ? 'yes' : 'no'}`] };
}
