/** What a manifest or a whole bundle is worth: every check is made, and each says what it found. */

import type { KeyObject, X509Certificate } from 'node:crypto';
import { DeployError } from '../spec/errors';
import { verifyText } from './keys';
import { readManifest } from './manifest-reader';
import type { Manifest } from './manifest-reader';
import { imageIn, openKeys, readParts } from './unbundle';
import type { OpenKeys, ReadPart } from './unbundle';

export type CheckId = 'form' | 'signature' | 'key' | 'parts' | 'content';

export interface Check {
  readonly id: CheckId;
  /** `open`: what it takes was not given, or an earlier check failed. */
  readonly result: 'passed' | 'failed' | 'open';
  readonly detail: string;
}

export interface Verdict {
  /** Nothing failed. */
  readonly good: boolean;
  readonly checks: readonly Check[];
  readonly manifest?: Manifest;
}

/** The more is given, the more is checked. */
export interface InspectInput {
  readonly manifest: Uint8Array;
  /** Of the user who signed. */
  readonly certificate?: X509Certificate;
  /** Of that user, or of the cloud. */
  readonly privateKey?: KeyObject;
  readonly readPart?: ReadPart;
}

export async function inspect(input: InspectInput): Promise<Verdict> {
  const manifest = attempt(() => readManifest(input.manifest));
  if (manifest instanceof DeployError) return verdict([{ id: 'form', result: 'failed', detail: manifest.message }]);
  const keys = input.privateKey === undefined ? undefined : openKeys(manifest, input.privateKey);
  const checks = [form(input.manifest, manifest), signature(manifest, input.certificate), key(input.privateKey, keys), ...(await data(manifest, input.readPart, keys))];
  return { ...verdict(checks), manifest };
}

function verdict(checks: readonly Check[]): Verdict {
  return { good: checks.every(({ result }) => result !== 'failed'), checks };
}

/** What clouds stumble over though it can be read. */
function form(bytes: Uint8Array, { signed, account, parts }: Manifest): Check {
  const problems = [
    ...(bytes.some((byte) => byte > 0x7e) ? ['it has characters beyond ASCII'] : []),
    ...(Buffer.from(bytes.subarray(0, 5)).toString('latin1') === '<?xml' ? [] : ['it does not begin with an XML declaration']),
    ...(/^<machine_configuration>.*<image><name>/s.test(signed) ? [] : ['<machine_configuration> or <image> has attributes, or <name> does not come first']),
    ...(/>\s+</.test(signed) ? ['there is white space between elements'] : []),
    ...(/^[0-9]{12}$/.test(account) ? [] : ['the user is not an account number']),
    ...(parts.length > 0 ? [] : ['it lists no parts']),
  ];
  return problems.length === 0
    ? { id: 'form', result: 'passed', detail: 'The manifest is as clouds want it.' }
    : { id: 'form', result: 'failed', detail: `The manifest can be read, but ${problems.join(', and ')}.` };
}

function signature(manifest: Manifest, certificate: X509Certificate | undefined): Check {
  const check = (result: Check['result'], detail: string): Check => ({ id: 'signature', result, detail });
  if (manifest.signature === 'UNSIGNED') return check('failed', 'The manifest is not signed; clouds of before 4.0 refuse it.');
  if (certificate === undefined) return check('open', 'No certificate was given to verify the signature with.');
  return verifyText(certificate, manifest.signed, manifest.signature)
    ? check('passed', `Signed by ${subject(certificate)}.`)
    : check('failed', `The signature is not that of ${subject(certificate)}, or the manifest was altered.`);
}

function subject({ subject: name, fingerprint256 }: X509Certificate): string {
  return `${(name ?? '').replaceAll('\n', ', ')} (${fingerprint256.slice(0, 23)}…)`;
}

function key(privateKey: KeyObject | undefined, keys: OpenKeys | undefined): Check {
  if (privateKey === undefined) return { id: 'key', result: 'open', detail: 'No private key was given to open the bundle with.' };
  return keys === undefined
    ? { id: 'key', result: 'failed', detail: 'The bundle was made neither for this user nor for this cloud: the private key does not open it.' }
    : { id: 'key', result: 'passed', detail: `The private key opens it, as that of the ${keys.holder}.` };
}

/** One reading serves both checks, as far as it comes; damaged content does not hide the state of later parts. */
async function data(manifest: Manifest, readPart: ReadPart | undefined, keys: OpenKeys | undefined): Promise<readonly Check[]> {
  if (readPart === undefined) return [open('parts', 'The parts were not given.'), open('content', 'The parts were not given.')];
  const parts = new PartsCheck(manifest, readPart);
  const failure = keys === undefined ? undefined : await readThrough(imageIn(manifest, parts.stream(), keys));
  await parts.readRest();
  if (keys === undefined) return [parts.result(), open('content', 'Without the key the content cannot be read.')];
  return [parts.result(), failure === undefined
    ? { id: 'content', result: 'passed', detail: `${manifest.size} bytes, with the digest that the manifest names.` }
    : { id: 'content', result: 'failed', detail: failure }];
}

function open(id: CheckId, detail: string): Check {
  return { id, result: 'open', detail };
}

class PartsCheck {
  private readonly seen = new Set<string>();
  private readonly problems: string[] = [];
  private size = 0;

  constructor(
    private readonly manifest: Manifest,
    private readonly readPart: ReadPart,
  ) {}

  stream(): AsyncGenerator<Uint8Array, void> {
    return this.read(this.manifest);
  }

  async readRest(): Promise<void> {
    for (const part of this.manifest.parts) {
      if (this.seen.has(part.name)) continue;
      const failure = await readThrough(this.read({ ...this.manifest, parts: [part] }));
      if (failure !== undefined) this.problems.push(`${part.name} cannot be read (${failure})`);
    }
  }

  result(): Check {
    const { parts, bundledSize } = this.manifest;
    const problems = this.problems.length > 0 || this.size === bundledSize ? this.problems : [`together they have ${this.size} bytes instead of ${bundledSize}`];
    return problems.length === 0
      ? { id: 'parts', result: 'passed', detail: `${parts.length} parts, ${bundledSize} bytes, each with its digest.` }
      : { id: 'parts', result: 'failed', detail: `Of ${parts.length} parts: ${problems.join('; ')}.` };
  }

  private read(manifest: Manifest): AsyncGenerator<Uint8Array, void> {
    return readParts(manifest, this.readPart, (part, { sha1, size }) => {
      this.seen.add(part.name);
      this.size += size;
      if (sha1 !== part.sha1) this.problems.push(`${part.name} is damaged`);
    });
  }
}

/** What stopped it, in words. */
async function readThrough(stream: AsyncIterable<unknown>): Promise<string | undefined> {
  try {
    for await (const _ of stream);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function attempt<T>(work: () => T): T | DeployError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
}
