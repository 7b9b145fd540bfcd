/** `kato` by release family. The commands were renamed in 2.8; what is unknown of a release is not used. */

import { quote } from './quote';

export interface Dialect {
  readonly family: '2.2-2.6' | '2.8-2.10' | '3.x';
  readonly version: string;
  readonly status: string;
  readonly info: string;
  /** Bounded by us: `--block` did not time out before 3.4.1 (bug 103945). */
  readonly ready: string;
  readonly staticIp: string;
  rename(host: string): string;
  disableRole(role: string): string;
  setUpCore(endpoint: string): string;
  enableAllBut(role: string): string;
}

/** Stays below the 15 s an exec may take. */
const BOUNDED = 'timeout -k 2 10';

const TO_2_6: Dialect = {
  family: '2.2-2.6',
  version: 'kato version',
  status: `${BOUNDED} kato status`,
  info: `${BOUNDED} kato info`,
  ready: `${BOUNDED} kato ready`,
  staticIp: 'kato op static_ip',
  rename: (host) => `kato rename ${quote(host)}`,
  disableRole: (role) => `kato disable ${quote(role)}`,
  setUpCore: (endpoint) => `kato setup core ${quote(endpoint)}`,
  enableAllBut: (role) => `kato enable --all-but ${quote(role)}`,
};

const FROM_2_8: Dialect = {
  ...TO_2_6,
  family: '2.8-2.10',
  ready: `${BOUNDED} kato process ready --block 5 all`,
  rename: (host) => `kato node rename ${quote(host)}`,
  disableRole: (role) => `kato role remove ${quote(role)}`,
  setUpCore: (endpoint) => `kato node setup core ${quote(endpoint)}`,
  enableAllBut: (role) => `kato role add --all-but ${quote(role)}`,
};

/** It may restart the network by itself, which would take the connection along; the reboot that follows does. */
const FROM_3: Dialect = { ...FROM_2_8, family: '3.x', staticIp: 'kato op static_ip --no-restart' };

/** Newest first: the first whose lower bound is not above the release. */
const DIALECTS: readonly { readonly from: readonly [number, number]; readonly dialect: Dialect }[] = [
  { from: [3, 0], dialect: FROM_3 },
  { from: [2, 8], dialect: FROM_2_8 },
  { from: [2, 2], dialect: TO_2_6 },
];

/** Throws RangeError for what no Stackato we know calls itself. */
export function dialectOf(release: string): Dialect {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)(?:\.|$)/.exec(release) ?? [];
  const row = DIALECTS.find(
    ({ from: [least, part] }) => Number(major) > least || (Number(major) === least && Number(minor) >= part),
  );
  if (row === undefined || major === '' || Number(major) > 3)
    throw new RangeError(`no kato dialect for release ${release}`);
  return row.dialect;
}

/** For a plain exec: `kato` lives in ~/bin, which only login shells have on their path. (Detached jobs have it anyway.) */
export function direct(command: string): string {
  return `PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"; export PATH; ${command}`;
}
