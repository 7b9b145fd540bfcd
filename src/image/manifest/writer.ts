/**
 * Writes the manifest of a bundle. Clouds cut two elements out of the raw text and verify the signature over exactly those bytes, so both
 * are made once, signed, and written unchanged. The order of elements matters to AWS, and no cloud needs white space between them.
 */

import type { ImageKind } from '../../deployment/spec';
import type { BundleFacts } from '../bundle/facts';

export interface ManifestPart {
  readonly name: string;
  /** Hex. */
  readonly sha1: string;
}

/** Encrypted, hex. */
export interface ManifestKeys {
  readonly cloudKey: string;
  readonly userKey: string;
  readonly cloudIv: string;
  readonly userIv: string;
}

export interface ManifestContent extends BundleFacts {
  /** SHA-1 of the tar archive, hex. */
  readonly digest: string;
  /** Of the raw image. */
  readonly size: number;
  readonly bundledSize: number;
  readonly keys: ManifestKeys;
  readonly parts: readonly ManifestPart[];
}

/** The version of the format, not of the product: a new release must not change the manifest of a bundle. */
const BUNDLER = element(
  'bundler',
  element('name', 'stackato-deploy') + element('version', '1') + element('release', '0'),
);

export function manifestName(prefix: string): string {
  return `${prefix}.manifest.xml`;
}

/** `sign` returns the signature of a text, in hex. All values have passed checkFacts, so none needs escaping. */
export function writeManifest(content: ManifestContent, sign: (text: string) => string): string {
  const configuration = element('machine_configuration', configurationContent(content));
  const image = element('image', imageContent(content));
  const signature = element('signature', sign(configuration + image));
  return `<?xml version="1.0"?>${element('manifest', element('version', '2007-10-10') + BUNDLER + configuration + image + signature)}`;
}

/** Kernels and ramdisks have `true` in place of an id; only newer clouds read the type. */
const IDS: Readonly<
  Record<ImageKind, (content: ManifestContent) => { readonly kernel?: string; readonly ramdisk?: string }>
> = {
  machine: ({ kernelId, ramdiskId }) => ({
    ...(kernelId === undefined ? {} : { kernel: kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdisk: ramdiskId }),
  }),
  kernel: () => ({ kernel: 'true' }),
  ramdisk: () => ({ ramdisk: 'true' }),
};

function configurationContent(content: ManifestContent): string {
  const { kernel, ramdisk } = IDS[content.kind](content);
  // AWS requires `virtual` before `device`.
  const mappings = (content.blockDevices ?? []).map(({ virtual, device }) =>
    element('mapping', element('virtual', virtual) + element('device', device)),
  );
  const codes = (content.productCodes ?? []).map((code) => element('product_code', code));
  return [
    element('architecture', content.architecture),
    mappings.length === 0 ? '' : element('block_device_mapping', mappings.join('')),
    codes.length === 0 ? '' : element('product_codes', codes.join('')),
    kernel === undefined ? '' : element('kernel_id', kernel),
    ramdisk === undefined ? '' : element('ramdisk_id', ramdisk),
  ].join('');
}

function imageContent({ prefix, account, kind, digest, size, bundledSize, keys, parts }: ManifestContent): string {
  const listed = parts.map(
    ({ name, sha1 }, index) => `<part index="${index}">${element('filename', name)}${digestElement(sha1)}</part>`,
  );
  return [
    element('name', prefix),
    element('user', account),
    element('type', kind),
    digestElement(digest),
    element('size', String(size)),
    element('bundled_size', String(bundledSize)),
    `<ec2_encrypted_key algorithm="AES-128-CBC">${keys.cloudKey}</ec2_encrypted_key>`,
    `<user_encrypted_key algorithm="AES-128-CBC">${keys.userKey}</user_encrypted_key>`,
    element('ec2_encrypted_iv', keys.cloudIv),
    element('user_encrypted_iv', keys.userIv),
    `<parts count="${parts.length}">${listed.join('')}</parts>`,
  ].join('');
}

function digestElement(sha1: string): string {
  return `<digest algorithm="SHA1">${sha1}</digest>`;
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
