/** What the parts of the lab say to each other and to the tests. The lab imports nothing of the product. */

export const KINDS = ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1', 'aws'] as const;
export type Kind = (typeof KINDS)[number];

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

export interface ApplianceOptions {
  readonly instanceId: string;
  readonly privateIp: string;
  /** MiB, by instance type. */
  readonly memory: number;
  /** Its own folder: root file system, state, logs. */
  readonly dir: string;
  readonly knobs: Knobs;
  readonly ports: { readonly ssh: number; readonly http: number; readonly https: number };
  /** What the node made of the instance's image; absent where nobody boots it. */
  readonly image?: NodeImage;
}

/** Paths of what was unbundled. */
export interface NodeImage {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly root: string;
}

export interface Rule {
  readonly port: number;
  readonly cidr: string;
}

/** One machine, as the cloud knows it. Listens on `ports` of the elastic IP it is reached by, each only while a rule opens it. */
export interface Host {
  readonly instanceId: string;
  readonly dir: string;
  /** The elastic IP (a loopback address), or undefined when it has none. */
  setPublicIp(ip: string | undefined): Promise<void>;
  setRules(rules: readonly Rule[]): Promise<void>;
  /** What its serial console has printed, from the first boot on. */
  consoleOutput(): string;
  /** Ends it: every process, listener and file of it. */
  terminate(): Promise<void>;
}

/** A simulated machine: lab/appliance. */
export interface Appliance extends Host {
  /** Every kato, sudo, reboot invocation so far, oldest first. */
  invocations(): Invocation[];
  /** How often it booted, the first boot included. */
  boots(): number;
  /** Contents of a file of the machine, e.g. `/etc/network/interfaces`; undefined if absent. */
  file(path: string): string | undefined;
  /** Changes knobs while it runs. */
  turn(knobs: Partial<Knobs>): void;
}

/** A real one, under QEMU: lab/vm. What happens inside is asked of it by ssh, or on its serial console. */
export interface VirtualMachine extends Host {
  /** Path of the Unix socket that is its serial console's keyboard and screen. */
  readonly serial: string;
  /** SIGKILL to QEMU, as if somebody pulled the plug. */
  pullPlug(): Promise<void>;
  /** Boots it again from the same disk. */
  powerOn(): Promise<void>;
}

export interface Invocation {
  readonly at: number;
  /** `kato`, `sudo`, `reboot`. */
  readonly program: string;
  readonly args: readonly string[];
}

export interface CloudAccess {
  readonly kind: Kind;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** An image of release 2.6.6, and a key pair, that exist. */
  readonly imageId: string;
  readonly keyName: string;
  /** `euca-{dashed}.<domain>` on Eucalyptus, absent on aws. */
  readonly addressName?: string;
  /** Endpoint of its S3. */
  readonly storage: string;
  /** A bucket that belongs to another account. */
  readonly foreignBucket: string;
  /** What bundles are signed and encrypted with: the account's number, and the paths of PEM files. */
  readonly signing: { readonly account: string; readonly certificate: string; readonly privateKey: string; readonly cloudCertificate: string };
  /** Eucalyptus: keys of the cloud's administrator, who may register kernels and ramdisks; on 3.2 he sees every address of the cloud, in other words, and types' memory. */
  readonly admin?: { readonly accessKey: string; readonly secretKey: string };
}

/** One fault, used up after `times` matching calls. */
export interface Fault {
  readonly kind: Kind;
  /** EC2 or S3 action, e.g. `RunInstances`, `PutObject`; `*`: any. */
  readonly action: string;
  /**
   * `throttle` 503 RequestLimitExceeded (S3: SlowDown); `error` 500 InternalError; `lost` does it, then cuts the connection; `slow` waits
   * `ms` first; `reset` cuts it in the middle of the request's body and does nothing; `truncated` does it, then cuts it within the answer;
   * `late` (EC2 only) cuts the connection at once and does it after `ms`.
   */
  readonly what: 'throttle' | 'error' | 'lost' | 'slow' | 'reset' | 'truncated' | 'late';
  readonly times: number;
  readonly ms?: number;
}

