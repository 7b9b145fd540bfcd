/**
 * The known releases of Stackato, and everything that differs between them: a row for each release. To change a `kato` command for one
 * release, change its row; machine/kato.ts adds the arguments.
 *
 * A cell is either `known`, with its source, or `notKnown`: then it says what happens if the assumed value is wrong, and which knob of the
 * lab's machines makes it wrong. docs/releases names the sources and has a page for each release; `npm run check` compares.
 */

export type Cell<T> = KnownCell<T> | NotKnownCell<T>;

interface KnownCell<T> {
  readonly value: T;
  /** Tag of the source (docs/releases/README.md), and the place in it. */
  readonly source: string;
}

interface NotKnownCell<T> {
  /** What is assumed. */
  readonly value: T;
  /** What happens in case it is wrong. */
  readonly otherwise: string;
  /** The knob of the lab's machines that makes it wrong. */
  readonly knob: string;
}

/** Without a source it does not compile. */
type Text<S extends string> = S extends '' ? never : S;

function known<const T, S extends string>(value: T, source: Text<S>): KnownCell<T> {
  return { value, source };
}

function notKnown<const T, S extends string, K extends string>(
  value: T,
  otherwise: Text<S>,
  knob: Text<K>,
): NotKnownCell<T> {
  return { value, otherwise, knob };
}

/** How the first administrator is created, on the API host. */
export type FirstAdmin =
  /** GET: is there one? POST: a form with e-mail address and passwords. */
  | { readonly by: 'licence'; readonly path: string }
  /** POST: JSON with organization and space, too. `claimed`: tells, under `stackato.license_accepted`, whether there is one. */
  | { readonly by: 'firstuser'; readonly path: string; readonly claimed: string };

/** What differs. Of commands: the line up to its arguments. */
export interface Release {
  readonly version: string;
  readonly versionText: 'a number anywhere';
  readonly status: string;
  /** What `status` lists. */
  readonly statusLists: 'processes' | 'roles';
  readonly statusText: 'a name and its state on each line';
  readonly info: string;
  /** Whether `info` lists the available roles. */
  readonly infoListsAvailable: boolean;
  readonly ready: string;
  /** What `ready` prints if all processes are up. */
  readonly readyText: 'READY';
  /** `dialogue`: it asks. `flags`: it takes the answers as options. */
  readonly staticIp: { readonly command: string; readonly by: 'dialogue' | 'flags' };
  /** What separates name servers, and search domains. */
  readonly staticIpLists: ' ';
  /** Of all roles. */
  readonly stop: string;
  readonly start: string;
  /** Followed by the base name. */
  readonly rename: string;
  /** Followed by a role. */
  readonly disableRole: string;
  /** Followed by the API's host name. */
  readonly setUpCore: string;
  /** Followed by roles. */
  readonly enableAllBut: string;
  /** `one role`: run once for each. */
  readonly enableRole: { readonly command: string; readonly takes: 'one role' | 'roles' };
  /** On a node: followed by its roles, with commas between them, and the core's address. */
  readonly attach: string;
  /** Whether `attach` refuses a node whose version is not the core's. */
  readonly attachChecksVersion: boolean;
  /** On the core: lists the nodes, and what each of them has. */
  readonly nodeList: string;
  /** What is looked for in it: the address of a node, and, up to the next address, its roles. */
  readonly nodeListText: 'addresses' | 'addresses and roles';
  /** On the core: followed by the address of a node; and for a node that is gone. */
  readonly removeNode: string;
  readonly removeDeadNode: string;
  /** Of a node that is to be removed. `processes`: it takes no roles, so everything on the node is stopped. */
  readonly stopRoles: { readonly command: string; readonly takes: 'processes' | 'roles' };
  /** Moves the applications of a DEA to others, and shuts it down. */
  readonly retireDea: string;
  /** Lists the processes of this machine with their states. */
  readonly processes: string;
  /** What separates roles after `enableAllBut`. */
  readonly roleList: ',' | ' ';
  /** Roles of a new machine. */
  readonly freshRoles: readonly string[];
  /** Roles that `setUpCore` may leave on. A node with any other role has had roles added since. */
  readonly coreRoles: readonly string[];
  /** Roles without which a node is no core. `setUpCore` gives them. */
  readonly coreNeeds: readonly string[];
  /**
   * Roles that a spec may give to a node. Not `base`, which every node has, nor `mdns`, which is always disabled, nor `load_balancer`: it
   * has a command of its own, and needs the public address, which is the core's (A2 cluster/index.rst).
   */
  readonly roles: readonly string[];
  /** Those of them that keep data on their node. */
  readonly dataServices: readonly string[];
  /** MiB: what the instance type must have; and what the machine must report, which is less, because the kernel reserves some. */
  readonly memory: { readonly least: number; readonly leastReported: number };
  /** Path on the API host that tells product and version. */
  readonly infoPath: string;
  readonly firstAdmin: FirstAdmin;
  /** MiB that a single machine may have without a licence key; `any`: no limit. */
  readonly memoryWithoutKey: number | 'any';
  /** Folder of the applications' containers. */
  readonly containerStore: string;
  /** Whether cloud-init is asked for the name (`stackato: extname` in user data). The step `rename` looks at it in any case. */
  readonly cloudInitRenames: boolean;
}

