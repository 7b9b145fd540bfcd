/**
 * What differs between releases, one row per family: commands and their arguments, roles and processes, the web
 * console. Written from the manuals and release notes (docs/releases), independently of the product's table.
 */

export interface Family {
  /** First release of the family: major, minor, patch. */
  readonly from: readonly [number, number, number];
  /** The words of each command, and what it does. */
  readonly commands: Readonly<Record<string, Verb>>;
  readonly usage: Readonly<Record<Verb, Usage>>;
  /** All roles. */
  readonly roles: readonly string[];
  /** Roles of a new machine, which is a micro cloud. */
  readonly fresh: readonly string[];
  /** Roles after `setup core`. */
  readonly core: readonly string[];
  /** Processes that run whatever the roles. */
  readonly base: readonly string[];
  readonly processes: Readonly<Record<string, readonly string[]>>;
  readonly statusLists: 'processes' | 'roles';
  /** Names that stand for several roles. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Whether a core refuses a node of another release. */
  readonly comparesReleases: boolean;
  /** MiB that a cluster may have without a licence key. */
  readonly clusterMiB: number;
  /** `kato attach` to an address that does not answer crashes (bug 102297); removing a dead node takes minutes (bug 102494). */
  readonly badWithDeadNodes: boolean;
  /** What `kato status` does while a node is down (bugs 102226 and 103788). */
  readonly statusWithDeadNode: 'works' | 'crashes' | 'hangs';
  /** How `--all-but` takes roles: `a,b` or `a b`. */
  readonly roleList: 'commas' | 'words';
  /** MiB below which some processes never come up. */
  readonly least: number;
  /** The call that creates the first administrator; `firstuser`: of /v2, which is then there, too. */
  readonly firstAdmin: 'licence' | 'firstuser';
  readonly infoVersion: string | number;
}

/** The arguments of a command. Others are refused. */
export interface Usage {
  /** By name: whether it takes a value. */
  readonly options: Readonly<Record<string, 'value' | 'switch'>>;
  /** Least and most number of other words. */
  readonly words: readonly [number, number];
}

export const VERBS = [
  'version',
  'info',
  'status',
  'processes',
  'ready',
  'staticIp',
  'rename',
  'remove',
  'add',
  'core',
  'micro',
  'nodes',
  'stop',
  'start',
  'attach',
  'removeNode',
  'detach',
  'retire',
  'licence',
] as const;
export type Verb = (typeof VERBS)[number];

const MANY = 99;
const usage = (words: Usage['words'], switches = '', values = ''): Usage => ({
  words,
  options: Object.fromEntries([
    ...namesIn(switches).map((name) => [name, 'switch'] as const),
    ...namesIn(values).map((name) => [name, 'value'] as const),
  ]),
});
const namesIn = (text: string): string[] => text.split(' ').filter((name) => name !== '');

const DATA = ['filesystem', 'mongodb', 'mysql', 'postgresql', 'rabbit', 'redis', 'memcached'];
const pair = (name: string): readonly string[] => [`${name}_gateway`, `${name}_node`];
const PROCESSES = {
  ...Object.fromEntries(DATA.map((name) => [name, pair(name)])),
  router: ['router2g'],
  cloud_controller: ['cloud_controller', 'nginx'],
  controller: ['cloud_controller', 'cc_nginx'],
  health_manager: ['health_manager'],
  stager: ['stager'],
  prealloc: ['prealloc'],
  dea: ['dea'],
  harbor: pair('harbor'),
};

const ROLES_2_6 = ['mdns', 'router', 'cloud_controller', 'health_manager', 'stager', 'prealloc', 'dea', ...DATA];

const TO_2_6: Family = {
  from: [2, 2, 0],
  commands: {
    version: 'version',
    info: 'info',
    status: 'status',
    ready: 'ready',
    stop: 'stop',
    start: 'start',
    'op static_ip': 'staticIp',
    rename: 'rename',
    disable: 'remove',
    enable: 'add',
    'setup core': 'core',
    'setup micro': 'micro',
    attach: 'attach',
    'node remove': 'removeNode',
  },
  usage: {
    version: usage([0, 0]),
    info: usage([0, 0]),
    status: usage([0, 0], '--all'),
    processes: usage([0, 0]),
    ready: usage([0, MANY]),
    staticIp: usage([0, 0]),
    rename: usage([1, 1]),
    remove: usage([1, MANY]),
    add: usage([0, MANY], '--all', '--only --all-but'),
    core: usage([0, 1]),
    micro: usage([0, 0]),
    nodes: usage([0, 0]),
    stop: usage([0, MANY]),
    start: usage([0, MANY]),
    attach: usage([1, 1], '', '-e'),
    removeNode: usage([1, 1]),
    detach: usage([0, 0]),
    retire: usage([0, 0]),
    licence: usage([1, MANY]),
  },
  roles: ROLES_2_6,
  fresh: ROLES_2_6,
  core: ['router', 'cloud_controller'],
  base: ['doozerd', 'nats_server', 'redis_server', 'postgresql'],
  processes: { ...PROCESSES, mdns: ['avahi_announcer'] },
  statusLists: 'processes',
  groups: { 'data-services': DATA },
  comparesReleases: false,
  clusterMiB: Infinity,
  badWithDeadNodes: true,
  statusWithDeadNode: 'crashes',
  roleList: 'commas',
  least: 2048,
  firstAdmin: 'licence',
  infoVersion: '0.999',
};

