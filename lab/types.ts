/** Interfaces between the parts of the lab, and the ones tests use. The lab imports nothing from the product. */

import type { Duplex } from 'node:stream';
import type { Knobs } from './knobs';

export const KINDS = ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1', 'aws'] as const;
export type Kind = (typeof KINDS)[number];

export interface ApplianceOptions {
  readonly instanceId: string;
  readonly privateIp: string;
  /** Real machines: those with the same name here reach each other at their private addresses; absent: it reaches none. */
  readonly lan?: string;
  /** MiB, by instance type. */
  readonly memory: number;
  /** The machine's own folder: root file system, state, logs. */
  readonly dir: string;
  readonly knobs: Knobs;
  readonly ports: { readonly ssh: number; readonly http: number; readonly https: number };
  /** As the metadata service serves it; absent: none. */
  readonly userData?: Buffer;
  /** The unbundled image; absent for machines that do not boot one. */
  readonly image?: NodeImage;
  /** GiB, of the disk that comes with the instance type and goes with the instance; absent: there is none. */
  readonly ephemeral?: number;
  /** Absent: it reaches no other machine. */
  readonly network?: PrivateNetwork;
}

/** A machine's way to the others of its cloud, by private address. */
export interface PrivateNetwork {
  open(ip: string, port: number): Promise<Arrival>;
}

/**
 * How a request for a connection fares. `refused`: nothing listens on that port. `dropped`: no answer ever comes, because
 * there is no such machine, it is down, or no rule of its groups allows it.
 */
export type Arrival = Duplex | 'refused' | 'dropped';

export interface LabVolume {
  readonly id: string;
  /** GiB. */
  readonly size: number;
  /** A folder of its own, which outlives the machine. */
  readonly dir: string;
}

/** Paths of the unbundled files. */
export interface NodeImage {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly root: string;
}

export interface Rule {
  readonly port: number;
  readonly cidr: string;
}

/**
 * A machine as the cloud sees it. Listens on each of `ports` at its elastic IP while a security group rule opens that
 * port.
 */
export interface Host {
  readonly instanceId: string;
  readonly dir: string;
  /** The elastic IP (a loopback address); undefined: none. */
  setPublicIp(ip: string | undefined): Promise<void>;
  setRules(rules: readonly Rule[]): Promise<void>;
  /** @param device as requested, or where the cloud's machines show it */
  attachVolume(volume: LabVolume, device: string): Promise<void>;
  /** Rejects while the machine has it mounted. */
  detachVolume(id: string): Promise<void>;
  /** A connection from the private network, which its rules allow. Absent: machines that are on no such network. */
  arrive?(port: number, from: string): Arrival;
  /** Everything its serial console has printed since the first boot. */
  consoleOutput(): string;
  /** Ends the machine and removes its processes, listeners and files. */
  terminate(): Promise<void>;
}

/** A simulated machine: lab/appliance. */
export interface Appliance extends Host {
  /** Every invocation of kato, sudo and reboot so far, oldest first. Also once it is terminated. */
  invocations(): Invocation[];
  /** Number of boots, including the first. */
  boots(): number;
  /** Contents of a file of the machine, e.g. `/etc/network/interfaces`; undefined if there is none. */
  file(path: string): string | undefined;
  /** Changes knobs while the machine runs. */
  setKnobs(knobs: Partial<Knobs>): void;
  /** Somebody reboots it. */
  restart(): void;
  /** On a core: the machines of its cluster as it knows them, itself first. */
  clusterList(): readonly ListedMachine[];
}

export interface ListedMachine {
  /** Private. */
  readonly ip: string;
  readonly roles: readonly string[];
}

/** A real machine under QEMU: lab/vm. Its inside can only be observed over ssh or on its serial console. */
export interface VirtualMachine extends Host {
  /** Path of the Unix socket of its serial console. */
  readonly serial: string;
  /** Kills QEMU with SIGKILL: a power failure. */
  pullPlug(): Promise<void>;
  /** Boots again from the same disk. */
  powerOn(): Promise<void>;
}

/** Creates machines: lab/appliance, lab/vm, or a fake in tests of the lab itself. */
export interface MachineFactory<H extends Host> {
  readonly create: (options: ApplianceOptions) => Promise<H>;
  readonly knobs: Knobs;
  /** Whether machines boot the published images, and only those; otherwise an image is just a name. */
  readonly bootsImages: boolean;
}

