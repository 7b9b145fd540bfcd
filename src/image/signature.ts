/** Who signed a manifest. */

import { createPublicKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { verifyText } from './keys';
import type { Manifest } from './manifest-reader';
import { openKeys } from './unbundle';

/** `open`: it can be compared with nobody's. */
export type SignatureState = 'verified' | 'wrong' | 'unsigned' | 'open';

export interface SignatureFinding {
  readonly state: SignatureState;
  readonly detail: string;
}

export interface Signers {
  readonly certificate?: X509Certificate;
  /** Where it opens the bundle as the user's, whoever signed has it: a user bundles and signs with one pair. */
  readonly privateKey?: KeyObject;
}

export function signatureOf(manifest: Manifest, { certificate, privateKey }: Signers): SignatureFinding {
  if (manifest.signature === 'UNSIGNED')
    return { state: 'unsigned', detail: 'The manifest is not signed; clouds of before 4.0 refuse it.' };
  const [key, name] =
    certificate === undefined
      ? [ownKey(manifest, privateKey), 'the user whose private key this is']
      : [certificate.publicKey, subject(certificate)];
  if (key === undefined)
    return { state: 'open', detail: 'No certificate of the user was given to verify the signature with.' };
  return verifyText(key, manifest.signed, manifest.signature)
    ? { state: 'verified', detail: `Signed by ${name}.` }
    : { state: 'wrong', detail: `The signature is not that of ${name}, or the manifest was altered.` };
}

function ownKey(manifest: Manifest, privateKey: KeyObject | undefined): KeyObject | undefined {
  return privateKey !== undefined && openKeys(manifest, privateKey)?.holder === 'user'
    ? createPublicKey(privateKey)
    : undefined;
}

function subject({ subject: name, fingerprint256 }: X509Certificate): string {
  return `${(name ?? '').replaceAll('\n', ', ')} (${fingerprint256.slice(0, 23)}…)`;
}