const ROLES_2_8 = [
  'base',
  'mdns',
  'router',
  'cloud_controller',
  'health_manager',
  'stager',
  'dea',
  ...DATA,
  'harbor',
] as const;

const FROM_2_8: Family = {
  ...TO_2_6,
  from: [2, 8, 0],
  commands: {
    version: 'version',
    info: 'info',
    status: 'status',
    'process list': 'processes',
    'process ready': 'ready',
    stop: 'stop',
    start: 'start',
    'op static_ip': 'staticIp',
    'node rename': 'rename',
    'role remove': 'remove',
    'role add': 'add',
    'node setup core': 'core',
    'node setup micro': 'micro',
    'node attach': 'attach',
    'node remove': 'removeNode',
  },
  usage: {
    ...TO_2_6.usage,
    info: usage([0, 0], '-j --json -y --yaml', '-n --node'),
    status: usage([0, 0], '-a --all -j --json -y --yaml'),
    ready: usage([1, MANY], '', '-b --block -n --node'),
    rename: usage([1, 1], '-s --skip-remap-hosts -r --no-restart -v --verbose'),
    remove: usage([1, MANY], '--no-stop'),
    add: usage([0, MANY], '-a --all -o --only --all-but'),
    core: usage([0, 1], '-v --verbose'),
    micro: usage([0, MANY], '-d --delete -s --no-start -v --verbose'),
    attach: usage([1, 1], '-s --no-start -v --verbose', '-e --enable'),
  },
  roles: ROLES_2_8,
  fresh: ROLES_2_8,
  core: ['base', 'cloud_controller', 'router'],
  base: ['doozerd', 'systail', 'logyard', 'nats_server', 'redis_server'],
  processes: { ...PROCESSES, mdns: ['avahi_publisher', 'app_mdns'] },
  statusLists: 'roles',
  roleList: 'words',
};

const ROLES_2_10_4 = [
  'base',
  'primary',
  'mdns',
  'router',
  'controller',
  'health_manager',
  'stager',
  'dea',
  ...DATA,
  'harbor',
] as const;

/** With `node list` (bug 97251), `controller` in place of `cloud_controller` (bug 97253), and `primary`. */
const FROM_2_10_4: Family = {
  ...FROM_2_8,
  from: [2, 10, 4],
  commands: { ...FROM_2_8.commands, 'node list': 'nodes' },
  roles: ROLES_2_10_4,
  fresh: ROLES_2_10_4,
  core: ['base', 'primary', 'controller', 'router'],
};

const FROM_3: Family = {
  ...FROM_2_10_4,
  from: [3, 0, 0],
  commands: { ...FROM_2_10_4.commands, 'node detach': 'detach', 'node retire': 'retire' },
  comparesReleases: true,
  usage: {
    ...FROM_2_10_4.usage,
    staticIp: usage([0, 0], '--no-restart'),
    rename: usage([1, 1], '-s --skip-remap-hosts -l --skip-ssl-regeneration -r --no-restart -v --verbose'),
    // Without --no-stop (bug 99521).
    remove: usage([1, MANY]),
    nodes: usage([0, 0], '-j --json -y --yaml'),
    attach: usage([1, 1], '-s --no-start -v --verbose -f --force', '-e --enable'),
    removeNode: usage([1, MANY]),
  },
  roles: ['base', 'primary', 'mdns', 'router', 'controller', 'dea', ...DATA, 'rabbit3', 'harbor'],
  fresh: ['base', 'mdns', 'primary', 'controller', 'router', 'dea', 'postgresql', 'mysql', 'filesystem'],
  base: ['config_redis', 'systail', 'logyard', 'nats_server', 'redis_server'],
  processes: { ...FROM_2_10_4.processes, rabbit3: pair('rabbit3') },
  firstAdmin: 'firstuser',
  infoVersion: 2,
};

/** With static_ip's answers as options (bug 100855). */
const FROM_3_2: Family = {
  ...FROM_3,
  from: [3, 2, 0],
  usage: {
    ...FROM_3.usage,
    staticIp: usage(
      [0, 0],
      '--restart-network --no-restart',
      '--interface --ip --netmask --gateway --dns-nameservers --dns-search-domains',
    ),
    removeNode: usage([1, MANY], '--skip-detach'),
  },
};

const FROM_3_2_1: Family = { ...FROM_3_2, from: [3, 2, 1], badWithDeadNodes: false, statusWithDeadNode: 'hangs' };

const FROM_3_4: Family = { ...FROM_3_2_1, from: [3, 4, 0], least: 3840 };

/** With licence keys (bug 104414). */
const FROM_3_4_1: Family = {
  ...FROM_3_4,
  from: [3, 4, 1],
  commands: { ...FROM_3_4.commands, 'license set': 'licence' },
  clusterMiB: 20_480,
  statusWithDeadNode: 'works',
};

/** Newest first. */
const FAMILIES = [FROM_3_4_1, FROM_3_4, FROM_3_2_1, FROM_3_2, FROM_3, FROM_2_10_4, FROM_2_8, TO_2_6];

export function isBefore(release: string, other: Family['from']): boolean {
  const number = ([major = 0, minor = 0, patch = 0]: readonly number[]): number =>
    (major * 1000 + minor) * 1000 + patch;
  return number(release.split('.').map(Number)) < number(other);
}

export function familyOf(release: string): Family {
  const family = FAMILIES.find(({ from }) => !isBefore(release, from));
  if (family === undefined) throw new Error(`The lab does not know Stackato ${release}.`);
  return family;
}
