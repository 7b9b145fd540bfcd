/** What an appliance is like where nothing else was asked for, and what it is like at its worst. */

import type { Knobs } from '../types';
import { readDialogue } from './dialogue';

/** Quick, with the traps of every Stackato. */
export const DEFAULT_KNOBS: Knobs = {
  release: '2.6.6',
  exitAlwaysZero: true,
  dialogue: 'default',
  sudoAsks: true,
  sudoLectures: false,
  bootDelay: 300,
  readyDelay: 500,
  oldBootIdFor: 300,
  downFor: 500,
  acceptsWhileDown: false,
  katoTakes: 300,
  dropChannel: 0,
  readyNeverTimesOut: false,
  resolvConfRegenerated: true,
  localResolver: false,
  httpRedirect: false,
  consoleDelay: 0,
  banner: '',
  maxSessionsOne: false,
  loginDelay: 0,
  maxStartups: 0,
  memoryMiB: 0,
  auth: ['password', 'keyboard-interactive', 'publickey'],
  password: 'stackato',
  authorizedKey: '',
  privateIp: '',
  netTools: '1.60',
  newHostKeyAtBoot: false,
  loginShell: 'sh',
  rcPrints: '',
  locale: 'C.UTF-8',
  passwordExpired: false,
  forwardsPorts: true,
  disk: 'good',
  vpn: false,
};

/** Every trap at once that a correct deployer survives. The ones that must stop it (host key, memory, console for ever) are not here. */
export const HARD_KNOBS: Knobs = {
  ...DEFAULT_KNOBS,
  dialogue: 'coloured',
  sudoLectures: true,
  bootDelay: 800,
  readyDelay: 1500,
  oldBootIdFor: 1000,
  downFor: 1500,
  acceptsWhileDown: true,
  katoTakes: 1000,
  dropChannel: 9,
  readyNeverTimesOut: true,
  localResolver: true,
  httpRedirect: true,
  consoleDelay: 1500,
  banner: 'Stackato 2.6.6 -- authorized use only.\nAll activity is logged.\n',
  maxSessionsOne: true,
  loginDelay: 300,
  maxStartups: 2,
  auth: ['keyboard-interactive'],
  netTools: '2.10',
  loginShell: 'tcsh',
  rcPrints: 'Welcome to the appliance!',
  locale: 'de_DE.UTF-8',
  vpn: true,
};

/** Throws where a knob cannot be what it is set to: when it is set, and not in the middle of a run. */
export function checkKnobs({ dialogue }: Partial<Knobs>): void {
  if (dialogue !== undefined) readDialogue(dialogue);
}
