/** What a manifest or a whole bundle is worth: every check is made, and each says what it found. */

import type { KeyObject } from 'node:crypto';
import { DeployError } from '../deployment/errors';
import { readManifest } from './manifest-reader';
import type { ManifestPart } from './manifest';
import type { Manifest } from './manifest-reader';
import { signatureOf } from './signature';
import type { Signers, SignatureState } from './signature';
import { imageIn, notForThisKey, openKeys, readParts } from './unbundle';
import type { OpenKeys, PartFound, ReadPart } from './unbundle';

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

/** The more is given, the more is checked: the certificate is that of the user who signed, the private key the user's or the cloud's. */
export interface InspectInput extends Signers {
  readonly manifest: Uint8Array;
  readonly readPart?: ReadPart;
}

export async function inspect(input: InspectInput): Promise<Verdict> {
  const manifest = attempt(() => readManifest(input.manifest));
  if (manifest instanceof DeployError) return verdict([{ id: 'form', result: 'failed', detail: manifest.message }]);
  const keys = input.privateKey === undefined ? undefined : openKeys(manifest, input.privateKey);
  const checks = [
    form(input.manifest, manifest),
    signature(manifest, input),
    key(manifest, input.privateKey, keys),
    ...(await data(manifest, input.readPart, keys)),
  ];
  return { ...verdict(checks), manifest };
}

function verdict(checks: readonly Check[]): Verdict {
  return { good: checks.every(({ result }) => result !== 'failed'), checks };
}

/** What clouds stumble over though it can be read. */
function form(bytes: Uint8Array, { signed, account, parts }: Manifest): Check {
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

const SIGNATURE: Readonly<Record<SignatureState, Check['result']>> = {
  verified: 'passed',
  wrong: 'failed',
  unsigned: 'failed',
  open: 'open',
};

function signature(manifest: Manifest, signers: Signers): Check {
  const { state, detail } = signatureOf(manifest, signers);
  return { id: 'signature', result: SIGNATURE[state], detail };
}

function key(manifest: Manifest, privateKey: KeyObject | undefined, keys: OpenKeys | undefined): Check {
  if (privateKey === undefined)
    return { id: 'key', result: 'open', detail: 'No private key was given to open the bundle with.' };
  return keys === undefined
    ? { id: 'key', result: 'failed', detail: `${notForThisKey(manifest)}.` }
    : { id: 'key', result: 'passed', detail: `The private key opens it, as that of the ${keys.holder}.` };
}

/** One reading serves both checks, as far as it comes; damaged content does not hide the state of later parts. */
async function data(
  manifest: Manifest,
  readPart: ReadPart | undefined,
  keys: OpenKeys | undefined,
): Promise<readonly Check[]> {
  if (readPart === undefined)
    return [open('parts', 'The parts were not given.'), open('content', 'The parts were not given.')];
  const parts = new PartsCheck(manifest, readPart);
  const failure = keys === undefined ? undefined : await readThrough(imageIn(manifest, parts.stream(), keys));
  await parts.readRest();
  if (keys === undefined) return [parts.result(), open('content', 'Without the key the content cannot be read.')];
  return [
    parts.result(),
    failure === undefined
      ? { id: 'content', result: 'passed', detail: `${manifest.size} bytes, with the digest that the manifest names.` }
      : { id: 'content', result: 'failed', detail: failure },
  ];
}

function open(id: CheckId, detail: string): Check {
  return { id, result: 'open', detail };
}

class PartsCheck {
  /**
   * What each part was found to be. Where opening the bundle failed in the middle of a part, what had been asked for may still come after
   * the part was read once more: to find something twice is no matter.
   */
  private readonly found = new Map<ManifestPart, PartFound>();
  private readonly unreadable: string[] = [];

  constructor(
    private readonly manifest: Manifest,
    private readonly readPart: ReadPart,
  ) {}

  stream(): AsyncGenerator<Uint8Array, void> {
    return this.read(this.manifest);
  }

  async readRest(): Promise<void> {
    for (const part of this.manifest.parts) {
      if (this.found.has(part)) continue;
      const failure = await readThrough(this.read({ ...this.manifest, parts: [part] }));
      if (failure !== undefined) this.unreadable.push(`${part.name} cannot be read (${failure})`);
    }
  }

  result(): Check {
    const { parts, bundledSize } = this.manifest;
    const damaged = parts
      .filter((part) => (this.found.get(part)?.sha1 ?? part.sha1) !== part.sha1)
      .map(({ name }) => `${name} is damaged`);
    const size = [...this.found.values()].reduce((sum, part) => sum + part.size, 0);
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
    return readParts(manifest, this.readPart, (part, found) => void this.found.set(part, found));
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
