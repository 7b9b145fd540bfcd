/**
 * The key and IV of a bundle, derived and never stored: HKDF-SHA256 of the user's private key (as it stands in PKCS#8 DER), with the
 * content as salt and everything else that shapes the encrypted stream as info.
 *
 * - CBC under one key and IV for two different streams would show how far they are equal. The stream is a function of content, prefix
 *   and compressor; all three go in (the content by SHA-256), so another stream has another key, short of a broken SHA-256.
 * - Whoever lacks the private key learns nothing: to them, HKDF's output is random. The cloud gets this one key, as it does with any bundle.
 * - Two clouds, accounts, kinds or users never share a key, since certificates, account and kind go in.
 * - What is given up, on purpose: equal bundles look equal. That is what lets an attempt go on where another stopped.
 */

import { createHash, hkdfSync } from 'node:crypto';
import type { BundleFacts } from './checks';
import { compressorName } from './compressor';
import type { Identity } from './keys';

export interface BundleSecrets {
  readonly key: Buffer;
  readonly iv: Buffer;
  /** Bytes that are never zero, for the padding of RSA; others for each purpose. */
  noise(purpose: string, length: number): Buffer;
}

/** Everything but the content and the private key that decides what the encrypted stream is. No secret: a journal names its bundle by it. */
export function bundleName({ prefix, kind, account }: BundleFacts, identity: Identity): string {
  const certificates = [identity.certificate.fingerprint256, identity.cloudCertificate.fingerprint256];
  return createHash('sha256')
    .update(JSON.stringify(['stackato-deploy bundle 1', compressorName(), prefix, kind, account, ...certificates]))
    .digest('hex');
}

export function deriveSecrets(identity: Identity, name: string, content: string): BundleSecrets {
  const material = identity.privateKey.export({ type: 'pkcs8', format: 'der' });
  const derive = (purpose: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', material, Buffer.from(content, 'hex'), `${name} ${purpose}`, length));
  return {
    key: derive('key', 16),
    iv: derive('iv', 16),
    // One byte in 256 is zero and left out: a quarter more and 64 are always enough.
    noise: (purpose, length) =>
      derive(`noise ${purpose}`, Math.ceil(length * 1.25) + 64)
        .filter((byte) => byte !== 0)
        .subarray(0, length) as Buffer,
  };
}
