/**
 * Interfaces to the outside world that activities need: implemented by src/adapters and src/cloud, faked in tests.
 * Every method throws DeployError with a code of deployment/errors.ts; no message contains a secret.
 */

import type { DnsAnswer } from '../dns/answers';
import type { CatalogImage, ConvertDisk, XzProcess } from '../image';
import type {
  Architecture,
  CloudSpec,
  DnsSpec,
  CatalogFile,
  ImageFile,
  ImageKind,
  SecretRef,
  SshSpec,
  TsigAlgorithm,
} from '../deployment/spec';

/** A resolved secret. Always prints as `[secret]`; call `reveal()` only where it is used. */
export interface Secret {
  reveal(): string;
}

/** A secret that need not be text. */
export interface SecretBytes {
  reveal(): Buffer;
}

export interface Secrets {
  /** Throws SECRET_MISSING, which names the reference and never the value. */
  resolve(ref: SecretRef): Promise<Secret>;
}

export interface AllSecrets extends Secrets {
  /** The same for what need not be text, such as gzipped user data. No newline is dropped. */
  resolveBytes(ref: SecretRef): Promise<SecretBytes>;
}

/** Remembers the secrets that it resolved. */
export interface MaskingSecrets extends AllSecrets {
  /** Replaces every resolved secret, in every common encoding. */
  mask(text: string): string;
  /** Masks this from now on: something that secrets are part of. */
  conceal(text: string): void;
}

// ---------------------------------------------------------------------------------------------------------- cloud

export interface CloudAddress {
  readonly publicIp: string;
  readonly allocationId?: string;
  readonly associationId?: string;
  readonly instanceId?: string;
  /** Value of the tag OWNER_TAG, on clouds that tag addresses. */
  readonly owner?: string;
}

export interface CloudGroup {
  readonly name: string;
  /** Absent on clouds whose groups have only names (eucalyptus-3.2). */
  readonly id?: string;
  /** Groups of ours have `ownerOf(...)` here. */
  readonly description: string;
  /** The account that it belongs to, where the cloud tells. */
  readonly ownerId?: string;
  readonly rules: readonly IngressRule[];
  /** By what rules name it: its id, or owner and name. */
  readonly key: string;
  /** The keys of the groups whose members reach all its TCP ports. */
  readonly letsIn: readonly string[];
}