export interface Invocation {
  readonly at: number;
  /** `kato`, `sudo` or `reboot`. */
  readonly program: string;
  readonly args: readonly string[];
}

export interface CloudAccess {
  readonly kind: Kind;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Temporary keys of the same user, valid only with their session token. */
  readonly temporary: { readonly accessKey: string; readonly secretKey: string; readonly sessionToken: string };
  /** An existing image of release 2.6.6, and an existing key pair. */
  readonly imageId: string;
  readonly keyName: string;
  /** `euca-{dashed}.<domain>` on Eucalyptus, absent on aws. */
  readonly addressName?: string;
  /** S3 endpoint. */
  readonly storage: string;
  /** A bucket that belongs to another account. */
  readonly foreignBucket: string;
  /** What bundles are signed and encrypted with: the account number, and paths of PEM files. */
  readonly signing: {
    readonly account: string;
    readonly certificate: string;
    readonly privateKey: string;
    readonly cloudCertificate: string;
  };
  /**
   * Eucalyptus: keys of the cloud administrator, who may register kernels and ramdisks. On 3.2 the administrator also
   * sees every address of the cloud, in a format of its own, and the memory of instance types.
   */
  readonly admin?: { readonly accessKey: string; readonly secretKey: string };
}

/** One fault, used up after `times` matching calls. */
export interface Fault {
  readonly kind: Kind;
  /** EC2 or S3 action, e.g. `RunInstances`, `PutObject`; `*`: any. */
  readonly action: string;
  /**
   * `throttle`: 503 RequestLimitExceeded (S3: SlowDown). `error`: 500 InternalError. `lost`: performs the call, then
   * drops the connection. `slow`: waits `ms` first. `reset`: drops the connection within the request body, performs
   * nothing. `truncated`: performs the call, then drops the connection within the response. `late` (EC2 only): drops
   * the connection at once, performs the call after `ms`. `refuse`: a permanent 4xx. `hold`: performs the call only
   * after `release`, whether or not the client still waits.
   */
  readonly what: 'throttle' | 'error' | 'lost' | 'slow' | 'reset' | 'truncated' | 'late' | 'refuse' | 'hold';
  readonly times: number;
  readonly ms?: number;
  /** Only calls signed with this access key. */
  readonly by?: string;
}

/** Everything a cloud holds, for comparisons of before and after. */
export interface CloudInventory {
  readonly instances: readonly { id: string; state: string; groups: readonly string[]; publicIp?: string }[];
  readonly addresses: readonly { publicIp: string; instanceId?: string }[];
  readonly groups: readonly { name: string; description: string; rules: readonly InventoryRule[] }[];
}

/** Its source is either a CIDR or a group, by name. */
export type InventoryRule = { readonly port: number } & ({ readonly cidr: string } | { readonly group: string });

/** What a cloud has and allows. */
export interface CloudSettings {
  /** Most elastic IPs of the account. */
  readonly addresses: number;
  /** Most instances of the account. */
  readonly instances: number;
  /** How many instances the zones have room for, in all. */
  readonly capacity: number;
  /** Whether instances get a public address by themselves, until they get an elastic IP or end. */
  readonly publicAddresses: boolean;
}

/** A volume as the cloud itself sees it. */
export interface CloudVolume extends LabVolume {
  readonly state: string;
  readonly instanceId?: string;
}

/** A registered image as the cloud itself sees it. */
export interface PublishedImage {
  readonly id: string;
  readonly kind: 'machine' | 'kernel' | 'ramdisk';
  readonly name: string;
  readonly location: string;
  readonly state: string;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
}

