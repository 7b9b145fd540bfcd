/** What the parts of the lab say to each other and to the tests. The lab imports nothing of the product. */

import type { CloudCall, HeldCall } from './cloud-calls';

import type { Knobs } from './knobs';

export type { Knobs };

export const KINDS = ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1', 'aws'] as const;
export type Kind = (typeof KINDS)[number];

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

export type { CloudCall, HeldCall } from './cloud-calls';

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
  /** Other keys of the same user, good only with their token. */
  readonly temporary: { readonly accessKey: string; readonly secretKey: string; readonly sessionToken: string };
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
  readonly signing: {
    readonly account: string;
    readonly certificate: string;
    readonly privateKey: string;
    readonly cloudCertificate: string;
  };
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
   * `late` (EC2 only) cuts the connection at once and does it after `ms`; `refuse` 4xx, for good; `hold` has it whole and does nothing
   * until `release`, whether or not anybody still waits for the answer.
   */
  readonly what: 'throttle' | 'error' | 'lost' | 'slow' | 'reset' | 'truncated' | 'late' | 'refuse' | 'hold';
  readonly times: number;
  readonly ms?: number;
  /** Only calls that this access key has signed. */
  readonly by?: string;
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
  /** Access key; empty where none was known. */
  readonly by: string;
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
  /** How long a terminated instance is `shutting-down` at least, ms; absent: 300. */
  readonly shuttingDownFor?: number;
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
  /** Calls that a fault holds. */
  held(kind: Kind): readonly HeldCall[];
  /** Lets go of what is held, of one access key or of all. */
  release(kind: Kind, by?: string): void;
  /** Keys of another user of the same account, who may register kernels where `kernelRights` lets the ordinary one. */
  user(kind: Kind, name: string): { readonly accessKey: string; readonly secretKey: string };
  /** Calls seen, e.g. to count RunInstances. */
  calls(kind: Kind): readonly CloudCall[];
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
