/**
 * How a simulated appliance behaves and misbehaves. Each knob models a trap of a real Stackato (see docs/lab.md). Times
 * are in ms.
 */
export interface Knobs {
  release: string;
  /** What `kato version` prints; `{release}` is replaced. */
  versionText: string;
  /** What `kato status` prints of each process or role: its state in supervisord's words, or in others. */
  statusText: 'table' | 'prose';
  /** What `kato ready` prints once everything runs. */
  readyText: string;
  /** Whether `kato info` lists the available roles. */
  infoListsAvailable: boolean;
  /** Roles of a new machine, separated by spaces; empty: those of the release. */
  freshRoles: string;
  /** Roles after `setup core`, separated by spaces; empty: those of the release. */
  coreRoles: string;
  /** What separates lists in the options of `kato op static_ip`, from 3.2 on. The other separator is refused. */
  staticIpLists: 'spaces' | 'commas';
  /** MiB below which some processes never come up; 0: that of the release. */
  leastMiB: number;
  /** `missing`: /info, and the call that creates the first administrator, do not exist. */
  consoleApi: 'there' | 'missing';
  /** The folder of the applications' containers. */
  containerStore: string;
  /** `kato` exits with 0 whatever happened (bug 103719). */
  exitAlwaysZero: boolean;
  /** The questions of `kato op static_ip`: lab/appliance/dialogues/<name>.json, or the path of another file. */
  dialogue: string;
  /** Whether sudo asks for the password; `false` models an image with NOPASSWD. */
  sudoAsks: boolean;
  /** sudo prints its lecture before its first question. */
  sudoLectures: boolean;
  /** From launch until ssh answers. */
  bootDelay: number;
  /** From the time ssh answers until kato is ready, at every boot. */
  readyDelay: number;
  /** How long ssh still answers, with the old boot id, after `reboot` was requested. */
  oldBootIdFor: number;
  /** How long the machine is down after that. */
  downFor: number;
  /**
   * While the machine is down, its ports accept connections and stay silent, then reset them. Otherwise they refuse
   * connections.
   */
  acceptsWhileDown: boolean;
  /** How long rename, setup core and enable take before they have an effect. */
  katoTakes: number;
  /** The n-th exec channel of every connection ends without an exit status and the connection is dropped. 0: never. */
  dropChannel: number;
  /** `kato ready` blocks forever while something is not ready, whatever its arguments (bug 103945). */
  readyNeverTimesOut: boolean;
  /** /etc/resolv.conf is regenerated at every boot, from the resolvconf head file and DHCP or the interfaces file. */
  resolvConfRegenerated: boolean;
  /** /etc/resolv.conf lists only the local dnsmasq; the site's name servers are in /var/run/dnsmasq/resolv.conf. */
  localResolver: boolean;
  /** http:// redirects to https:// without a port: the machine does not know how its ports are mapped. */
  httpRedirect: boolean;
  /** How long /info and the console answer 503 after `enable`; -1: forever. */
  consoleDelay: number;
  /** sshd's banner before login. */
  banner: string;
  /** Only one session at a time (sshd's MaxSessions 1). */
  maxSessionsOne: boolean;
  /** How long sshd looks up its client's name before it answers the first login request. */
  loginDelay: number;
  /** How many clients may be logging in at the same time (sshd's MaxStartups); 0: any number. */
  maxStartups: number;
  /** Memory shown in /proc/meminfo, MiB; 0: that of the instance type. */
  memoryMiB: number;
  /** Login methods offered. */
  auth: readonly ('password' | 'keyboard-interactive' | 'publickey')[];
  /** The account's initial password. */
  password: string;
  /** An authorized public key in OpenSSH format. */
  authorizedKey: string;
  /** The private address that ifconfig shows; empty: the instance's own. */
  privateIp: string;
  /**
   * The net-tools release whose output ifconfig and route print: 1.60 is that of Ubuntu 12.04, 2.10 that of Debian 9
   * and later.
   */
  netTools: '1.60' | '2.10';
  /** A new host key at the next boot. */
  newHostKeyAtBoot: boolean;
  /** The account's login shell: the name of a program of the host. */
  loginShell: string;
  /** What its rc files print to stdout before and after every command. */
  rcPrints: string;
  /** LANG of the account; with `de_…`, net-tools print German. */
  locale: string;
  /** The password has expired: no command runs, and keyboard-interactive asks for a new password. */
  passwordExpired: boolean;
  /** Whether sshd forwards ports. */
  forwardsPorts: boolean;
  /** How long it tries to reach an address that does not answer: its sshd for a forwarded port, and `kato attach`. */
  connectTimeout: number;
  /** A node that has been without its core for so long does not come up again by itself. */
  fatalWithoutCore: number;
  /** How long a core takes to notice that a node is gone. */
  deathNoticedAfter: number;
  /** How long `kato node remove` hangs for each dead node, before 3.2.1 (bug 102494). */
  removeDeadTakes: number;
  /** What `kato status` does on a core while a node is down. */
  statusWithDeadNode: 'as released' | 'works' | 'crashes' | 'hangs';
  /** How `kato status --all` tells nodes apart: the address in each line, or above the lines of each node. */
  statusAllText: 'lines' | 'blocks';
  /** MiB that a cluster may have without a licence key; 0: what the release allows. */
  licenceMiB: number;
  /** `full` and `read-only`: mkdir fails. */
  disk: 'good' | 'full' | 'read-only';
  /** The image has cloud-init, which reads the user data at the first boot. */
  cloudInit: boolean;
  /** How long the first boot takes, from the time ssh answers; -1: forever. */
  cloudInitTakes: number;
  /**
   * What fails in it. `module`: the vendor's module is not there. `rename`: its rename. `unnoticed`: its rename, of which
   * nothing is logged. `packages`: apt. `script`: the user's scripts. `passwords`: chpasswd. `marker`: a task of
   * Stackato's own. `half`: it stops half-way, at `rename`, and says that it is done.
   */
  cloudInitFails:
    'nothing' | 'module' | 'rename' | 'unnoticed' | 'packages' | 'script' | 'passwords' | 'marker' | 'half';
  /** It makes a new host key, and prints it on the console at its end. `unprinted`: it does not print it. */
  cloudInitHostKey: 'kept' | 'new' | 'unprinted';
  /** How much later than its end the host name changes. */
  cloudInitRenamesLate: number;
  /** The log's words: those of 0.6.3 (Ubuntu 12.04), or of 0.7 and later, which also write result.json. */
  cloudInitVersion: '0.6.3' | '0.7.5';
  /** Size of the root volume, GiB. That of the KVM image of 2.6.6 has 8.8. */
  rootGiB: number;
  /** A VPN covers the default route with two routes of half the address space each. */
  vpn: boolean;
}

