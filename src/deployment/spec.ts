/**
 * The spec of a deployment, after the loader has filled in every default: workflows and activities never guess.
 * Plain data only. Times are milliseconds, sizes are MiB. Secrets are references, which the worker resolves when it uses them.
 */

import type { ReleaseName } from './releases';

/** Where a secret is: a variable in the worker's environment, or a file that the worker can read (its last newline is dropped). */
export type SecretRef = { readonly env: string } | { readonly file: string };

export type CloudKindName = 'eucalyptus-3.2' | 'eucalyptus-3.4' | 'eucalyptus-4.4' | 'eucalyptus-5.1' | 'aws';

export interface CloudSpec {
  readonly kind: CloudKindName;
  /** EC2 endpoint, e.g. `http://clc:8773/services/Eucalyptus`; absent only for `aws`, where it follows from the region. */
  readonly endpoint?: string;
  readonly region: string;
  /** A session token belongs to temporary keys. */
  readonly credentials: {
    readonly accessKey: SecretRef;
    readonly secretKey: SecretRef;
    readonly sessionToken?: SecretRef;
  };
  /** PEM file with the authority that signed the endpoint's certificate (path on the worker). */
  readonly ca?: string;
  /** Public DNS name of an address, `{dashed}` standing for `192-168-55-103`. */
  readonly addressName?: string;
  /** S3 endpoint, e.g. `http://walrus:8773/services/Walrus`; absent for `aws`, and where no image is published. */
  readonly storage?: string;
}

export type Architecture = 'i386' | 'x86_64';

export const HYPERVISORS = ['kvm', 'xen'] as const;
export type Hypervisor = (typeof HYPERVISORS)[number];

/** An archive of an image store, which has kernel, ramdisk and root. Its checksum is in the catalogue. */
export interface CatalogFile {
  /** URL or path of the catalogue. */
  readonly catalog: string;
  /** What the image is called there; may be left out where there is only one for the architecture. */
  readonly entry?: string;
  readonly architecture: Architecture;
  /** Whose kernel is taken where each hypervisor has its own. */
  readonly hypervisor: Hypervisor;
  readonly sha256?: never;
}

/** Where the worker finds a file: on its own machine, behind a URL, for which the SHA-256 is required, or in an image store. */
export type ImageFile = (
  { readonly file: string; readonly sha256?: string } | { readonly url: string; readonly sha256: string } | CatalogFile
) & {
  /** Which file of an archive: its name, or the end of it. */
  readonly inside?: string;
};

/** What an image consists of: for each kind a bundle, and a registered image (EKI, ERI and EMI). In the order in which they are published. */
export const IMAGE_KINDS = ['kernel', 'ramdisk', 'machine'] as const;
export type ImageKind = (typeof IMAGE_KINDS)[number];

/** An image to be published from files: bundled, uploaded and registered, once per cloud, account, bucket and name. */
export interface ImageSpec {
  readonly name: string;
  readonly bucket: string;
  readonly architecture: Architecture;
  readonly kernel: ImageFile;
  readonly ramdisk: ImageFile;
  readonly root: ImageFile;
  readonly signing: SigningSpec;
  readonly cloudInit?: true;
}

/** PEM files of the account's credentials. Certificates are not secret: they are paths on the worker. */
export interface SigningSpec {
  /** 12 digits. */
  readonly account: string;
  readonly certificate: string;
  readonly privateKey: SecretRef;
  readonly cloudCertificate: string;
}

export interface InstanceSpec {
  readonly type: string;
  readonly zone?: string;
  readonly keyName?: string;
  /** A reference, because user data may contain secrets. */
  readonly userData?: SecretRef;
  /** More of the user data that is made for an image with cloud-init. */
  readonly cloudInit?: CloudInitSpec;
}

export interface CloudInitSpec {
  /** Sets ssh.password on the machine: then the user data has a secret in it, which every process on the machine can read. */
  readonly passwords?: true;
  /** Public keys for ssh.user. */
  readonly authorizedKeys?: readonly string[];
  /** Run early at every boot. */
  readonly bootcmd?: readonly string[];
}

export interface DnsSpec {
  readonly server: string;
  readonly port: number;
  readonly zone: string;
  /** The deployment's base name, inside `zone`, no trailing dot, lower case. */
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly tsig?: { readonly name: string; readonly algorithm: TsigAlgorithm; readonly secret: SecretRef };
  /** Replace records at the base and wildcard name that are not ours; `down` restores them. */
  readonly replace: boolean;
}