export type ReleaseRow = { readonly [Key in keyof Release]: Cell<Release[Key]> };

const GIB_2 = { least: 2048, leastReported: 1850 } as const;
/** An m3.medium has 3.75 GiB. */
const GIB_3_75 = { least: 3840, leastReported: 3500 } as const;

const DATA_SERVICES = ['filesystem', 'mongodb', 'mysql', 'postgresql', 'rabbit', 'redis', 'memcached'] as const;
/** Harbor, too, must be backed up (A2 cluster/index.rst). */
const DATA_SERVICES_2_8 = [...DATA_SERVICES, 'harbor'] as const;
const DATA_SERVICES_3 = [...DATA_SERVICES_2_8, 'rabbit3'] as const;

/** For `retireDea`: the release has no such command. */
const NONE = 'none';

/** Those of any release. */
const ANY_CORE = ['base', 'primary', 'controller', 'cloud_controller', 'health_manager', 'router'] as const;

const PARKS_AT_CONSOLE = 'the step waits, then parks with CONSOLE_NOT_UP and may be skipped';
const PARKS_AT_KATO = 'the step parks with KATO_NOT_READY and quotes what kato printed';

const TO_2_6 = {
  version: known('kato version', 'A2 kato-ref.rst; no release renames it (RN)'),
  versionText: notKnown(
    'a number anywhere',
    'with no number of a Stackato release in it, nothing is compared and the step says so',
    'versionText',
  ),
  status: known('kato status', 'RN 2.6'),
  statusLists: known('processes', 'RN 2.6 and 2.8 (bug 96708)'),
  statusText: notKnown('a name and its state on each line', '`kato ready` decides', 'statusText'),
  info: known('kato info', 'RN 2.2'),
  infoListsAvailable: notKnown(
    true,
    'any role beyond those of a core counts as all roles enabled',
    'infoListsAvailable',
  ),
  ready: known('kato ready', 'RN 2.2, 2.8 (bug 96708)'),
  readyText: notKnown('READY', '`kato status` decides', 'readyText'),
  staticIp: known({ command: 'kato op static_ip', by: 'dialogue' }, 'WIKI; A2 server/configuration.rst; RN 2.4'),
  staticIpLists: known(' ', 'bug 102837, doc commit 8940d0c: the manual says commas, the program asks for spaces'),
  stop: known('kato stop', 'WIKI'),
  start: known('kato start', 'WIKI'),
  rename: known('kato rename', 'WIKI'),
  disableRole: known('kato disable', 'WIKI'),
  setUpCore: known('kato setup core', 'WIKI; RN 2.2'),
  enableAllBut: known('kato enable --all-but', 'WIKI'),
  // Whether it takes several, and what separates them, is not known: given one at a time, it does not matter.
  enableRole: known({ command: 'kato enable', takes: 'one role' }, 'RN 2.2: `kato enable data-services`; CSB'),
  attach: known('kato attach -e', 'CSB: `kato attach -e dea CORE_IP`; RN 2.2'),
  attachChecksVersion: known(false, 'RN 3.0.0 (bug 98390)'),
  nodeList: known('kato status --all', 'RN 2.6: in place of `kato ls`'),
  nodeListText: notKnown(
    'addresses',
    "the address is looked for anywhere in it; the node's own `kato info` tells its roles",
    'statusText',
  ),
  removeNode: known('kato node remove', 'RN 2.2'),
  removeDeadNode: known('kato node remove', 'RN 2.2'),
  stopRoles: known({ command: 'kato stop', takes: 'processes' }, 'WIKI; RN 2.8 (bug 96708)'),
  retireDea: known(NONE, 'RN 3.0.0'),
  processes: known('kato status', 'RN 2.8 (bug 96708)'),
  roleList: known(',', 'RN 2.8 (bug 96708)'),
  freshRoles: notKnown(
    ['mdns', 'router', 'cloud_controller', 'health_manager', 'stager', 'prealloc', 'dea', ...DATA_SERVICES],
    'mdns is only disabled if it is on; nothing else depends on them',
    'freshRoles',
  ),
  coreRoles: notKnown(ANY_CORE, 'only used if `kato info` does not list the available roles', 'coreRoles'),
  coreNeeds: notKnown(
    ['cloud_controller', 'router'],
    'those that `kato setup core` did not give are enabled with the other roles of the core',
    'coreRoles',
  ),
  roles: known(
    ['router', 'cloud_controller', 'health_manager', 'stager', 'prealloc', 'dea', ...DATA_SERVICES],
    'CSB; ESS; RN 2.2 and 2.8 (bug 96708)',
  ),
  dataServices: known(DATA_SERVICES, 'A2 reference/glossary.rst; RN 2.2'),
  memory: known(GIB_2, 'WIKI ("odd behavior" below); A2 server/ec2.rst'),
  infoPath: notKnown('/info', PARKS_AT_CONSOLE, 'consoleApi'),
  firstAdmin: notKnown({ by: 'licence', path: '/stackato/license' }, PARKS_AT_CONSOLE, 'consoleApi'),
  memoryWithoutKey: known('any', 'CC v2.90 license_controller.rb: the form itself brings the licence'),
  containerStore: known('/lxc/containers', 'WIKI'),
  // Fixed in 2.10.6 (bug 99220), but since when it was broken is not known.
  cloudInitRenames: notKnown(false, 'a name that user data asks for is found, and not given again', 'cloudInitFails'),
} as const satisfies ReleaseRow;

