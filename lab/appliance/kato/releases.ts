/**
 * What differs between releases, one row per family: names of commands, roles and processes, and the version in /info.
 */

export interface Family {
  /** First release of the family: major, minor. */
  readonly from: readonly [number, number];
  /** The words of each command, and what it does. */
  readonly commands: Readonly<Record<string, Verb>>;
  /** All roles of a micro cloud, which a new machine is. */
  readonly roles: readonly string[];
  /** Roles after `setup core`. */
  readonly core: readonly string[];
  /** Processes that run whatever the roles. */
  readonly base: readonly string[];
  readonly processes: Readonly<Record<string, readonly string[]>>;
  /** How `--all-but` takes roles: `a,b` or `a b`. */
  readonly roleList: 'commas' | 'words';
  readonly infoVersion: string | number;
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
] as const;
export type Verb = (typeof VERBS)[number];

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

const TO_2_6: Family = {
  from: [2, 2],
  commands: {
    version: 'version',
    info: 'info',
    status: 'status',
    ready: 'ready',
    'op static_ip': 'staticIp',
    rename: 'rename',
    disable: 'remove',
    enable: 'add',
    'setup core': 'core',
    'setup micro': 'micro',
  },
  roles: ['mdns', 'router', 'cloud_controller', 'health_manager', 'stager', 'prealloc', 'dea', ...DATA],
  core: ['router', 'cloud_controller'],
  base: ['doozerd', 'nats_server', 'redis_server', 'postgresql'],
  processes: { ...PROCESSES, mdns: ['avahi_announcer'] },
  roleList: 'commas',
  infoVersion: '0.999',
};

const FROM_2_8: Family = {
  ...TO_2_6,
  from: [2, 8],
  commands: {
    version: 'version',
    info: 'info',
    status: 'status',
    'process list': 'processes',
    'process ready': 'ready',
    'op static_ip': 'staticIp',
    'node rename': 'rename',
    'role remove': 'remove',
    'role add': 'add',
    'node setup core': 'core',
    'node setup micro': 'micro',
    'node list': 'nodes',
  },
  roles: ['base', 'primary', 'mdns', 'router', 'controller', 'health_manager', 'stager', 'dea', ...DATA, 'harbor'],
  core: ['base', 'primary', 'controller', 'router'],
  base: ['doozerd', 'systail', 'logyard', 'nats_server', 'redis_server'],
  processes: { ...PROCESSES, mdns: ['avahi_publisher', 'app_mdns'] },
  roleList: 'words',
};

const FROM_3: Family = {
  ...FROM_2_8,
  from: [3, 0],
  roles: ['base', 'primary', 'mdns', 'router', 'controller', 'dea', ...DATA, 'rabbit3', 'harbor'],
  base: ['config_redis', 'systail', 'logyard', 'nats_server', 'redis_server'],
  processes: { ...FROM_2_8.processes, rabbit3: pair('rabbit3') },
  infoVersion: 2,
};

/** Newest first. */
const FAMILIES = [FROM_3, FROM_2_8, TO_2_6];

export function familyOf(release: string): Family {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const family = FAMILIES.find(({ from: [least, part] }) => major > least || (major === least && minor >= part));
  if (family === undefined) throw new Error(`The lab does not know Stackato ${release}.`);
  return family;
}
