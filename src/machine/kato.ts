/** Exact `kato` commands for a release: the words are its row in deployment/releases.ts. */

import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';
import { shellQuote } from './shell';

export interface Kato {
  readonly version: string;
  readonly status: string;
  readonly info: string;
  readonly ready: string;
  readonly staticIp: string;
  rename(baseName: string): string;
  disableRole(role: string): string;
  setUpCore(apiName: string): string;
  enableAllBut(role: string): string;
}

export function katoOf(release: ReleaseName): Kato {
  const { kato } = RELEASES[release];
  return {
    version: kato.version,
    status: withTimeout(kato.status),
    info: withTimeout(kato.info),
    ready: withTimeout(kato.ready),
    staticIp: kato.staticIp,
    rename: (baseName) => `${kato.rename} ${shellQuote(baseName)}`,
    disableRole: (role) => `${kato.disableRole} ${shellQuote(role)}`,
    setUpCore: (apiName) => `${kato.setUpCore} ${shellQuote(apiName)}`,
    enableAllBut: (role) => `${kato.enableAllBut} ${shellQuote(role)}`,
  };
}

/** Less than the 15 s that an exec may take. kato's own `--block` did not time out before 3.4.1 (bug 103945). */
function withTimeout(command: string): string {
  return `timeout -k 2 10 ${command}`;
}
