/** The licence call, by which the first administrator is made: by anybody, as long as there is none. Errors as of release 2.90. */

import { randomUUID } from 'node:crypto';
import { FACTORY_PASSWORD } from './state';
import type { State } from './state';

export interface Answer {
  readonly status: number;
  readonly text?: string;
  readonly json?: object;
  readonly location?: string;
}

const SHORTEST_EMAIL = 5;
const LONGEST_REFUSED_PASSWORD = 4;

const ERRORS = {
  missing: [403, 100, 'Stackato micro-cloud is not setup with a license.'],
  done: [500, 101, 'Stackato micro-cloud is already set up.'],
  noEmail: [400, 103, 'Email is required.'],
  shortEmail: [400, 104, 'Email is too short.'],
  shortPassword: [400, 105, 'Password must exceed 4 characters.'],
} as const;

export function licence({ adminEmail }: State): Answer {
  return adminEmail === undefined ? refusal('missing') : { status: 200, json: { type: 'microcloud' } };
}

export function firstAdmin(state: State, form: URLSearchParams): Answer {
  const email = form.get('email') ?? '';
  const password = form.get('password') ?? '';
  if (state.adminEmail !== undefined) return refusal('done');
  if (email === '') return refusal('noEmail');
  if (email.length < SHORTEST_EMAIL) return refusal('shortEmail');
  if (password.length <= LONGEST_REFUSED_PASSWORD) return refusal('shortPassword');
  state.adminEmail = email;
  if (state.password === FACTORY_PASSWORD) state.password = form.get('unix_password') ?? password;
  return { status: 200, json: { token: randomUUID() } };
}

function refusal(error: keyof typeof ERRORS): Answer {
  const [status, code, description] = ERRORS[error];
  return { status, json: { code, description } };
}