/** TCP only. */
export interface IngressRule {
  readonly port: number;
  readonly cidr: string;
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface CloudInstance {
  readonly id: string;
  readonly state: InstanceState;
  readonly type: string;
  readonly publicIp?: string;
  readonly privateIp?: string;
  readonly publicDnsName?: string;
  /** Names of its security groups. */
  readonly groups: readonly string[];
  /** Value of the tag OWNER_TAG, on clouds with instance tags. */
  readonly owner?: string;
  /** Why it stopped, in the cloud's words. */
  readonly reason?: string;
  readonly zone?: string;
  /** Of its launch, where the cloud tells. */
  readonly clientToken?: string;
}

export type VolumeState = 'creating' | 'available' | 'in-use' | 'deleting' | 'gone' | 'failed';

export interface CloudVolume {
  readonly id: string;
  /** GiB. */
  readonly size: number;
  readonly zone: string;
  readonly state: VolumeState;
  /** Value of the tag OWNER_TAG, on clouds with volume tags. */
  readonly owner?: string;
  /** `attached` is false while it is being attached or detached. */
  readonly attachment?: { readonly instanceId: string; readonly attached: boolean };
  readonly fromSnapshot: boolean;
}

export interface VolumeRequest {
  /** GiB. */
  readonly size: number;
  readonly zone: string;
  readonly owner: string;
}

export interface Room {
  /** By the account's quota. */
  readonly addresses?: number;
  /** How many instances of a type the machines of a zone still have room for. Types share that room. */
  readonly capacity?: readonly { readonly zone: string; readonly type: string; readonly free: number }[];
}

export interface LaunchRequest {
  readonly imageId: string;
  readonly type: string;
  readonly zone?: string;
  readonly keyName?: string;
  readonly userData?: SecretBytes;
  readonly group: { readonly name: string; readonly id?: string };
  /** At most 64 characters. Not every cloud honours it. */
  readonly clientToken: string;
  readonly owner: string;
}

export interface CloudImage {
  readonly id: string;
  readonly kind: ImageKind;
  readonly name?: string;
  /** `bucket/key` of its manifest; empty if the cloud does not show it. */
  readonly location: string;
  /** What a machine image is bound to, if the cloud shows it. */
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly state: 'pending' | 'available' | 'failed' | 'gone';
  readonly description?: string;
}

export interface RegisterRequest {
  readonly kind: ImageKind;
  readonly name: string;
  /** `bucket/key` of the manifest. */
  readonly location: string;
  readonly description: string;
  readonly architecture: Architecture;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
}

/** One account on one cloud, in the cloud's dialect. */
export interface Cloud {
  /** Digest of endpoint and access key: identifies the account without revealing the key. */
  readonly account: string;
  /** Whether and when addresses get OWNER_TAG. */
  readonly addressTags: 'none' | 'afterwards' | 'at once';
  /** Whether a launch that is requested twice with one client token happens once. */
  readonly launchesOnce: boolean;
  /** Whether instances get OWNER_TAG. */
  readonly tagsInstances: boolean;
  /** Whether an image that is registered twice under one name is refused. */
  readonly registersOnce: boolean;
  /** How long a request may still take effect after it was given up, ms. */
  readonly lateEffect: number;
  /** A cheap call that proves endpoint, credentials and clock. */
  checkAccess(): Promise<void>;
  imageExists(id: string): Promise<boolean>;
  /** The images that this account registered, including deregistered ones while the cloud still lists them. */
  ownImages(): Promise<readonly CloudImage[]>;
  /** All images visible to this account, of any owner and name, whose manifest is at that `bucket/key`. */
  imagesAt(location: string): Promise<readonly CloudImage[]>;
  /** @returns the image id. Where names are unique, an image with that name and location is adopted; 3.2 registers another one, so look first. Codes: IMAGE_NAME_TAKEN. */
  registerImage(request: RegisterRequest): Promise<string>;
  /** No error if it is already gone. */
  deregisterImage(id: string): Promise<void>;
  keyPairExists(name: string): Promise<boolean>;
  /** MiB; `unknown` if this account may not ask or the cloud has no such call; `missing` if there is no such type. */
  typeMemory(type: string): Promise<number | 'unknown' | 'missing'>;
  /** What this account may still make; a part is absent where the cloud does not tell it. */
  room(): Promise<Room>;
  listAddresses(): Promise<readonly CloudAddress[]>;
  allocateAddress(owner: string): Promise<CloudAddress>;
  /** No error if it is already gone. */
  releaseAddress(address: CloudAddress): Promise<void>;
  associateAddress(address: CloudAddress, instanceId: string): Promise<void>;
  disassociateAddress(address: CloudAddress): Promise<void>;
  findGroup(name: string): Promise<CloudGroup | undefined>;
  createGroup(name: string, description: string): Promise<void>;
  /** No error if it is already there. */
  authorize(group: CloudGroup, rule: IngressRule): Promise<void>;
  /** Lets the members of `source` reach all TCP ports of the members of `group`. No error if it is already so. */
  authorizeGroup(group: CloudGroup, source: CloudGroup): Promise<void>;
  /** Takes that back. No error if it is already gone. */
  revokeGroup(group: CloudGroup, source: CloudGroup): Promise<void>;
  /** No error if it is already gone. */
  deleteGroup(group: CloudGroup): Promise<void>;
  /** The instances with our owner tag or, without tags, in our group. Includes terminated ones while the cloud still lists them. */
  findInstances(owner: string, groupName: string): Promise<readonly CloudInstance[]>;
  /**
   * All instances in that group, whosever they are, and those with an owner tag that begins with `marks`: terminated ones lose their groups.
   * Includes terminated ones while the cloud still lists them.
   */
  instancesIn(groupName: string, marks: string): Promise<readonly CloudInstance[]>;
  launch(request: LaunchRequest): Promise<CloudInstance>;
  /** @returns whether it is tagged now. Only on clouds with instance tags. */
  tagInstance(id: string, owner: string): Promise<boolean>;
  /** The output of its serial console, or the end of it; empty if the cloud has none (yet). */
  consoleOutput(instanceId: string): Promise<string>;
  /** No error if it is already gone. */
  terminate(instanceId: string): Promise<void>;
  /** Whether and when volumes get OWNER_TAG. */
  readonly volumeTags: 'none' | 'afterwards' | 'at once';
  /** All volumes of the account, including deleted ones while the cloud still lists them. */
  listVolumes(): Promise<readonly CloudVolume[]>;
  createVolume(request: VolumeRequest): Promise<CloudVolume>;
  /** @returns whether it is tagged now */
  tagVolume(id: string, owner: string): Promise<boolean>;
  /** @param device a name that not every cloud respects */
  attachVolume(id: string, instanceId: string, device: string): Promise<void>;
  /** No error if it is already gone. */
  deleteVolume(id: string): Promise<void>;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Hex; absent if the ETag is not an MD5. */
  readonly md5?: string;
  /** The owner mark in its metadata. Only `head` returns it. */
  readonly owner?: string;
}

export interface PutOptions {
  /** The owner mark, stored in the object's metadata. */
  readonly owner?: string;
  /** Called whenever more bytes were sent. */
  readonly onProgress?: () => void;
}

/** The cloud's S3, in the cloud's dialect. */
export interface ObjectStore {
  /** Creates the bucket unless we own it. Codes: IMAGE_BUCKET_FOREIGN. */
  ensureBucket(bucket: string): Promise<void>;
  head(bucket: string, key: string): Promise<StoredObject | undefined>;
  list(bucket: string, prefix: string): Promise<readonly StoredObject[]>;
  /** With the ACL `aws-exec-read` and Content-MD5. @param md5 hex */
  put(bucket: string, key: string, body: Buffer, md5: string, options?: PutOptions): Promise<void>;
  get(bucket: string, key: string): Promise<Buffer>;
  /** No error if it is already gone. */
  remove(bucket: string, key: string): Promise<void>;
}

export interface Clouds {
  /** Resolves the credentials each time; clients are cached per account. */
  open(spec: CloudSpec): Promise<Cloud>;
  /** Like `open`. */
  store(spec: CloudSpec): Promise<ObjectStore>;
}

// --------------------------------------------------------------------------------------------------------- images

/** Image files on this machine, and a folder of our own for what must outlive the process. */
export interface ImageFiles {
  /** Its path, if it is on this machine; undefined if it does not exist or must be downloaded. Does not read it. */
  find(file: ImageFile): Promise<string | undefined>;
  /** Downloads the file if necessary and verifies its SHA-256, if there is one. @returns its path. Codes: IMAGE_SOURCE_*, IMAGE_DISK_FULL. */
  fetch(file: ImageFile, watcher: { readonly signal: AbortSignal; report(line: string): void }): Promise<string>;
  /** What the catalogue says of the archive that is meant; the same until `forget`. Codes: IMAGE_CATALOG, IMAGE_SOURCE_*. */
  catalogImage(
    file: CatalogFile,
    watcher: { readonly signal: AbortSignal; report(line: string): void },
  ): Promise<CatalogImage>;
  /** Converts disks of other formats. Codes: IMAGE_FORMAT, IMAGE_SOURCE_DAMAGED, IMAGE_DISK_FULL. */
  convertDisk(signal: AbortSignal): ConvertDisk;
  /** Deletes a download; a file of the user's is left alone. */
  forget(file: ImageFile): Promise<void>;
  /** The path of that journal; its folder exists. Also deletes journals that were not used for weeks. */
  journal(name: string): Promise<string>;
  /** Deletes that journal. */
  discardJournal(name: string): Promise<void>;
  /** Starts a process that unpacks xz. */
  xz(): XzProcess;
}

// ------------------------------------------------------------------------------------------------------------ DNS

export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Secret;
}

