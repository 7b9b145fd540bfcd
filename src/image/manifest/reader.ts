/** Reads manifests, ours and those of euca2ools: the values as XML, the signed text as clouds cut it out. */

import { IMAGE_KINDS } from '../../deployment/spec';
import type { ImageKind } from '../../deployment/spec';
import type { ManifestContent, ManifestKeys, ManifestPart } from './writer';
import { badManifest, readXml } from './xml';
import type { Element } from './xml';

export interface Manifest extends Omit<ManifestContent, 'architecture'> {
  /** As it is written: other programs may know more of them. */
  readonly architecture: string;
  /** The bytes that were signed, as Latin-1. */
  readonly signed: string;
  /** Hex, or `UNSIGNED`. */
  readonly signature: string;
}

/** Clouds read no larger manifest. */
export const MANIFEST_LIMIT = 5 * 1024 * 1024;
const HEX = /^[0-9a-f]+$/i;

export function readManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_LIMIT) throw badManifest(`has ${bytes.length} bytes, more than any cloud reads`);
  const text = Buffer.from(bytes).toString('latin1');
  const manifest = readXml(text);
  if (manifest.name !== 'manifest') throw badManifest(`is something else: a <${manifest.name}>`);
  const configuration = child(manifest, 'machine_configuration');
  const image = child(manifest, 'image');
  return {
    ...readConfiguration(configuration),
    ...readImage(image, configuration),
    parts: readParts(child(image, 'parts')),
    signed: signedElement(text, configuration) + signedElement(text, image),
    signature: requiredText(manifest, 'signature'),
  };
}

/** Clouds search for the tags only, even inside a comment. What they would cut out must be what is read here. */
function signedElement(text: string, { name, start, end }: Element): string {
  const [first, last] = [text.indexOf(`<${name}>`), text.indexOf(`</${name}>`)];
  if ((first !== -1 && first !== start) || last + name.length + '</>'.length !== end)
    throw badManifest(`has a tag of <${name}> outside of that element`);
  return text.slice(start, end);
}

function readConfiguration(
  configuration: Element,
): Pick<Manifest, 'architecture' | 'kernelId' | 'ramdiskId' | 'blockDevices' | 'productCodes'> {
  const kernelId = readId(configuration, 'kernel_id');
  const ramdiskId = readId(configuration, 'ramdisk_id');
  // The lists around them have different names in different programs.
  const listed = configuration.children.flatMap(({ children }) => children);
  const blockDevices = listed
    .filter(({ name }) => name === 'mapping')
    .map((mapping) => ({ virtual: requiredText(mapping, 'virtual'), device: requiredText(mapping, 'device') }));
  const productCodes = listed.filter(({ name }) => name === 'product_code').map(({ text }) => text.trim());
  return {
    architecture: requiredText(configuration, 'architecture'),
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
    ...(blockDevices.length === 0 ? {} : { blockDevices }),
    ...(productCodes.length === 0 ? {} : { productCodes }),
  };
}

/** `true` is not an id: the bundle itself is a kernel or ramdisk. */
function readId(configuration: Element, name: string): string | undefined {
  const id = optionalText(configuration, name);
  return id === '' || id === 'true' ? undefined : id;
}

function readImage(
  image: Element,
  configuration: Element,
): Omit<Manifest, 'architecture' | 'parts' | 'signed' | 'signature'> {
  return {
    prefix: requiredText(image, 'name'),
    account: requiredText(image, 'user'),
    kind: readKind(image, configuration),
    digest: readHex(image, 'digest'),
    size: readNumber(image, 'size'),
    bundledSize: readNumber(image, 'bundled_size'),
    keys: readKeys(image),
  };
}

/** Programs that bundle without the user's certificate leave the elements empty, or leave them out. */
function readKeys(image: Element): ManifestKeys {
  const key = (name: string): string => optionalText(image, name) ?? '';
  return {
    cloudKey: key('ec2_encrypted_key'),
    userKey: key('user_encrypted_key'),
    cloudIv: key('ec2_encrypted_iv'),
    userIv: key('user_encrypted_iv'),
  };
}

function readKind(image: Element, configuration: Element): ImageKind {
  if (optionalText(configuration, 'kernel_id') === 'true') return 'kernel';
  if (optionalText(configuration, 'ramdisk_id') === 'true') return 'ramdisk';
  const type = optionalText(image, 'type') ?? 'machine';
  const kind = IMAGE_KINDS.find((each) => each === type);
  if (kind === undefined) throw badManifest(`names the type ${JSON.stringify(type)}`);
  return kind;
}

function readParts(list: Element): readonly ManifestPart[] {
  const parts = list.children
    .filter(({ name }) => name === 'part')
    .map((part) => ({ name: requiredText(part, 'filename'), sha1: readHex(part, 'digest') }));
  const count = list.attributes.get('count');
  if (count !== undefined && count !== String(parts.length))
    throw badManifest(`counts ${count} parts and lists ${parts.length}`);
  const outside = parts.find(({ name }) => !/^[^/\\\p{Cc}]+$/u.test(name) || name === '.' || name === '..');
  if (outside !== undefined) throw badManifest(`names a part ${JSON.stringify(outside.name)}`);
  return parts;
}

function readHex(element: Element, name: string): string {
  const hex = requiredText(element, name);
  if (!HEX.test(hex)) throw badManifest(`has no hexadecimal number as ${name}`);
  return hex.toLowerCase();
}

function readNumber(element: Element, name: string): number {
  const text = requiredText(element, name);
  const number = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number)) throw badManifest(`has no size as ${name}`);
  return number;
}

function requiredText(element: Element, name: string): string {
  return child(element, name).text.trim();
}

function optionalText({ children }: Element, name: string): string | undefined {
  return children.find((each) => each.name === name)?.text.trim();
}

function child({ children }: Element, name: string): Element {
  const found = children.find((each) => each.name === name);
  if (found === undefined) throw badManifest(`has no <${name}>`);
  return found;
}
