/** What an appliance is like where nothing else was asked for, and what it is like at its worst. */

import type { Knobs } from '../types';

/** Quick, with the traps of every Stackato. */
export const DEFAULT_KNOBS: Knobs = {
  release: '2.6.6',
  exitAlwaysZero: true,
  dialogue: 'default',
  sudoAsks: true,
  bootDelay: 300,
  readyDelay: 500,
  oldBootIdFor: 300,
  downFor: 500,
  katoTakes: 300,
  dropChannel: 0,
  readyNeverTimesOut: false,
  resolvConfRegenerated: true,
  httpRedirect: false,
  consoleDelay: 0,
  banner: '',
  maxSessionsOne: false,
  memoryMiB: 0,
  auth: ['password', 'keyboard-interactive', 'publickey'],
  password: 'stackato',
  authorizedKey: '',
  privateIp: '',
  newHostKeyAtBoot: false,
};

/** Every trap at once that a correct deployer survives. The ones that must stop it (host key, memory, console for ever) are not here. */
export const HARD_KNOBS: Knobs = {
  ...DEFAULT_KNOBS,
  dialogue: 'coloured',
  bootDelay: 800,
  readyDelay: 1500,
  oldBootIdFor: 1000,
  downFor: 1500,
  katoTakes: 1000,
  dropChannel: 9,
  readyNeverTimesOut: true,
  httpRedirect: true,
  consoleDelay: 1500,
  banner: 'Stackato 2.6.6 -- authorized use only.\nAll activity is logged.\n',
  maxSessionsOne: true,
  auth: ['keyboard-interactive'],
};