export type DnsServer = Pick<DnsSpec, 'server' | 'port' | 'zone'>;

export interface Dns {
  /** Sends one nsupdate script (see dns/update.ts). The key goes through a pipe, never into a file or an argument. */
  update(script: string, key: TsigKey | undefined): Promise<void>;
  /** Queries that server over TCP, without recursion; signed, if there is a key. */
  query(server: DnsServer, name: string, type: string, key?: TsigKey): Promise<DnsAnswer>;
  /** Whether the system's resolver resolves the name to this address. Never throws: no answer is `false`. */
  resolvesTo(name: string, ip: string): Promise<boolean>;
}

// ------------------------------------------------------------------------------------------------------------ ssh

export interface SshTarget {
  readonly host: string;
  readonly spec: SshSpec;
  /** Pinned keys, `SHA256:…`: the machine must have one of them. */
  readonly hostKeys: readonly string[];
  /** Tried if ssh.password is refused: the appliance sets the first administrator's password for the unix account too. */
  readonly adminPassword?: SecretRef;
  /** Tries the password of the factory last: cloud-init may not have set ssh.password yet. */
  readonly orFactoryPassword?: boolean;
  /** The core of the cluster, through which a node without an address of its own is reached: its sshd connects to `host`. */
  readonly via?: Omit<SshTarget, 'via'>;
}