/** 2.8 gave most commands new names (RN 2.8, bug 96708). */
const FROM_2_8 = {
  ...TO_2_6,
  version: known('kato version', 'A2 kato-ref.rst'),
  status: known('kato status', 'A2 kato-ref.rst'),
  statusLists: known('roles', 'RN 2.8 (bug 96708); A2 kato-ref.rst'),
  info: known('kato info', 'A2 kato-ref.rst'),
  infoListsAvailable: known(true, 'A2 kato-ref.rst: assigned roles, available roles, mbusip, endpoint'),
  ready: known('kato process ready --block 5 all', 'A2 kato-ref.rst'),
  stop: known('kato stop', 'A2 kato-ref.rst'),
  start: known('kato start', 'A2 kato-ref.rst'),
  rename: known('kato node rename', 'A2 kato-ref.rst'),
  disableRole: known('kato role remove', 'A2 kato-ref.rst'),
  setUpCore: known('kato node setup core', 'A2 kato-ref.rst'),
  enableAllBut: known('kato role add --all-but', 'A2 cluster/index.rst'),
  enableRole: known({ command: 'kato role add', takes: 'roles' }, 'A2 kato-ref.rst'),
  attach: known('kato node attach -e', 'A2 kato-ref.rst: "comma-separated, no spaces"'),
  nodeList: known('kato status --all', 'RN 2.6; `kato node list` is new in 2.10.4 (bug 97251)'),
  removeNode: known('kato node remove', 'A2 cluster/index.rst'),
  removeDeadNode: known('kato node remove', 'A2 cluster/index.rst'),
  stopRoles: known({ command: 'kato stop', takes: 'roles' }, 'RN 2.8 (bug 96708); A2 kato-ref.rst'),
  processes: known('kato process list', 'RN 2.8 (bug 96708); A2 kato-ref.rst'),
  roleList: known(' ', 'A2 kato-ref.rst: the flag is a switch, roles follow'),
  freshRoles: notKnown(
    ['base', 'mdns', 'router', 'cloud_controller', 'health_manager', 'stager', 'dea', ...DATA_SERVICES, 'harbor'],
    'mdns is only disabled if it is on; nothing else depends on them',
    'freshRoles',
  ),
  roles: known(
    ['router', 'cloud_controller', 'health_manager', 'stager', 'dea', ...DATA_SERVICES_2_8],
    'A2 cluster/index.rst; RN 2.8 and 2.10.4 (bug 97253)',
  ),
  dataServices: known(DATA_SERVICES_2_8, 'A2 cluster/index.rst, cluster/harbor.rst'),
  infoPath: known('/info', 'A2 user guide, reference/api.rst'),
  firstAdmin: known(
    { by: 'licence', path: '/stackato/license' },
    'CC v2.90 license_controller.rb; ESS (2.0.7); BRK (1.2.6)',
  ),
  containerStore: notKnown('/lxc/containers', 'looked for before anything is moved', 'containerStore'),
  cloudInitRenames: known(
    false,
    'RN 2.10.6 (bug 99220); OCS, of 2.8.2: a node by cloud-init is "currently not working"',
  ),
} as const satisfies ReleaseRow;

