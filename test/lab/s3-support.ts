/** S3's HMAC signature, written from its specification, and bundles made by tar, gzip and openssl. */

import { execFileSync } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudAccess } from '../../lab/types';

export interface StoreReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Of an error response. */
  readonly code: string;
}

export interface StoreRequest {
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs this path instead of the requested one. */
  readonly signedPath?: string;
  readonly date?: Date;
}

type Credentials = Pick<CloudAccess, 'storage' | 'accessKey' | 'secretKey'>;

/** @param path below the path of the service, with its query */
export async function callS3(
  { storage, accessKey, secretKey }: Credentials,
  method: string,
  path: string,
  request: StoreRequest = {},
): Promise<StoreReply> {
  const url = new URL(`${storage.replace(/\/$/, '')}${path}`);
  const date = (request.date ?? new Date()).toUTCString();
  const headers: Record<string, string> = { date, ...request.headers };
  const amazon = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${headers[name] ?? ''}\n`)
    .join('');
  const text = `${method}\n${headers['content-md5'] ?? ''}\n${headers['content-type'] ?? ''}\n${date}\n${amazon}${request.signedPath ?? url.pathname}`;
  const signature = createHmac('sha1', secretKey).update(text).digest('base64');
  const body = request.body === undefined ? {} : { body: new Uint8Array(request.body) };
  const answer = await fetch(url, {
    method,
    headers: { ...headers, authorization: `AWS ${accessKey}:${signature}` },
    ...body,
  });
  const content = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: content,
    code: /<Code>([^<]*)</.exec(content)?.[1] ?? '',
  };
}

export function md5Header(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}

export interface ShellBundle {
  /** Key and contents, the manifest last. */
  readonly objects: readonly (readonly [key: string, body: Buffer])[];
  readonly manifest: string;
}

export interface BundleOptions {
  readonly prefix: string;
  readonly type: 'machine' | 'kernel' | 'ramdisk';
  readonly image: Buffer;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly user?: string;
  /** Options of tar; absent: GNU's format, not sparse. */
  readonly tar?: string;
  /** Path of the signing key; absent: the account's. */
  readonly signer?: string;
}

/** Makes a bundle of two parts. */
export function shellBundle({ signing }: CloudAccess, wish: BundleOptions): ShellBundle {
  const dir = mkdtempSync(join(tmpdir(), 'bundle-'));
  const sh = (line: string): string =>
    execFileSync('bash', ['-o', 'pipefail', '-c', line], {
      cwd: dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const sha1 = (name: string): string => sh(`sha1sum < ${name}`).slice(0, 40);
  try {
    const [key, iv] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
    writeFileSync(join(dir, 'image'), wish.image);
    sh(
      `cp --sparse=always image ${wish.prefix} && tar ${wish.tar ?? '--format=gnu'} --owner=0 --group=0 -cf tar ${wish.prefix} && gzip -c tar | openssl enc -aes-128-cbc -K ${key} -iv ${iv} > whole`,
    );
    const size = readFileSync(join(dir, 'whole')).length;
    sh(`split -b ${Math.ceil(size / 2)} -d -a 2 whole ${wish.prefix}.part.`);
    const parts = sh(`ls ${wish.prefix}.part.*`).split('\n');
    const sealed = (text: string, certificate: string): string => {
      writeFileSync(join(dir, 'text'), text);
      return sh(`openssl pkeyutl -encrypt -certin -inkey ${certificate} -in text | od -An -tx1 -v | tr -d ' \\n'`);
    };
    const list = parts
      .map(
        (name, i) =>
          `<part index="${i}"><filename>${name}</filename><digest algorithm="SHA1">${sha1(name)}</digest></part>`,
      )
      .join('');
    const configuration = `<machine_configuration><architecture>x86_64</architecture>${idsOf(wish)}</machine_configuration>`;
    const image =
      `<image><name>${wish.prefix}</name><user>${wish.user ?? signing.account}</user><type>${wish.type}</type><digest algorithm="SHA1">${sha1('tar')}</digest>` +
      `<size>${wish.image.length}</size><bundled_size>${size}</bundled_size><ec2_encrypted_key algorithm="AES-128-CBC">${sealed(key, signing.cloudCertificate)}</ec2_encrypted_key>` +
      `<user_encrypted_key algorithm="AES-128-CBC"></user_encrypted_key><ec2_encrypted_iv>${sealed(iv, signing.cloudCertificate)}</ec2_encrypted_iv><user_encrypted_iv></user_encrypted_iv>` +
      `<parts count="${parts.length}">${list}</parts></image>`;
    writeFileSync(join(dir, 'signed'), configuration + image);
    const signature = sh(
      `openssl dgst -sha1 -sign ${wish.signer ?? signing.privateKey} signed | od -An -tx1 -v | tr -d ' \\n'`,
    );
    const manifest = `${wish.prefix}.manifest.xml`;
    const xml = `<?xml version="1.0"?><manifest><version>2007-10-10</version>${configuration}${image}<signature>${signature}</signature></manifest>`;
    return {
      manifest,
      objects: [...parts.map((name) => [name, readFileSync(join(dir, name))] as const), [manifest, Buffer.from(xml)]],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function idsOf({ type, kernelId, ramdiskId }: BundleOptions): string {
  const kernel = type === 'kernel' ? 'true' : kernelId;
  const ramdisk = type === 'ramdisk' ? 'true' : ramdiskId;
  return (
    (kernel === undefined ? '' : `<kernel_id>${kernel}</kernel_id>`) +
    (ramdisk === undefined ? '' : `<ramdisk_id>${ramdisk}</ramdisk_id>`)
  );
}