/** A machine that shows its host key, to whoever is not logged in yet. */
export type SshHost = Pick<SshTarget, 'host' | 'spec' | 'via'> & Partial<Pick<SshTarget, 'hostKeys'>>;

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface RemoteSession {
  /** The password of the login, for sudo; absent for a login by key without ssh.password. */
  readonly password?: Secret;
  /**
   * Runs the command with /bin/sh, in English, whatever the account's login shell and language are. Returns only its own output, cut at
   * 256 KiB. One channel at a time (sshd's MaxSessions may be 1). Default timeout 15 s.
   * Codes: SSH_DROPPED; if the command never started, SSH_SHELL or SSH_PASSWORD_EXPIRED.
   */
  exec(command: string, options?: { stdin?: string; timeoutMs?: number }): Promise<ExecResult>;
  /** An HTTPS request to the machine's own 127.0.0.1, through the connection; the certificate is not checked. Codes: CONSOLE_NOT_UP, SSH_FORWARDING. */
  https(request: LocalHttpsRequest): Promise<HttpAnswer>;
}

export interface LocalHttpsRequest {
  readonly port: number;
  readonly host: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The body: a form, or JSON. */
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: Readonly<Record<string, string | boolean>>;
}

export interface Remote {
  /**
   * The machine's proven host key, `SHA256:…`, which must be one of `hostKeys`, if given. Disconnects before it sends any credentials to it;
   * `via` is logged in to. Codes: SSH_UNREACHABLE, SSH_HOST_KEY; with `via`, those of its login and SSH_FORWARDING.
   */
  hostKey(host: SshHost): Promise<string>;
  /**
   * Logs in, runs `use`, and always disconnects. Codes: SSH_UNREACHABLE, SSH_AUTH, SSH_PASSWORD_EXPIRED, SSH_HOST_KEY, SSH_DROPPED; with
   * `via`, SSH_FORWARDING. What fails on the way to a node names the core.
   */
  withSession<T>(target: SshTarget, use: (session: RemoteSession) => Promise<T>): Promise<T>;
}

// ----------------------------------------------------------------------------------------------------------- HTTP

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Cut at 64 KiB. */
  readonly body: string;
}

export interface Http {
  /** GET with the host name resolved to `ip`. Certificates are not checked: every appliance signs its own. Codes: CONSOLE_NOT_UP. */
  get(url: string, ip: string): Promise<HttpAnswer>;
}