/** An image after its bundle was decrypted with the cloud's private key. */
export interface UnbundledImage extends PublishedImage {
  readonly sha256: string;
  readonly size: number;
  /** Keys of its objects, in order. */
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

/** An EC2 or S3 call that a fault holds until `release`. */
export interface HeldCall {
  readonly action: string;
  /** Access key. */
  readonly by: string;
}

/** A call of EC2. */
export interface CloudCall {
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
  /** HTTP status; 0 where the answer was withheld. */
  readonly status: number;
  readonly at: number;
  /** Access key; empty where none was known. */
  readonly by: string;
  /** Addresses and ids of what the call created, even where the response was lost. */
  readonly made: readonly string[];
}

/** A call of S3. */
export interface StoreCall {
  readonly action: string;
  readonly bucket: string;
  readonly key: string;
  /** Size of the request body. */
  readonly bytes: number;
  /** HTTP status; 0 where the response was withheld or truncated. */
  readonly status: number;
  readonly at: number;
  /** Access key; empty where none was known. */
  readonly by: string;
}

export interface LabOptions {
  /** Where its state and logs go. */
  readonly dir: string;
  /** First of the 1000 ports the lab may use; absent: free ports out of those reserved for its network. */
  readonly basePort?: number;
  /** Second byte of its loopback network, 127.N.0.0/16; absent: a free one. */
  readonly net?: number;
  readonly knobs?: Partial<Knobs>;
  /** Most elastic IPs that each cloud allocates; absent: 250. */
  readonly addressQuota?: number;
  /** Eucalyptus: lets the ordinary user register kernels and ramdisks, which otherwise only the administrator may. */
  readonly kernelRights?: boolean;
  /** Shortest time that a terminated instance is `shutting-down`, ms; absent: 300. */
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
    /** The zone of the deployments. */
    readonly zone: string;
    readonly tsig: { readonly name: string; readonly algorithm: 'hmac-sha256'; readonly secret: string };
  };
  readonly ports: { readonly ssh: number; readonly http: number; readonly https: number };
  /** The account of a new appliance. */
  readonly login: { readonly user: string; readonly password: string };
}

/** `H`: the type of its machines. */
export interface Lab<H extends Host = Appliance> {
  readonly state: LabState;
  cloud(kind: Kind): CloudAccess;
  inventory(kind: Kind): Promise<CloudInventory>;
  /** Queues a fault. */
  fault(fault: Fault): void;
  clearFaults(): void;
  /** Faults that are not used up. */
  faultsLeft(kind: Kind): readonly Fault[];
  /** Changes what a cloud has and allows, from now on. */
  configure(kind: Kind, settings: Partial<CloudSettings>): void;
  /** Calls that a fault holds. */
  held(kind: Kind): readonly HeldCall[];
  /** Releases held calls: those of one access key, or all. */
  release(kind: Kind, by?: string): void;
  /** Keys of another user of the same account, with the rights of the ordinary user. */
  user(kind: Kind, name: string): { readonly accessKey: string; readonly secretKey: string };
  /** EC2 calls so far, e.g. to count RunInstances. */
  calls(kind: Kind): readonly CloudCall[];
  /** S3 calls so far. */
  storeCalls(kind: Kind): readonly StoreCall[];
  /** Every registered image that the cloud still remembers. */
  images(kind: Kind): readonly PublishedImage[];
  /** Volumes that are not deleted. */
  volumes(kind: Kind): readonly CloudVolume[];
  /** Unbundles an image; throws where that fails, with the reason. */
  image(kind: Kind, id: string): Promise<UnbundledImage>;
  /** All objects in its S3, sorted. */
  objects(kind: Kind): readonly LabObject[];
  /**
   * Sets the knobs of machines launched from now on in the security group `stackato-<deployment>`, and, beneath their own,
   * of those in `stackato-<deployment>-nodes`. `nth`: only of the machine launched as the n-th of that group, from 1.
   */
  plan(deployment: string, knobs: Partial<Knobs>, nth?: number): void;
  /** Machines of the security group `stackato-<deployment>` that are not terminated, oldest first. Nodes of a cluster: `<deployment>-nodes`. */
  machines(deployment: string): readonly H[];
  /** All that were ever launched in that group, terminated ones too, oldest first. */
  launched(deployment: string): readonly H[];
  /** The zone as `dig axfr` prints it, sorted, without the SOA. */
  zone(): Promise<readonly string[]>;
  /** Runs an nsupdate script with the lab's key, e.g. to create foreign records. */
  nsupdate(script: string): Promise<void>;
  /** Kills Temporal with SIGKILL; `startTemporal` starts it again on the same files and ports. */
  killTemporal(): Promise<void>;
  startTemporal(): Promise<void>;
  /** Stops everything this lab started, and nothing else. */
  stop(): Promise<void>;
}
