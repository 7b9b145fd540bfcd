/**
 * The known releases of Stackato, and everything that differs between them: a row for each release. To change a `kato` command for one
 * release, change `kato` in its row; machine/kato.ts adds the arguments.
 */

export interface Release {
  /** Whether a spec may name it: its whole runbook passes in the lab. For the others, only the commands are tested. */
  readonly deployable: boolean;
  /** The command line up to its arguments. */
  readonly kato: KatoCommands;
  /** MiB. */
  readonly memory: {
    /** What the instance type must have. */
    readonly least: number;
    /** What the machine must report, which is less, because the kernel reserves some. */
    readonly leastReported: number;
  };
  /** Roles that `setUpCore` may leave on. A node with any other role has had roles added since. */
  readonly coreRoles: readonly string[];
  /** Paths on the API host. */
  readonly paths: {
    /** Product and version. */
    readonly info: string;
    /** GET: is there an administrator? POST: creates the first one, from a form with e-mail address and passwords. */
    readonly firstAdmin: string;
  };
}

export interface KatoCommands {
  readonly version: string;
  readonly status: string;
  readonly info: string;
  readonly ready: string;
  /** Interactive. */
  readonly staticIp: string;
  /** Followed by the base name. */
  readonly rename: string;
  /** Followed by a role. */
  readonly disableRole: string;
  /** Followed by the API's host name. */
  readonly setUpCore: string;
  /** Followed by a role. */
  readonly enableAllBut: string;
}

const KATO_2_6: KatoCommands = {
  version: 'kato version',
  status: 'kato status',
  info: 'kato info',
  ready: 'kato ready',
  staticIp: 'kato op static_ip',
  rename: 'kato rename',
  disableRole: 'kato disable',
  setUpCore: 'kato setup core',
  enableAllBut: 'kato enable --all-but',
};

/** 2.8 gave most commands new names (release notes, bug 96708). */
const KATO_2_8: KatoCommands = {
  ...KATO_2_6,
  ready: 'kato process ready --block 5 all',
  rename: 'kato node rename',
  disableRole: 'kato role remove',
  setUpCore: 'kato node setup core',
  enableAllBut: 'kato role add --all-but',
};

/** Without the flag, static_ip of 3.x may restart the network and so cut the connection. The `reboot` step makes it effective. */
const KATO_3_0: KatoCommands = { ...KATO_2_8, staticIp: 'kato op static_ip --no-restart' };

/** The same for every known release. */
const COMMON = {
  // The next smaller common instance type has 1.7 GiB and reports less than this.
  memory: { least: 2048, leastReported: 1850 },
  // Which of these 2.6 leaves on is not known, so this lists those of any release.
  coreRoles: ['base', 'primary', 'controller', 'cloud_controller', 'health_manager', 'router'],
  paths: { info: '/info', firstAdmin: '/stackato/license' },
} satisfies Partial<Release>;

const ROWS = {
  '2.6.6': { ...COMMON, deployable: true, kato: KATO_2_6 },
  '2.6.7': { ...COMMON, deployable: true, kato: KATO_2_6 },
  '2.8.2': { ...COMMON, deployable: false, kato: KATO_2_8 },
  '2.10.6': { ...COMMON, deployable: false, kato: KATO_2_8 },
  '3.4.2': { ...COMMON, deployable: false, kato: KATO_3_0 },
} satisfies Record<string, Release>;

export type ReleaseName = keyof typeof ROWS;

export const RELEASES: Readonly<Record<ReleaseName, Release>> = ROWS;

/** The releases a spec may name. */
export const DEPLOYABLE_RELEASES: readonly ReleaseName[] = (Object.keys(ROWS) as ReleaseName[]).filter(
  (name) => RELEASES[name].deployable,
);

/** A worker may be older than the client that checked the spec. */
export function isReleaseName(name: string): name is ReleaseName {
  return Object.hasOwn(ROWS, name);
}