export type TsigAlgorithm = 'hmac-md5' | 'hmac-sha1' | 'hmac-sha224' | 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

export interface SshSpec {
  readonly user: string;
  readonly port: number;
  readonly password?: SecretRef;
  /** Private key file contents. */
  readonly key?: SecretRef;
  /** `SHA256:…` as `ssh-keygen -l` prints it; `console`: one of those on the instance's console; absent: pin the first key seen. */
  readonly hostKey?: string;
}

export interface NetworkSpec {
  readonly mode: 'static' | 'dhcp';
  /** Values that are absent are read on the VM (ifconfig, route -n, resolv.conf). Only for `static`. */
  readonly netmask?: string;
  readonly gateway?: string;
  readonly nameservers?: readonly string[];
  readonly search?: readonly string[];
}

export interface Timing {
  /** Polling interval. Default 5 s. */
  readonly poll: number;
  /** How long to wait after a reboot request before polling. Default 45 s. */
  readonly rebootWait: number;
  /** How long a refused login means that the account is not ready yet. Default 60 s. */
  readonly authGrace: number;
  /** How long a step may fail or wait before it needs attention. */
  readonly deadline: {
    readonly cloud: number;
    readonly dns: number;
    readonly launch: number;
    readonly ready: number;
    readonly command: number;
    readonly reboot: number;
    readonly console: number;
    /** For publishing an image; usually hours. */
    readonly publish: number;
  };
}

/** First administrator. From 3.0 on with a name, an organization and a space, before that without. */
export interface AdminSpec {
  readonly email: string;
  readonly password: SecretRef;
  readonly username?: string;
  readonly organization?: string;
  readonly space?: string;
}

export interface DeploymentSpec {
  readonly name: string;
  readonly release: ReleaseName;
  readonly cloud: CloudSpec;
  /** A registered image, or one to be published. */
  readonly image: { readonly id: string; readonly cloudInit?: true } | ImageSpec;
  readonly instance: InstanceSpec;
  /** Allocate an elastic IP, or use this one of the account. */
  readonly address: { readonly allocate: true } | { readonly ip: string };
  readonly dns: DnsSpec;
  readonly ssh: SshSpec;
  readonly network: NetworkSpec;
  readonly admin?: AdminSpec;
  /** CIDRs that may reach ssh and, at the end, the console. Default `0.0.0.0/0`. */
  readonly access: { readonly ssh: readonly string[]; readonly console: readonly string[] };
  readonly console: { readonly httpPort: number; readonly httpsPort: number };
  readonly storage?: StorageSpec;
  /** More machines than the core. `instance` and `storage` are then those of the core. */
  readonly cluster?: ClusterSpec;
  readonly timing: Timing;
}

/** Where the container store is; absent: on the root volume. */
export interface StorageSpec {
  readonly containers: ContainerPlace;
}

export interface ClusterSpec {
  /** Roles that the core gets after `kato setup core`, by the names of the release. */
  readonly coreRoles: readonly string[];
  /** In the order of the file. */
  readonly groups: readonly NodeGroup[];
  readonly rollout: Rollout;
  /** How nodes are reached by ssh: through the core, or at a public address that the cloud gives each of them. */
  readonly reach: 'core' | 'public';
}

/** Nodes that are alike. */
export interface NodeGroup {
  /** Lower case; not `core`. */
  readonly name: string;
  /** By the names of the release. */
  readonly roles: readonly string[];
  /** Nodes that it is to have; may be 0. */
  readonly count: number;
  readonly instance: InstanceSpec;
  readonly storage?: StorageSpec;
}

export interface Rollout {
  /** Most nodes that are worked on at once. Default 5. */
  readonly parallel: number;
  /** Nodes of each group that must be ready before the others of that group are begun; 0: none. Default 1. */
  readonly canary: number;
}

/** The ephemeral disk, a volume to be made (GiB), or a given one. */
export type ContainerPlace = 'ephemeral' | { readonly size: number } | { readonly id: string };

export interface DnsRecord {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  /** In presentation format, e.g. `10.1.1.103` or `"a text"`. */
  readonly data: string;
}
