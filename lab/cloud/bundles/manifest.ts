/** Reads a bundle's manifest as the cloud does: its values from the XML, and what was signed from the raw text. */

import { X509Certificate, createVerify } from 'node:crypto';
import { XMLParser, XMLValidator } from 'fast-xml-parser';

export interface ManifestPart {
  readonly filename: string;
  readonly sha1: string;
}

export interface Manifest {
  /** The bytes as Latin-1. */
  readonly raw: string;
  readonly name: string;
  readonly user: string;
  readonly type: string;
  readonly architecture: string;
  readonly kernelId: string;
  readonly ramdiskId: string;
  readonly sha1: string;
  readonly size: number;
  readonly bundledSize: number;
  readonly encryptedKey: string;
  readonly encryptedIv: string;
  readonly parts: readonly ManifestPart[];
  readonly signature: string;
}

interface Tree {
  readonly '?xml'?: unknown;
  readonly manifest?: {
    readonly machine_configuration?: {
      readonly architecture?: string;
      readonly kernel_id?: string;
      readonly ramdisk_id?: string;
    };
    readonly image?: {
      readonly name?: string;
      readonly user?: string;
      readonly type?: string;
      readonly digest?: string;
      readonly size?: string;
      readonly bundled_size?: string;
      readonly ec2_encrypted_key?: string;
      readonly ec2_encrypted_iv?: string;
      readonly parts?: { readonly part?: readonly { readonly filename?: string; readonly digest?: string }[] };
    };
    readonly signature?: string;
  };
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => name === 'part' });

/**
 * Undefined if it is not a manifest. All releases use a strict parser, which refuses a truncated document or text after
 * its end.
 */
export function manifestIn(bytes: Buffer): Manifest | undefined {
  const raw = bytes.toString('latin1');
  if (XMLValidator.validate(raw) !== true) return undefined;
  const { '?xml': _declaration, manifest, ...others } = parser.parse(raw) as Tree;
  if (Object.keys(others).length > 0) return undefined;
  const { machine_configuration: machine, image, signature = '' } = manifest ?? {};
  if (machine === undefined || image === undefined) return undefined;
  return {
    raw,
    signature,
    name: image.name ?? '',
    user: image.user ?? '',
    type: image.type ?? '',
    architecture: machine.architecture ?? '',
    kernelId: machine.kernel_id ?? '',
    ramdiskId: machine.ramdisk_id ?? '',
    sha1: image.digest ?? '',
    size: Number(image.size),
    bundledSize: Number(image.bundled_size),
    encryptedKey: image.ec2_encrypted_key ?? '',
    encryptedIv: image.ec2_encrypted_iv ?? '',
    parts: (image.parts?.part ?? []).map(({ filename = '', digest = '' }) => ({ filename, sha1: digest })),
  };
}

/** Checks the signature: SHA1withRSA over the text of two elements. */
export function signedBy({ raw, signature }: Manifest, certificate: string): boolean {
  const text = elementText(raw, 'machine_configuration') + elementText(raw, 'image');
  return createVerify('RSA-SHA1')
    .update(text, 'latin1')
    .verify(new X509Certificate(certificate).publicKey, signature, 'hex');
}

function elementText(raw: string, name: string): string {
  const [open, close] = [`<${name}>`, `</${name}>`];
  const start = raw.indexOf(open);
  const end = raw.indexOf(close, start);
  return start === -1 || end === -1 ? '' : raw.slice(start, end + close.length);
}