/** 2.10.4 renamed `cloud_controller` (bug 97253), and added `primary` and `kato node list` (bug 97251). */
const FROM_2_10_4 = {
  ...FROM_2_8,
  freshRoles: notKnown(
    ['base', 'primary', 'mdns', 'router', 'controller', 'health_manager', 'stager', 'dea', ...DATA_SERVICES, 'harbor'],
    'mdns is only disabled if it is on; nothing else depends on them',
    'freshRoles',
  ),
  coreRoles: known(['base', 'primary', 'controller', 'router'], 'A2 cluster/index.rst'),
  coreNeeds: known(['primary', 'controller', 'router'], 'A2 cluster/index.rst'),
  roles: known(
    ['primary', 'router', 'controller', 'health_manager', 'stager', 'dea', ...DATA_SERVICES_2_8],
    'A2 cluster/index.rst; RN 2.10.4 (bug 97253)',
  ),
  nodeList: known('kato node list', 'RN 2.10.4 (bug 97251)'),
  nodeListText: known(
    'addresses and roles',
    'RN 2.10.4: "all nodes and which roles are running on them"; CT lib/kato.sh',
  ),
} as const satisfies ReleaseRow;

const FROM_2_10_6 = {
  ...FROM_2_10_4,
  // RN says that its rename works from now on (bug 99220); OCS that a node by cloud-init is still "currently not working".
  cloudInitRenames: notKnown(true, 'the step `rename` finds the old name, and renames', 'cloudInitFails'),
} as const satisfies ReleaseRow;

const FROM_3_0 = {
  ...FROM_2_10_6,
  version: known('kato version', 'A30 kato-ref.rst'),
  status: known('kato status', 'A30 kato-ref.rst'),
  info: known('kato info', 'A30 kato-ref.rst'),
  ready: known('kato process ready --block 5 all', 'A30 kato-ref.rst'),
  readyText: known('READY', 'A30 server/configuration.rst'),
  // Without the flag it may restart the network and so cut the connection. The `reboot` step makes it effective.
  staticIp: known({ command: 'kato op static_ip --no-restart', by: 'dialogue' }, 'A30 kato-ref.rst'),
  // Restarting the roles takes minutes, and the `reboot` step does it anyway.
  rename: known('kato node rename --no-restart', 'A30 kato-ref.rst; doc commit 0946ad3 (bug 99627)'),
  disableRole: known('kato role remove', 'A30 kato-ref.rst'),
  setUpCore: known('kato node setup core', 'A30 kato-ref.rst'),
  enableAllBut: known('kato role add --all-but', 'A30 kato-ref.rst'),
  enableRole: known({ command: 'kato role add', takes: 'roles' }, 'A30 kato-ref.rst'),
  attach: known('kato node attach -e', 'A30 kato-ref.rst'),
  attachChecksVersion: known(true, 'RN 3.0.0 (bug 98390)'),
  nodeList: known('kato node list', 'A30 kato-ref.rst'),
  removeNode: known('kato node remove', 'A30 kato-ref.rst'),
  removeDeadNode: known('kato node remove', 'A30 kato-ref.rst'),
  stopRoles: known({ command: 'kato stop', takes: 'roles' }, 'A30 kato-ref.rst'),
  retireDea: known('kato node retire', 'RN 3.0.0; A30 kato-ref.rst'),
  processes: known('kato process list', 'A30 kato-ref.rst'),
  freshRoles: known(
    ['base', 'mdns', 'primary', 'controller', 'router', 'dea', 'postgresql', 'mysql', 'filesystem'],
    'CC 3.x spec of the legacy info',
  ),
  coreRoles: known(['base', 'primary', 'controller', 'router'], 'A30 cluster/index.rst'),
  coreNeeds: known(['primary', 'controller', 'router'], 'A30 cluster/index.rst'),
  roles: known(
    ['primary', 'router', 'controller', 'dea', ...DATA_SERVICES_3],
    'A30 cluster/index.rst; RN 3.0.0 (rabbit3); CC 3.x role_order.yml',
  ),
  dataServices: known(DATA_SERVICES_3, 'A30 cluster/index.rst; RN 3.0.0 (rabbit3)'),
  memory: known(GIB_2, 'A30 server/ec2.rst: "2GB+ RAM"'),
  infoPath: known('/v2/info', 'CC v3.0.1 legacy_info.rb'),
  firstAdmin: known(
    { by: 'firstuser', path: '/v2/stackato/firstuser', claimed: '/v2/info' },
    "CC v3.0.1 stackato_user_creation.rb; the console's set-up form",
  ),
  memoryWithoutKey: known('any', 'CC v3.0.1 stackato_user_creation.rb; keys are new in 3.4.1 (RN, bug 104414)'),
  cloudInitRenames: known(true, 'RN 2.10.6 (bug 99220)'),
} as const satisfies ReleaseRow;