/** Fast, with the traps that every Stackato has. */
export const DEFAULT_KNOBS: Knobs = {
  release: '2.6.6',
  versionText: 'Stackato {release}',
  statusText: 'table',
  readyText: 'READY',
  infoListsAvailable: true,
  freshRoles: '',
  coreRoles: '',
  staticIpLists: 'spaces',
  leastMiB: 0,
  consoleApi: 'there',
  containerStore: '/lxc/containers',
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
  connectTimeout: 3_000,
  fatalWithoutCore: 90_000,
  deathNoticedAfter: 1_000,
  removeDeadTakes: 2_000,
  statusWithDeadNode: 'as released',
  statusAllText: 'lines',
  licenceMiB: 0,
  disk: 'good',
  cloudInit: false,
  cloudInitTakes: 800,
  cloudInitFails: 'nothing',
  cloudInitHostKey: 'kept',
  cloudInitRenamesLate: 0,
  cloudInitVersion: '0.6.3',
  rootGiB: 8.8,
  vpn: false,
};

/**
 * Every trap that a correct deployer survives, at once. Those that must stop it (host key, memory, console never up)
 * are left out.
 */
export const HARD_KNOBS: Knobs = {
  ...DEFAULT_KNOBS,
  versionText: 'Loading...\nkato: ActiveState Stackato v{release}-21-gccecf32 (2013.02.1)',
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
