/**
 * What activities need of the outside, as interfaces: adapters and src/cloud implement them, tests fake them.
 * Every method throws DeployError with a code of deployment/errors.ts; no message holds a secret.
 */

import type { DnsAnswer } from '../dns/answers';
import type { XzProcess } from '../image';
import type { CloudSpec, DnsSpec, ImageFile, SecretRef, SshSpec, TsigAlgorithm } from '../deployment/types';

/** A resolved secret. Prints as `[secret]` whatever prints it; `reveal()` is for the moment of use. */
export interface Secret {
  reveal(): string;
}

export interface Secrets {
  /** Throws SECRET_MISSING naming the reference, never the value. */
  resolve(ref: SecretRef): Promise<Secret>;
}

/** Remembers what it resolved. */
export interface MaskingSecrets extends Secrets {
  /** Replaces every secret that was resolved, however it is written. */
  mask(text: string): string;
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
  /** Absent where the cloud names groups only (eucalyptus-3.2). */
  readonly id?: string;
  /** Holds `ownerOf(...)` for groups that are ours. */
  readonly description: string;
  readonly rules: readonly IngressRule[];
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
}

export interface LaunchRequest {
  readonly imageId: string;
  readonly type: string;
  readonly zone?: string;
  readonly keyName?: string;
  readonly userData?: Secret;
  readonly group: { readonly name: string; readonly id?: string };
  /** At most 64 characters; ignored where the cloud ignores it. */
  readonly clientToken: string;
  readonly owner: string;
}

export interface CloudImage {
  readonly id: string;
  readonly kind: 'kernel' | 'ramdisk' | 'machine';
  readonly name?: string;
  /** `bucket/key` of its manifest; empty where the cloud does not tell. */
  readonly location: string;
  /** What a machine image is bound to, where the cloud tells. */
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly state: 'pending' | 'available' | 'failed' | 'gone';
  readonly description?: string;
}

export interface RegisterRequest {
  readonly kind: CloudImage['kind'];
  readonly name: string;
  /** `bucket/key` of the manifest. */
  readonly location: string;
  readonly description: string;
  readonly architecture: 'i386' | 'x86_64';
  readonly kernelId?: string;
  readonly ramdiskId?: string;
}

/** One account on one cloud, in the cloud's dialect. */
export interface Cloud {
  /** Digest of endpoint and access key: names the account without telling the key. */
  readonly account: string;
  /** Whether addresses bear OWNER_TAG, and from when on. */
  readonly addressTags: 'none' | 'afterwards' | 'at once';
  /** Whether a launch that is asked for twice with one token happens once. */
  readonly launchesOnce: boolean;
  /** Whether an image that is registered twice under one name is refused. */
  readonly registersOnce: boolean;
  /** How long after it was given up a request may still take effect, ms. */
  readonly lateEffect: number;
  /** A cheap call that proves endpoint, credentials and clock. */
  checkAccess(): Promise<void>;
  imageExists(id: string): Promise<boolean>;
  /** Those this account registered, with what is left of them after they were deregistered. */
  ownImages(): Promise<readonly CloudImage[]>;
  /** Those of anybody that this account sees, whatever their name, whose manifest is at that `bucket/key`. */
  imagesAt(location: string): Promise<readonly CloudImage[]>;
  /** Its id; where names are unique, also that of one of that name and location that is there already. Look before: 3.2 makes another. Codes: IMAGE_NAME_TAKEN. */
  registerImage(request: RegisterRequest): Promise<string>;
  /** Gone already is fine. */
  deregisterImage(id: string): Promise<void>;
  keyPairExists(name: string): Promise<boolean>;
  /** MiB; `unknown` where this account may not ask or the cloud has no such call; `missing` where there is no such type. */
  typeMemory(type: string): Promise<number | 'unknown' | 'missing'>;
  listAddresses(): Promise<readonly CloudAddress[]>;
  allocateAddress(owner: string): Promise<CloudAddress>;
  /** Gone already is fine. */
  releaseAddress(address: CloudAddress): Promise<void>;
  associateAddress(address: CloudAddress, instanceId: string): Promise<void>;
  disassociateAddress(address: CloudAddress): Promise<void>;
  findGroup(name: string): Promise<CloudGroup | undefined>;
  createGroup(name: string, description: string): Promise<void>;
  /** There already is fine. */
  authorize(group: CloudGroup, rule: IngressRule): Promise<void>;
  /** Gone already is fine. */
  deleteGroup(group: CloudGroup): Promise<void>;
  /** Those that bear our marker (tag, else group), terminated ones included while the cloud still lists them. */
  findInstances(owner: string, groupName: string): Promise<readonly CloudInstance[]>;
  launch(request: LaunchRequest): Promise<CloudInstance>;
  /** What its serial console printed, or the end of it; empty where the cloud has none of it (yet). */
  consoleOutput(instanceId: string): Promise<string>;
  /** Gone already is fine. */
  terminate(instanceId: string): Promise<void>;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Hex; absent where the ETag is no MD5. */
  readonly md5?: string;
  /** The mark of whoever put it there, if that was one of us. Only `head` tells it. */
  readonly owner?: string;
}

