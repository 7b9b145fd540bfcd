/** Images, credentials and independent tools for the tests of bundles: nothing here uses src/image to check src/image. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCipheriv, randomBytes } from 'node:crypto';
import type { BundleFacts, BundleOptions, Credentials, Part } from '../../src/image';
import { openBundle, openFile, readIdentity, writeBundle } from '../../src/image';

export const FACTS: BundleFacts = {
  prefix: 'stackato',
  kind: 'machine',
  architecture: 'x86_64',
  account: '123456789012',
};

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'stackato-image-'));
}

/** Runs a line in the shell; returns its output, trimmed. */
export function shell(line: string, cwd: string): string {
  return execFileSync('bash', ['-o', 'pipefail', '-c', line], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** Pairs of key and certificate, made with openssl once per process. */
const pairs = new Map<string, { key: string; certificate: string }>();
export function pair(name: string): { key: string; certificate: string } {
  const made = pairs.get(name) ?? newPair(name);
  pairs.set(name, made);
  return made;
}

function newPair(name: string): { key: string; certificate: string } {
  const folder = tempFolder();
  try {
    shell(`openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 30 -subj /CN=${name}`, folder);
    return {
      key: readFileSync(join(folder, 'key'), 'utf8'),
      certificate: readFileSync(join(folder, 'certificate'), 'utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function credentials(): Credentials {
  return {
    privateKey: pair('user').key,
    certificate: pair('user').certificate,
    cloudCertificate: pair('cloud').certificate,
  };
}

/** Writes the keys to files, for openssl. */
export function writeKeys(folder: string): void {
  for (const name of ['user', 'cloud']) {
    writeFileSync(join(folder, `${name}-key.pem`), pair(name).key);
    writeFileSync(join(folder, `${name}-cert.pem`), pair(name).certificate);
  }
}

/** Writes pieces at the given offsets, with holes between them. */
export function sparseFile(path: string, size: number, pieces: Readonly<Record<number, Buffer>> = {}): string {
  writeFileSync(path, '');
  truncateSync(path, size);
  for (const [at, bytes] of Object.entries(pieces))
    execFileSync('dd', [`of=${path}`, 'bs=1M', 'conv=notrunc', 'oflag=seek_bytes', `seek=${at}`], {
      input: bytes,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  return path;
}

/** Does not compress, so that 10 MiB make a part. */
export function noise(length: number): Buffer {
  return randomBytes(length);
}

/** Text that compresses a little and does not repeat; always the same. */
export function words(length: number): Buffer {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
  return Buffer.from(stream.toString('base64').slice(0, length));
}

export interface Bundled {
  readonly folder: string;
  readonly manifest: string;
  readonly parts: readonly Part[];
}

/** Bundles a file into a folder; parts that were there already come without bytes. */
export async function bundleTo(
  folder: string,
  path: string,
  facts: Partial<BundleFacts> = {},
  options: BundleOptions = {},
): Promise<Bundled> {
  const source = await openFile({ path });
  const parts: Part[] = [];
  try {
    const bundle = await openBundle(
      { source, facts: { ...FACTS, ...facts }, identity: readIdentity(credentials()) },
      options,
    );
    const manifest = await writeBundle(bundle, folder, (part) => void parts.push(part));
    return { folder, manifest: readFileSync(manifest, 'utf8'), parts };
  } finally {
    await source.close();
  }
}

/** The content of an element. */
export function xml(manifest: string, path: string, element: string): string {
  const found = new RegExp(`<${path}>.*?<${element}[^>]*>([^<]*)</${element}>`, 's').exec(manifest)?.[1];
  if (found === undefined) throw new Error(`no ${element} in ${path}`);
  return found;
}

export interface Opened {
  readonly key: string;
  readonly iv: string;
}

/** Decrypts key and IV of a bundle with openssl. */
export function keysIndependently(folder: string, manifest: string, holder: 'user' | 'cloud'): Opened {
  writeKeys(folder);
  const field = holder === 'user' ? 'user' : 'ec2';
  const decrypt = (element: string): string => {
    writeFileSync(join(folder, 'encrypted'), Buffer.from(xml(manifest, 'image', element), 'hex'));
    return shell(`openssl pkeyutl -decrypt -inkey ${holder}-key.pem -in encrypted`, folder);
  };
  return { key: decrypt(`${field}_encrypted_key`), iv: decrypt(`${field}_encrypted_iv`) };
}

/** Opens a bundle with openssl and gzip; writes `archive.tar` and returns its SHA-1. */
export function openIndependently(folder: string, manifest: string): Opened & { readonly sha1: string } {
  const { key, iv } = keysIndependently(folder, manifest, 'cloud');
  const names = [...manifest.matchAll(/<filename>([^<]+)/g)].map((match) => match[1]).join(' ');
  shell(`cat ${names} | openssl enc -d -aes-128-cbc -K ${key} -iv ${iv} | gzip -dc > archive.tar`, folder);
  return { sha1: shell('sha1sum < archive.tar', folder).split(' ')[0] ?? '', key, iv };
}

export async function rejects(work: () => Promise<unknown>, code: string): Promise<void> {
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error) || !('code' in error) || error.code !== code)
    throw new Error(`expected ${code}, got ${String(error)}`);
}