const FROM_3_2 = {
  ...FROM_3_0,
  staticIp: known(
    { command: 'kato op static_ip', by: 'flags' },
    'A34 server/configuration.rst; doc commit a91fa1d (bug 100855)',
  ),
  staticIpLists: notKnown(
    ' ',
    'the file is read before the reboot and the step parks; with one name server and one domain in `network` there is nothing to separate',
    'staticIpLists',
  ),
  memory: notKnown(GIB_2, PARKS_AT_KATO, 'leastMiB'),
  // Without the option it waits 2 to 3 minutes for a node that is gone, up to 3.2.1 (bug 102494).
  removeDeadNode: known('kato node remove --skip-detach', 'A34 kato-ref.rst; doc commit ec1d92b (March 2014)'),
} as const satisfies ReleaseRow;

const FROM_3_4 = {
  ...FROM_3_2,
  version: known('kato version', 'A34 kato-ref.rst'),
  rename: known('kato node rename --no-restart', 'A34 kato-ref.rst'),
  memory: known(GIB_3_75, 'A34 server/ec2.rst: m3.medium or larger'),
  memoryWithoutKey: known(4096, 'A34 console/index.rst; RN 3.4.1 (bug 104414)'),
} as const satisfies ReleaseRow;

const FROM_3_6 = {
  ...FROM_3_4,
  rename: known('kato node rename --no-restart', 'CT, core by cloud-init'),
  setUpCore: known('kato node setup core', 'CT; AOS core.sh.tpl'),
  memory: notKnown(GIB_3_75, PARKS_AT_KATO, 'leastMiB'),
  infoPath: known('/v2/info', 'CC v3.6.0 legacy_info.rb'),
  firstAdmin: known(
    { by: 'firstuser', path: '/v2/stackato/firstuser', claimed: '/v2/info' },
    'CC v3.6.0 stackato_user_creation.rb',
  ),
  cloudInitRenames: known(false, 'CT README: the module does not work on the unmodified image'),
} as const satisfies ReleaseRow;

/** From old to new. */
const ROWS = {
  '2.6.6': TO_2_6,
  '2.6.7': TO_2_6,
  '2.8.2': FROM_2_8,
  '2.10.4': FROM_2_10_4,
  '2.10.6': FROM_2_10_6,
  '3.0.1': FROM_3_0,
  '3.2.1': FROM_3_2,
  '3.4.2': FROM_3_4,
  '3.6.2': FROM_3_6,
} as const satisfies Record<string, ReleaseRow>;

export type ReleaseName = keyof typeof ROWS;

export const RELEASES: Readonly<Record<ReleaseName, ReleaseRow>> = ROWS;

export const RELEASE_NAMES = Object.keys(ROWS) as readonly ReleaseName[];

/** A worker may be older than the client that checked the spec. */
export function isReleaseName(name: string): name is ReleaseName {
  return Object.hasOwn(ROWS, name);
}

/** A fault of Stackato itself, and what a deployment does about it. */
export interface Hazard {
  /** ActiveState's bug number, in the release notes; `known issue`: only the manual names it (A2, A34 known-issues.rst). */
  readonly bug: number | 'known issue';
  readonly what: string;
  /** The first release without it. */
  readonly fixedIn: string;
  readonly answer: string;
}

const NEVER = 'never';
const SYNTAX = 'the words are those of the release, and `kato version` is compared first';