export interface PutOptions {
  /** Kept with the object. */
  readonly owner?: string;
  /** Called whenever some more of it was sent. */
  readonly moved?: () => void;
}

/** The cloud's S3, in the cloud's dialect. */
export interface ObjectStore {
  /** Makes it unless it is ours. Codes: IMAGE_BUCKET_FOREIGN. */
  ensureBucket(bucket: string): Promise<void>;
  head(bucket: string, key: string): Promise<StoredObject | undefined>;
  list(bucket: string, prefix: string): Promise<readonly StoredObject[]>;
  /** `aws-exec-read`, Content-MD5 checked by the store; md5 is hex. */
  put(bucket: string, key: string, body: Buffer, md5: string, options?: PutOptions): Promise<void>;
  get(bucket: string, key: string): Promise<Buffer>;
  /** Gone already is fine. */
  remove(bucket: string, key: string): Promise<void>;
}

export interface Clouds {
  /** Resolves the credentials anew each time; clients are kept per account. */
  open(spec: CloudSpec): Promise<Cloud>;
  /** Likewise. */
  store(spec: CloudSpec): Promise<ObjectStore>;
}

// --------------------------------------------------------------------------------------------------------- images

/** Files of this machine, and a folder of our own for what must outlive the process. */
export interface ImageFiles {
  /** Its path if it is here, unread; undefined where it would have to be fetched, or does not exist. */
  find(file: ImageFile): Promise<string | undefined>;
  /** Its path, its SHA-256 verified where there is one. Codes: IMAGE_SOURCE_*, IMAGE_DISK_FULL. */
  fetch(file: ImageFile, watcher: { readonly signal: AbortSignal; report(line: string): void }): Promise<string>;
  /** Deletes what was fetched; a file of the user's is left alone. */
  forget(file: ImageFile): Promise<void>;
  /** Path for a journal of that name, in a folder that is there. What nobody has come back to for weeks is deleted by the way. */
  journal(name: string): Promise<string>;
  /** Deletes it. */
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
  /** Sends one nsupdate script (see dns/update.ts). The key goes by a pipe: no file and no argument holds it. */
  update(script: string, key: TsigKey | undefined): Promise<void>;
  /** Asks that server, without recursion, over TCP; signed, where there is a key. */
  query(server: DnsServer, name: string, type: string, key?: TsigKey): Promise<DnsAnswer>;
  /** The system's resolver: does this name resolve to this address? Never throws: no answer is `false`. */
  resolvesTo(name: string, ip: string): Promise<boolean>;
}

// ------------------------------------------------------------------------------------------------------------ ssh

export interface SshTarget {
  readonly host: string;
  readonly spec: SshSpec;
  /** Pinned keys, `SHA256:…`: it must show one of them. */
  readonly hostKeys: readonly string[];
  /** The appliance takes the first administrator's password for the unix account too: tried when ssh.password is refused. */
  readonly adminPassword?: SecretRef;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface RemoteSession {
  /** The password that logged in, for sudo; absent with a key and no ssh.password. */
  readonly password?: Secret;
  /**
   * Gives the command to /bin/sh, in English, whatever the account's login shell and language are; the answer is its alone. One channel at a
   * time (sshd's MaxSessions may be 1). Output is cut at 256 KiB. Default limit 15 s.
   * Codes: SSH_DROPPED, and where the machine never began with it SSH_SHELL, SSH_PASSWORD_EXPIRED.
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
  readonly form?: Readonly<Record<string, string>>;
}

export interface Remote {
  /** The key it shows and proves to have, `SHA256:…`, which must be one of `hostKeys`, if given. Hangs up before anything is offered. Codes: SSH_UNREACHABLE, SSH_HOST_KEY. */
  hostKey(target: Pick<SshTarget, 'host' | 'spec'> & Partial<Pick<SshTarget, 'hostKeys'>>): Promise<string>;
  /** Logs in, runs `use`, hangs up whatever happens. Codes: SSH_UNREACHABLE, SSH_AUTH, SSH_PASSWORD_EXPIRED, SSH_HOST_KEY, SSH_DROPPED. */
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
  /** GET with the name resolved to `ip` by us. Certificates are self-signed on every appliance: not checked. Codes: CONSOLE_NOT_UP. */
  get(url: string, ip: string): Promise<HttpAnswer>;
}
