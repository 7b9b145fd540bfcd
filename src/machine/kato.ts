/** Exact `kato` commands for a release: the words are its row in deployment/releases.ts. */

import { RELEASES } from '../deployment/releases';
import type { Release, ReleaseName } from '../deployment/releases';
import type { StaticNetwork } from './network';
import { shellQuote } from './shell';

export interface Kato {
  readonly version: string;
  readonly status: string;
  readonly info: string;
  readonly ready: string;
  /** Whether `staticIp` asks for all its values. */
  readonly staticIpAsks: boolean;
  staticIp(network: StaticNetwork): string;
  readonly stop: string;
  readonly start: string;
  rename(baseName: string): string;
  disableRole(role: string): string;
  setUpCore(apiName: string): string;
  enableAllBut(...roles: readonly string[]): string;
  enableRoles(roles: readonly string[]): string;
  /** The processes of this machine: what `status` lists is, from 2.8 on, of the whole cluster. */
  readonly processes: string;
  attach(roles: readonly string[], coreIp: string): string;
  readonly nodeList: string;
  removeNode(ip: string): string;
  /** Of a node that is gone. */
  removeDeadNode(ip: string): string;
  stopRoles(roles: readonly string[]): string;
  /** Absent: the release cannot. */
  readonly retireDea?: string;
}

export function katoOf(release: ReleaseName): Kato {
  const row = RELEASES[release];
  const { command, by } = row.staticIp.value;
  const list = (values: readonly string[]): string => values.join(row.staticIpLists.value);
  return {
    version: withTimeout(row.version.value),
    status: withTimeout(row.status.value),
    info: withTimeout(row.info.value),
    ready: withTimeout(row.ready.value),
    staticIpAsks: by === 'dialogue',
    staticIp: (network) => (by === 'dialogue' ? command : [command, ...staticIpFlags(network, list)].join(' ')),
    stop: row.stop.value,
    start: row.start.value,
    rename: (baseName) => `${row.rename.value} ${shellQuote(baseName)}`,
    disableRole: (role) => `${row.disableRole.value} ${shellQuote(role)}`,
    setUpCore: (apiName) => `${row.setUpCore.value} ${shellQuote(apiName)}`,
    enableAllBut: (...roles) => `${row.enableAllBut.value} ${roles.map(shellQuote).join(row.roleList.value)}`,
    enableRoles: (roles) => enableRoles(row.enableRole.value, roles.map(shellQuote)),
    processes: withTimeout(row.processes.value),
    attach: (roles, coreIp) => `${row.attach.value} ${roles.map(shellQuote).join(',')} ${shellQuote(coreIp)}`,
    nodeList: withTimeout(row.nodeList.value),
    removeNode: (ip) => `${row.removeNode.value} ${shellQuote(ip)}`,
    removeDeadNode: (ip) => `${row.removeDeadNode.value} ${shellQuote(ip)}`,
    stopRoles: (roles) => {
      const { command: stop, takes } = row.stopRoles.value;
      return takes === 'roles' ? [stop, ...roles.map(shellQuote)].join(' ') : stop;
    },
    ...(row.retireDea.value === 'none' ? {} : { retireDea: row.retireDea.value }),
  };
}

/** kato's exit code says nothing (bug 103719): each is run, whatever became of the one before. */
function enableRoles({ command, takes }: Release['enableRole'], roles: readonly string[]): string {
  return takes === 'roles' ? [command, ...roles].join(' ') : roles.map((role) => `${command} ${role}`).join('; ');
}

/** An empty list is given as such: kato asks for what is left out. Networking is not restarted, which would cut the connection: a reboot follows. */
function staticIpFlags(network: StaticNetwork, list: (values: readonly string[]) => string): readonly string[] {
  const values = {
    interface: network.interface,
    ip: network.address,
    netmask: network.netmask,
    gateway: network.gateway,
    'dns-nameservers': list(network.nameservers),
    'dns-search-domains': list(network.search),
  };
  return [...Object.entries(values).map(([flag, value]) => `--${flag}=${shellQuote(value)}`), '--no-restart'];
}

/** Less than the 15 s that an exec may take. kato's own `--block` did not time out before 3.4.1 (bug 103945). */
function withTimeout(command: string): string {
  return `timeout -k 2 10 ${command}`;
}
