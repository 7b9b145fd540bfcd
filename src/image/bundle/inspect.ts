/** Checks a manifest or a whole bundle. Every check is made, whatever the others find. */

import { createPublicKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { DeployError } from '../../deployment/errors';
import { readManifest } from '../manifest/reader';
import type { Manifest } from '../manifest/reader';
import type { ManifestPart } from '../manifest/writer';
import { decryptKey, wrongKeyReason } from './bundle-key';
import type { DecryptedKey } from './bundle-key';
import { verifyText } from './credentials';
import { extractImage, readParts } from './unbundle';
import type { PartDigest, ReadPart } from './unbundle';

export type CheckId = 'form' | 'signature' | 'key' | 'parts' | 'content';

export interface Check {
  readonly id: CheckId;
  /** `open`: not made, because something it needs was not given, or an earlier check failed. */
  readonly result: 'passed' | 'failed' | 'open';
  readonly detail: string;
}

export interface Verdict {
  /** Nothing failed. */
  readonly good: boolean;
  readonly checks: readonly Check[];
  readonly manifest?: Manifest;
}

/** What a signature can be verified with. */
export interface SignatureKeys {
  /** Of the user who signed. */
  readonly certificate?: X509Certificate;
  /** If it opens the bundle as the user's, it also made the signature: users bundle and sign with the same pair. */
  readonly privateKey?: KeyObject;
}

/** The more is given, the more is checked. The private key may be the user's or the cloud's. */
export interface InspectInput extends SignatureKeys {
  readonly manifest: Uint8Array;
  readonly readPart?: ReadPart;
}

export async function inspect(input: InspectInput): Promise<Verdict> {
  const manifest = manifestOrError(input.manifest);
  if (manifest instanceof DeployError) return verdict([{ id: 'form', result: 'failed', detail: manifest.message }]);
  const key = input.privateKey === undefined ? undefined : decryptKey(manifest, input.privateKey);
  const checks = [
    checkForm(input.manifest, manifest),
    checkSignature(manifest, input),
    checkKey(manifest, input.privateKey, key),
    ...(await checkData(manifest, input.readPart, key)),
  ];
  return { ...verdict(checks), manifest };
}

function manifestOrError(bytes: Uint8Array): Manifest | DeployError {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
}

function verdict(checks: readonly Check[]): Verdict {
  return { good: checks.every(({ result }) => result !== 'failed'), checks };
}

/** Finds what some clouds cannot read, though this program can. */
function checkForm(bytes: Uint8Array, { signed, account, parts }: Manifest): Check {
  const problems = [
    ...(bytes.some((byte) => byte > 0x7e) ? ['it has characters beyond ASCII'] : []),
    ...(Buffer.from(bytes.subarray(0, 5)).toString('latin1') === '<?xml'
      ? []
      : ['it does not begin with an XML declaration']),
    ...(/^<machine_configuration>.*<image><name>/s.test(signed)
      ? []
      : ['<machine_configuration> or <image> has attributes, or <name> does not come first']),
    ...(/>\s+</.test(signed) ? ['there is white space between elements'] : []),
    ...(/^[0-9]{12}$/.test(account) ? [] : ['the user is not an account number']),
    ...(parts.length > 0 ? [] : ['it lists no parts']),
  ];
  return problems.length === 0
    ? { id: 'form', result: 'passed', detail: 'The manifest is as clouds want it.' }
    : { id: 'form', result: 'failed', detail: `The manifest can be read, but ${problems.join(', and ')}.` };
}

/** `open`: there is no key to verify it with. */
export type SignatureState = 'verified' | 'wrong' | 'unsigned' | 'open';

export interface SignatureFinding {
  readonly state: SignatureState;
  readonly detail: string;
}

const SIGNATURE_RESULTS: Readonly<Record<SignatureState, Check['result']>> = {
  verified: 'passed',
  wrong: 'failed',
  unsigned: 'failed',
  open: 'open',
};

function checkSignature(manifest: Manifest, keys: SignatureKeys): Check {
  const { state, detail } = verifySignature(manifest, keys);
  return { id: 'signature', result: SIGNATURE_RESULTS[state], detail };
}

export function verifySignature(manifest: Manifest, { certificate, privateKey }: SignatureKeys): SignatureFinding {
  if (manifest.signature === 'UNSIGNED')
    return { state: 'unsigned', detail: 'The manifest is not signed; clouds before 4.0 refuse it.' };
  const [key, name] =
    certificate === undefined
      ? [usersPublicKey(manifest, privateKey), 'the user whose private key this is']
      : [certificate.publicKey, subjectOf(certificate)];
  if (key === undefined)
    return { state: 'open', detail: 'No certificate of the user was given to verify the signature with.' };
  return verifyText(key, manifest.signed, manifest.signature)
    ? { state: 'verified', detail: `Signed by ${name}.` }
    : { state: 'wrong', detail: `The signature is not that of ${name}, or the manifest was altered.` };
}

function usersPublicKey(manifest: Manifest, privateKey: KeyObject | undefined): KeyObject | undefined {
  return privateKey !== undefined && decryptKey(manifest, privateKey)?.holder === 'user'
    ? createPublicKey(privateKey)
    : undefined;
}

function subjectOf({ subject, fingerprint256 }: X509Certificate): string {
  return `${(subject ?? '').replaceAll('\n', ', ')} (${fingerprint256.slice(0, 23)}…)`;
}

function checkKey(manifest: Manifest, privateKey: KeyObject | undefined, key: DecryptedKey | undefined): Check {
  if (privateKey === undefined)
    return { id: 'key', result: 'open', detail: 'No private key was given to open the bundle with.' };
  return key === undefined
    ? { id: 'key', result: 'failed', detail: `${wrongKeyReason(manifest)}.` }
    : { id: 'key', result: 'passed', detail: `The private key opens it, as that of the ${key.holder}.` };
}

/** Reads the parts once for both checks, as far as the content can be read; then the rest of the parts. */
async function checkData(
  manifest: Manifest,
  readPart: ReadPart | undefined,
  key: DecryptedKey | undefined,
): Promise<readonly Check[]> {
  if (readPart === undefined)
    return [notMade('parts', 'The parts were not given.'), notMade('content', 'The parts were not given.')];
  const parts = new PartsCheck(manifest, readPart);
  const failure = key === undefined ? undefined : await failureOf(extractImage(manifest, parts.stream(), key));
  await parts.readRest();
  if (key === undefined) return [parts.result(), notMade('content', 'Without the key the content cannot be read.')];
  return [
    parts.result(),
    failure === undefined
      ? { id: 'content', result: 'passed', detail: `${manifest.size} bytes, with the digest that the manifest names.` }
      : { id: 'content', result: 'failed', detail: failure },
  ];
}

function notMade(id: CheckId, detail: string): Check {
  return { id, result: 'open', detail };
}

class PartsCheck {
  /**
   * By part: after a failure in the middle of a part, the part is read again while the end of the first reading may still arrive, so the
   * same digest may come twice.
   */
  private readonly digests = new Map<ManifestPart, PartDigest>();
  private readonly unreadable: string[] = [];

  constructor(
    private readonly manifest: Manifest,
    private readonly readPart: ReadPart,
  ) {}

  stream(): AsyncGenerator<Uint8Array, void> {
    return this.read(this.manifest);
  }

  /** Reads the parts that the stream did not read to their end. */
  async readRest(): Promise<void> {
    for (const part of this.manifest.parts) {
      if (this.digests.has(part)) continue;
      const failure = await failureOf(this.read({ ...this.manifest, parts: [part] }));
      if (failure !== undefined) this.unreadable.push(`${part.name} cannot be read (${failure})`);
    }
  }

  result(): Check {
    const { parts, bundledSize } = this.manifest;
    const damaged = parts
      .filter((part) => (this.digests.get(part)?.sha1 ?? part.sha1) !== part.sha1)
      .map(({ name }) => `${name} is damaged`);
    const size = [...this.digests.values()].reduce((sum, part) => sum + part.size, 0);
    const broken = [...damaged, ...this.unreadable];
    const problems =
      broken.length > 0 || size === bundledSize
        ? broken
        : [`together they have ${size} bytes instead of ${bundledSize}`];
    return problems.length === 0
      ? { id: 'parts', result: 'passed', detail: `${parts.length} parts, ${bundledSize} bytes, each with its digest.` }
      : { id: 'parts', result: 'failed', detail: `Of ${parts.length} parts: ${problems.join('; ')}.` };
  }

  private read(manifest: Manifest): AsyncGenerator<Uint8Array, void> {
    return readParts(manifest, this.readPart, (part, digest) => void this.digests.set(part, digest));
  }
}

/** Reads to the end; returns the message of the error, if there was one. */
async function failureOf(stream: AsyncIterable<unknown>): Promise<string | undefined> {
  try {
    for await (const _ of stream);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