/** Everything the cloud of that kind holds, for before/after comparisons. */
export interface CloudInventory {
  readonly instances: readonly { id: string; state: string; groups: readonly string[]; publicIp?: string }[];
  readonly addresses: readonly { publicIp: string; instanceId?: string }[];
  readonly groups: readonly { name: string; description: string; rules: readonly Rule[] }[];
}

/** An image that was registered, as the cloud itself sees it. */
export interface PublishedImage {
  readonly id: string;
  readonly kind: 'machine' | 'kernel' | 'ramdisk';
  readonly name: string;
  readonly location: string;
  readonly state: string;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
}

/** What came out of its bundle with the cloud's private key. */
export interface UnbundledImage extends PublishedImage {
  readonly sha256: string;
  readonly size: number;
  /** Keys of the objects it is made of, in order. */
  readonly parts: readonly string[];
}

export interface LabObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  readonly acl: string;
}

/** One call of S3. */
export interface StoreCall {
  readonly action: string;
  readonly bucket: string;
  readonly key: string;
  /** Of the body that arrived. */
  readonly bytes: number;
  /** HTTP status; 0 where the answer was withheld or cut short. */
  readonly status: number;
  readonly at: number;
}

export interface LabOptions {
  /** Where its state and logs go. */
  readonly dir: string;
  /** First of the 1000 ports it may use; absent: free ones of its network's own. */
  readonly basePort?: number;
  /** Second byte of its loopback /16 for elastic IPs; absent: a free one. */
  readonly net?: number;
  readonly knobs?: Partial<Knobs>;
  /** Elastic IPs each cloud gives at most; absent: 250. */
  readonly addressQuota?: number;
  /** Eucalyptus: the ordinary account may register kernels and ramdisks, as else only its administrator may. */
  readonly kernelRights?: boolean;
}

export interface LabState {
  readonly pid: number;
  readonly dir: string;
  readonly temporal: { readonly address: string; readonly namespace: string; readonly ui: string };
  readonly clouds: readonly CloudAccess[];
  readonly dns: {
    readonly server: string;
    readonly port: number;
    /** The zone deployments go into. */
    readonly zone: string;
    readonly tsig: { readonly name: string; readonly algorithm: 'hmac-sha256'; readonly secret: string };
  };
  readonly ports: { readonly ssh: number; readonly http: number; readonly https: number };
  /** The account of a fresh appliance. */
  readonly login: { readonly user: string; readonly password: string };
}

/** `H`: what its machines are. */
export interface Lab<H extends Host = Appliance> {
  readonly state: LabState;
  cloud(kind: Kind): CloudAccess;
  inventory(kind: Kind): Promise<CloudInventory>;
  /** Adds a fault; faults queue. */
  fault(fault: Fault): void;
  clearFaults(): void;
  /** Those that have not hit all their calls yet. */
  faultsLeft(kind: Kind): readonly Fault[];
  /** Calls seen, e.g. to count RunInstances. */
  calls(kind: Kind): readonly { action: string; params: Readonly<Record<string, string>>; status: number; at: number }[];
  /** Calls that its S3 saw. */
  storeCalls(kind: Kind): readonly StoreCall[];
  /** Every image registered and not forgotten. */
  images(kind: Kind): readonly PublishedImage[];
  /** Unbundles it, or says by an error why that cannot be. */
  image(kind: Kind, id: string): Promise<UnbundledImage>;
  /** Everything its S3 holds, sorted. */
  objects(kind: Kind): readonly LabObject[];
  /** Knobs for the appliances of security group `stackato-<deployment>` that are launched from now on. */
  plan(deployment: string, knobs: Partial<Knobs>): void;
  /** The machines of security group `stackato-<deployment>`, not yet terminated. */
  machines(deployment: string): readonly H[];
  /** The zone as `dig axfr` gives it, sorted, without the SOA. */
  zone(): Promise<readonly string[]>;
  /** Runs an nsupdate script with the lab's key (to plant foreign records). */
  nsupdate(script: string): Promise<void>;
  /** SIGKILL, and start again on the same files and ports. */
  killTemporal(): Promise<void>;
  startTemporal(): Promise<void>;
  /** Ends exactly what it started. */
  stop(): Promise<void>;
}
