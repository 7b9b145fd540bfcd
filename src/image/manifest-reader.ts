/** Reads manifests, ours and those of euca2ools, the way clouds do: cut out of the text, no parser. */

import { DeployError } from '../spec/errors';
import type { Architecture, ImageKind } from './checks';
import type { ManifestContent, ManifestPart } from './manifest';

export interface Manifest extends ManifestContent {
  /** The bytes that were signed, as Latin-1. */
  readonly signed: string;
  /** Hex, or `UNSIGNED`. */
  readonly signature: string;
}

/** What the cloud reads is at most so long. */
export const MANIFEST_LIMIT = 5 * 1024 * 1024;
const HEX = /^[0-9a-f]+$/i;
const KINDS: readonly string[] = ['machine', 'kernel', 'ramdisk'] satisfies ImageKind[];

export function readManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_LIMIT) throw broken(`has ${bytes.length} bytes, more than any cloud reads`);
  const text = Buffer.from(bytes).toString('latin1');
  const configuration = whole(text, 'machine_configuration');
  const image = whole(text, 'image');
  // The list of parts has elements of the same names as what stands before it.
  const list = whole(image, 'parts');
  const head = image.slice(0, image.indexOf(list));
  return {
    ...configurationIn(configuration),
    ...imageIn(head, configuration),
    parts: partsIn(list),
    signed: configuration + image,
    signature: inside(text.slice(text.indexOf(image) + image.length), 'signature'),
  };
}

function configurationIn(text: string): Pick<Manifest, 'architecture' | 'kernelId' | 'ramdiskId' | 'blockDevices' | 'productCodes'> {
  const kernelId = idIn(text, 'kernel_id');
  const ramdiskId = idIn(text, 'ramdisk_id');
  const blockDevices = all(text, 'mapping').map((mapping) => ({ virtual: inside(mapping, 'virtual'), device: inside(mapping, 'device') }));
  const productCodes = all(text, 'product_code');
  return {
    architecture: inside(text, 'architecture') as Architecture,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
    ...(blockDevices.length === 0 ? {} : { blockDevices }),
    ...(productCodes.length === 0 ? {} : { productCodes }),
  };
}

/** `true` is no id: it says that the bundle is a kernel or ramdisk itself. */
function idIn(text: string, name: string): string | undefined {
  const id = optional(text, name);
  return id === '' || id === 'true' ? undefined : id;
}

function imageIn(head: string, configuration: string): Omit<Manifest, 'architecture' | 'parts' | 'signed' | 'signature'> {
  return {
    prefix: inside(head, 'name'),
    account: inside(head, 'user'),
    kind: kindIn(head, configuration),
    digest: hexIn(head, 'digest'),
    size: numberIn(head, 'size'),
    bundledSize: numberIn(head, 'bundled_size'),
    keys: {
      cloudKey: inside(head, 'ec2_encrypted_key'),
      userKey: inside(head, 'user_encrypted_key'),
      cloudIv: inside(head, 'ec2_encrypted_iv'),
      userIv: inside(head, 'user_encrypted_iv'),
    },
  };
}

function kindIn(head: string, configuration: string): ImageKind {
  if (optional(configuration, 'kernel_id') === 'true') return 'kernel';
  if (optional(configuration, 'ramdisk_id') === 'true') return 'ramdisk';
  const type = optional(head, 'type') ?? 'machine';
  if (!KINDS.includes(type)) throw broken(`names the type ${JSON.stringify(type)}`);
  return type as ImageKind;
}

function partsIn(list: string): readonly ManifestPart[] {
  const parts = all(list, 'part').map((part) => ({ name: inside(part, 'filename'), sha1: hexIn(part, 'digest') }));
  const count = /^<parts count="(\d+)"/.exec(list)?.[1];
  if (count !== undefined && Number(count) !== parts.length) throw broken(`counts ${count} parts and lists ${parts.length}`);
  const outside = parts.find(({ name }) => !/^[^/\\]+$/.test(name) || name === '.' || name === '..');
  if (outside !== undefined) throw broken(`names a part ${JSON.stringify(outside.name)}`);
  return parts;
}

function hexIn(text: string, name: string): string {
  const hex = inside(text, name);
  if (!HEX.test(hex)) throw broken(`has no hexadecimal number as ${name}`);
  return hex.toLowerCase();
}

function numberIn(text: string, name: string): number {
  const number = Number(inside(text, name));
  if (!Number.isSafeInteger(number) || number < 0) throw broken(`has no size as ${name}`);
  return number;
}

function inside(text: string, name: string): string {
  const found = optional(text, name);
  if (found === undefined) throw broken(`has no <${name}>`);
  return found;
}

function optional(text: string, name: string): string | undefined {
  return all(text, name)[0];
}

/** The whole element, tags and all. */
function whole(text: string, name: string): string {
  const found = pattern(name).exec(text)?.[0];
  if (found === undefined) throw broken(`has no <${name}>`);
  return found;
}

function all(text: string, name: string): readonly string[] {
  return [...text.matchAll(pattern(name))].map((match) => (match[1] ?? '').trim());
}

function pattern(name: string): RegExp {
  return new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, 'gs');
}

function broken(what: string): DeployError {
  return new DeployError('IMAGE_MANIFEST_BROKEN', `The manifest ${what}.`);
}
