/** Reads manifests, ours and those of euca2ools: as XML, and what was signed as clouds cut it out of the text. */

import type { Architecture, ImageKind } from './checks';
import type { ManifestContent, ManifestKeys, ManifestPart } from './manifest';
import { broken, readXml } from './manifest-xml';
import type { Element } from './manifest-xml';

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
  const manifest = readXml(text);
  if (manifest.name !== 'manifest') throw broken(`is something else: a <${manifest.name}>`);
  const configuration = needed(manifest, 'machine_configuration');
  const image = needed(manifest, 'image');
  return {
    ...configurationIn(configuration),
    ...imageIn(image, configuration),
    parts: partsIn(needed(image, 'parts')),
    signed: asClouds(text, configuration) + asClouds(text, image),
    signature: inside(manifest, 'signature'),
  };
}

/** Clouds look for the tags alone, wherever they stand: in a comment before, for one. What they would cut must be what is read here. */
function asClouds(text: string, { name, start, end }: Element): string {
  const [first, last] = [text.indexOf(`<${name}>`), text.indexOf(`</${name}>`)];
  if ((first !== -1 && first !== start) || last + name.length + '</>'.length !== end)
    throw broken(`has a tag of <${name}> outside of that element`);
  return text.slice(start, end);
}

function configurationIn(
  configuration: Element,
): Pick<Manifest, 'architecture' | 'kernelId' | 'ramdiskId' | 'blockDevices' | 'productCodes'> {
  const kernelId = idIn(configuration, 'kernel_id');
  const ramdiskId = idIn(configuration, 'ramdisk_id');
  // Their lists have more than one name.
  const listed = configuration.children.flatMap(({ children }) => children);
  const blockDevices = listed
    .filter(({ name }) => name === 'mapping')
    .map((mapping) => ({ virtual: inside(mapping, 'virtual'), device: inside(mapping, 'device') }));
  const productCodes = listed.filter(({ name }) => name === 'product_code').map(({ text }) => text.trim());
  return {
    architecture: inside(configuration, 'architecture') as Architecture,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
    ...(blockDevices.length === 0 ? {} : { blockDevices }),
    ...(productCodes.length === 0 ? {} : { productCodes }),
  };
}

/** `true` is no id: it says that the bundle is a kernel or ramdisk itself. */
function idIn(configuration: Element, name: string): string | undefined {
  const id = optional(configuration, name);
  return id === '' || id === 'true' ? undefined : id;
}

function imageIn(
  image: Element,
  configuration: Element,
): Omit<Manifest, 'architecture' | 'parts' | 'signed' | 'signature'> {
  return {
    prefix: inside(image, 'name'),
    account: inside(image, 'user'),
    kind: kindIn(image, configuration),
    digest: hexIn(image, 'digest'),
    size: numberIn(image, 'size'),
    bundledSize: numberIn(image, 'bundled_size'),
    keys: keysIn(image),
  };
}

/** Whoever bundles without a certificate of the user leaves the elements empty, or out. */
function keysIn(image: Element): ManifestKeys {
  const key = (name: string): string => optional(image, name) ?? '';
  return {
    cloudKey: key('ec2_encrypted_key'),
    userKey: key('user_encrypted_key'),
    cloudIv: key('ec2_encrypted_iv'),
    userIv: key('user_encrypted_iv'),
  };
}

function kindIn(image: Element, configuration: Element): ImageKind {
  if (optional(configuration, 'kernel_id') === 'true') return 'kernel';
  if (optional(configuration, 'ramdisk_id') === 'true') return 'ramdisk';
  const type = optional(image, 'type') ?? 'machine';
  if (!KINDS.includes(type)) throw broken(`names the type ${JSON.stringify(type)}`);
  return type as ImageKind;
}

function partsIn(list: Element): readonly ManifestPart[] {
  const parts = list.children
    .filter(({ name }) => name === 'part')
    .map((part) => ({ name: inside(part, 'filename'), sha1: hexIn(part, 'digest') }));
  const count = list.attributes.get('count');
  if (count !== undefined && count !== String(parts.length))
    throw broken(`counts ${count} parts and lists ${parts.length}`);
  const outside = parts.find(({ name }) => !/^[^/\\\p{Cc}]+$/u.test(name) || name === '.' || name === '..');
  if (outside !== undefined) throw broken(`names a part ${JSON.stringify(outside.name)}`);
  return parts;
}

function hexIn(element: Element, name: string): string {
  const hex = inside(element, name);
  if (!HEX.test(hex)) throw broken(`has no hexadecimal number as ${name}`);
  return hex.toLowerCase();
}

function numberIn(element: Element, name: string): number {
  const text = inside(element, name);
  const number = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number)) throw broken(`has no size as ${name}`);
  return number;
}

function inside(element: Element, name: string): string {
  return needed(element, name).text.trim();
}

function optional({ children }: Element, name: string): string | undefined {
  return children.find((child) => child.name === name)?.text.trim();
}

function needed({ children }: Element, name: string): Element {
  const found = children.find((child) => child.name === name);
  if (found === undefined) throw broken(`has no <${name}>`);
  return found;
}
