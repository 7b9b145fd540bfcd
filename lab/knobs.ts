/** How one stand-in appliance misbehaves. Everything here is a trap of a real Stackato (see docs/lab.md). Times are ms. */
export interface Knobs {
  release: string;
  /** `kato` says 0 whatever happened (bug 103719). */
  exitAlwaysZero: boolean;
  /** A dialogue of lab/appliance/dialogues/<name>.json, or the path of another file: wording, order and optional questions of `kato op static_ip`. */
  dialogue: string;
  /** Whether sudo asks for the password; `false` models a NOPASSWD image. */
  sudoAsks: boolean;
  /** sudo's lecture stands before its first question. */
  sudoLectures: boolean;
  /** From launch to ssh answering. */
  bootDelay: number;
  /** From ssh answering to kato being ready (at every boot). */
  readyDelay: number;
  /** After `reboot` was asked for: how long ssh still answers, with the old boot id. */
  oldBootIdFor: number;
  /** How long it is down after that. */
  downFor: number;
  /** While it is down or boots, its ports take connections and say nothing; they are reset when it is up. Else they refuse. */
  acceptsWhileDown: boolean;
  /** Length of rename, setup core, enable: they are busy for so long before the effect is there. */
  katoTakes: number;
  /** The n-th exec channel of every connection ends without an exit status, the connection is cut. 0: never. */
  dropChannel: number;
  /** `kato ready` blocks for ever when things are not ready, whatever it was told (bug 103945). */
  readyNeverTimesOut: boolean;
  /** /etc/resolv.conf is made anew at every boot, from the resolvconf head file and dhcp/interfaces. */
  resolvConfRegenerated: boolean;
  /** /etc/resolv.conf names the local dnsmasq only; the site's name servers are in /var/run/dnsmasq/resolv.conf. */
  localResolver: boolean;
  /** http:// answers with a redirect to https://, to no port: the machine knows none of the outside's. */
  httpRedirect: boolean;
  /** /info and the console answer 503 for so long after `enable` (-1: for ever). */
  consoleDelay: number;
  /** Text sent before login. */
  banner: string;
  /** Only one channel at a time (sshd's MaxSessions 1). */
  maxSessionsOne: boolean;
  /** How long sshd looks for its client's name before it lets anybody log in. */
  loginDelay: number;
  /** How many may be logging in at a time, as sshd's MaxStartups; 0: any number. */
  maxStartups: number;
  /** What the VM says it has in /proc/meminfo, MiB; 0: what its type has. */
  memoryMiB: number;
  /** Login methods offered. */
  auth: readonly ('password' | 'keyboard-interactive' | 'publickey')[];
  /** The accounts' password, at first. */
  password: string;
  /** An authorized public key, OpenSSH format. */
  authorizedKey: string;
  /** Private address shown by ifconfig; empty: the instance's own. */
  privateIp: string;
  /** Whose words ifconfig and route have: 1.60 is Ubuntu 12.04's, 2.10 that of Debian 9 and later. */
  netTools: '1.60' | '2.10';
  /** A new host key at the next boot. */
  newHostKeyAtBoot: boolean;
  /** The account's login shell: a program of the host, by name. */
  loginShell: string;
  /** What its rc files print on stdout, before every command and after it. */
  rcPrints: string;
  /** LANG of the account; net-tools speak German in `de_…`. */
  locale: string;
  /** The password has expired: no command runs, and keyboard-interactive asks for a new one. */
  passwordExpired: boolean;
  /** Whether sshd forwards ports. */
  forwardsPorts: boolean;
  /** What becomes of a folder that somebody makes on its disk. */
  disk: 'good' | 'full' | 'read-only';
  /** A VPN lays its two halves over the default route. */
  vpn: boolean;
}