export const HAZARDS: readonly Hazard[] = [
  {
    bug: 96225,
    what: 'nodes with a separate router, cloud controller or load balancer need ssh keys made by hand',
    fixedIn: '2.6.7',
    answer: 'a spec that has such a node is refused',
  },
  {
    bug: 98107,
    what: 'a rename leaves applications that were pushed before at the old name while mdns is on',
    fixedIn: '2.10.4',
    answer: 'the rename comes before any application',
  },
  {
    bug: 97772,
    what: 'no first administrator can be created after a factory reset',
    fixedIn: '2.10.4',
    answer: 'nothing is ever reset: a new machine is launched',
  },
  {
    bug: 98966,
    what: "PostgreSQL's task at the first boot is broken",
    fixedIn: '2.10.6',
    answer: 'no step counts as done before all processes run',
  },
  {
    bug: 98590,
    what: '`kato status` reports roles twice',
    fixedIn: '2.10.6',
    answer: 'only states are looked at, never counts',
  },
  {
    bug: 99220,
    what: "cloud-init's rename at the first boot does not work",
    fixedIn: '2.10.6',
    answer: 'the name is looked at, and the rename step repairs it',
  },
  {
    bug: 98281,
    what: 'a DEA that is shut down may not stop its applications',
    fixedIn: '2.10.4',
    answer: 'its instance is terminated afterwards',
  },
  {
    bug: 102226,
    what: '`kato status` crashes while a node is down',
    fixedIn: '3.2.1',
    answer: 'it has a time limit, and is asked again; of a cluster, `kato node list` is asked where there is one',
  },
  {
    bug: 102297,
    what: '`kato attach` crashes if the core cannot be reached',
    fixedIn: '3.2.1',
    answer: "the node tries the core's ports first",
  },
  {
    bug: 102136,
    what: '`kato attach` does not say that it cannot connect to redis',
    fixedIn: '3.2.1',
    answer: "the node's message bus and roles are looked at, whatever it printed",
  },
  {
    bug: 102494,
    what: '`kato node remove` hangs for 2 to 3 minutes if the node is unreachable',
    fixedIn: '3.2.1',
    answer: 'it runs in the journal of the core, and is waited for',
  },
  { bug: 102167, what: 'unknown sub-commands are poorly reported', fixedIn: '3.2.1', answer: SYNTAX },
  {
    bug: 102928,
    what: '`kato rename` hangs while sudo waits for a password',
    fixedIn: '3.4.1',
    answer: 'it gets a terminal, and the password where sudo asks for it',
  },
  {
    bug: 104469,
    what: '`kato rename` may crash',
    fixedIn: '3.4.1',
    answer: 'host name, hosts file and certificate are looked at, whatever it printed',
  },
  {
    bug: 102029,
    what: "failures of cloud-init's rename are ignored",
    fixedIn: '3.4.1',
    answer: 'the name is looked at, and the rename step repairs it',
  },
  {
    bug: 103719,
    what: '`kato` always exits with 0',
    fixedIn: '3.4.1',
    answer: 'exit codes are shown and not believed',
  },
  {
    bug: 103788,
    what: '`kato status` hangs while a node is down',
    fixedIn: '3.4.1',
    answer: 'it has a time limit; of a cluster, `kato node list` is asked where there is one',
  },
  {
    bug: 104273,
    what: '`kato node retire -n` hangs while sudo waits for a password',
    fixedIn: '3.4.1',
    answer: 'it runs on the node itself, gets a terminal, and the password where sudo asks for it',
  },
  {
    bug: 103945,
    what: '`kato process ready --block` never times out',
    fixedIn: '3.4.1',
    answer: 'it runs under a time limit of 10 s',
  },
  {
    bug: 'known issue',
    what: 'a node that was without its core for more than 90 s keeps processes that are FATAL',
    fixedIn: NEVER,
    answer: '`kato start` is run on the node, once',
  },
];

/** The hazards that the release has. */
export function hazardsOf(release: ReleaseName): readonly Hazard[] {
  return HAZARDS.filter(({ fixedIn }) => fixedIn === NEVER || isOlder(release, fixedIn));
}

function isOlder(release: string, other: string): boolean {
  const [mine, theirs] = [release, other].map((name) => name.split('.').map(Number));
  const differing = (mine ?? []).findIndex((part, index) => part !== theirs?.[index]);
  return differing >= 0 && (mine?.[differing] ?? 0) < (theirs?.[differing] ?? 0);
}
