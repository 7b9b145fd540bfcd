/**
 * What a deployment is, after the loader has filled in every default: workflows and activities never guess.
 * Plain data only. Times are milliseconds, sizes are MiB. Secrets are references, resolved on the worker at the moment of use.
 */

import type { ReleaseName } from './releases';

/** Where a secret is: a variable of the worker's environment, or a file the worker can read (its last newline is dropped). */
export type SecretRef = { readonly env: string } | { readonly file: string };

export type CloudKindName = 'eucalyptus-3.2' | 'eucalyptus-3.4' | 'eucalyptus-4.4' | 'eucalyptus-5.1' | 'aws';

export interface CloudSpec {
  readonly kind: CloudKindName;
  /** EC2 endpoint, e.g. `http://clc:8773/services/Eucalyptus`; absent only for `aws`, where the region decides. */
  readonly endpoint?: string;
  readonly region: string;
  /** The token belongs to keys that are temporary. */
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

/** Where the worker finds a file: on its own machine, or behind a URL, which is nothing without the SHA-256 of what is there. */
export type ImageFile = (
  { readonly file: string; readonly sha256?: string } | { readonly url: string; readonly sha256: string }
) & {
  /** Of the files in an archive, the one that is meant: its name, or the end of it. */
  readonly inside?: string;
};

/** An image to be made of files: bundled, uploaded and registered, once per cloud, account, bucket and name. */
export interface ImageSpec {
  readonly name: string;
  readonly bucket: string;
  readonly architecture: Architecture;
  readonly kernel: ImageFile;
  readonly ramdisk: ImageFile;
  readonly root: ImageFile;
  readonly signing: SigningSpec;
}

/** PEM files of the account's credentials; certificates are no secrets, and are paths on the worker. */
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
  /** User data may carry secrets, so it is a reference too. */
  readonly userData?: SecretRef;
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
  /** Take over records at the base and wildcard name that are not ours; `down` puts them back. */
  readonly replace: boolean;
}

export type TsigAlgorithm = 'hmac-md5' | 'hmac-sha1' | 'hmac-sha224' | 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';

export interface SshSpec {
  readonly user: string;
  readonly port: number;
  readonly password?: SecretRef;
  /** Private key file contents. */
  readonly key?: SecretRef;
  /** `SHA256:…` as ssh-keygen -l prints it; `console`: one of those on the instance's console; absent: the key of the first sight is pinned. */
  readonly hostKey?: string;
}

export interface NetworkSpec {
  readonly mode: 'static' | 'dhcp';
  /** Each value left out is read on the VM (ifconfig, route -n, the resolver's file). Static only. */
  readonly netmask?: string;
  readonly gateway?: string;
  readonly nameservers?: readonly string[];
  readonly search?: readonly string[];
}

export interface Timing {
  /** Pause between two looks at something that takes time. Default 5 s. */
  readonly poll: number;
  /** How long the reboot is left alone before the first look. Default 45 s. */
  readonly rebootWait: number;
  /** How long a refused login counts as "account not there yet". Default 60 s. */
  readonly authGrace: number;
  /** How long a step may go on failing or waiting before it needs attention. */
  readonly deadline: {
    readonly cloud: number;
    readonly dns: number;
    readonly launch: number;
    readonly ready: number;
    readonly command: number;
    readonly reboot: number;
    readonly console: number;
    /** Of specs with an image to publish; hours. */
    readonly publish: number;
  };
}

export interface DeploymentSpec {
  readonly name: string;
  readonly release: ReleaseName;
  readonly cloud: CloudSpec;
  /** Registered already, or to be published. */
  readonly image: { readonly id: string } | ImageSpec;
  readonly instance: InstanceSpec;
  /** Allocate one, or use this one of the account. */
  readonly address: { readonly allocate: true } | { readonly ip: string };
  readonly dns: DnsSpec;
  readonly ssh: SshSpec;
  readonly network: NetworkSpec;
  readonly admin?: { readonly email: string; readonly password: SecretRef };
  /** Who may reach ssh and, at the end, the console. CIDRs; default `0.0.0.0/0`. */
  readonly access: { readonly ssh: readonly string[]; readonly console: readonly string[] };
  readonly console: { readonly httpPort: number; readonly httpsPort: number };
  readonly timing: Timing;
}

export interface DnsRecord {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  /** In presentation format, e.g. `10.1.1.103` or `"a text"`. */
  readonly data: string;
}
