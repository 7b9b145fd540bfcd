/**
 * The AES key and IV of a bundle: derived when it is made, decrypted from its manifest when it is opened, and never stored in the clear.
 * Derived by HKDF-SHA256 from the user's private key (as PKCS#8 DER), with the content as salt and everything else that shapes the
 * encrypted stream as info.
 *
 * - CBC with one key and IV for two different streams would show how far they are equal. The stream is a function of content, prefix and
 *   compressor; all three go in (the content by SHA-256), so another stream has another key, short of a broken SHA-256.
 * - Without the private key, nothing can be learnt: HKDF's output then looks random. The cloud gets this one key, as with any bundle.
 * - Two clouds, accounts, kinds or users never share a key, since certificates, account and kind go in.
 * - The price, paid on purpose: equal bundles look equal. That is what lets an attempt go on where another stopped.
 */

import { createHash, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Manifest } from '../manifest/reader';
import type { ManifestKeys } from '../manifest/writer';
import { decryptHex, encryptHex } from './credentials';
import type { Identity } from './credentials';
import type { BundleFacts } from './facts';
import { compressorName } from './gzip';

export interface BundleKey {
  readonly key: Buffer;
  readonly iv: Buffer;
}

export interface DerivedKey extends BundleKey {
  /** Encrypted for the user and for the cloud: the same each time, since the padding is derived, too. */
  encrypted(): ManifestKeys;
}

/**
 * Covers everything that decides what the encrypted stream is, except the content and the private key. Not a secret: journals identify
 * their bundle by it.
 */
export function bundleFingerprint({ prefix, kind, account }: BundleFacts, identity: Identity): string {
  const certificates = [identity.certificate.fingerprint256, identity.cloudCertificate.fingerprint256];
  return createHash('sha256')
    .update(JSON.stringify(['stackato-deploy bundle 1', compressorName(), prefix, kind, account, ...certificates]))
    .digest('hex');
}

/** @param content the SHA-256 of the survey */
export function deriveKey(identity: Identity, fingerprint: string, content: string): DerivedKey {
  const { privateKey, certificate, cloudCertificate } = identity;
  const material = privateKey.export({ type: 'pkcs8', format: 'der' });
  const derive = (purpose: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', material, Buffer.from(content, 'hex'), `${fingerprint} ${purpose}`, length));
  // For the padding of RSA, so without zeros. One byte in 256 is zero: a quarter more and 64 are always enough.
  const noise = (purpose: string, length: number): Buffer =>
    Buffer.from(
      derive(`noise ${purpose}`, Math.ceil(length * 1.25) + 64)
        .filter((byte) => byte !== 0)
        .subarray(0, length),
    );
  const encrypt = (purpose: string, recipient: typeof certificate, secret: Buffer): string =>
    encryptHex(recipient, secret.toString('hex'), (length) => noise(purpose, length));
  const [key, iv] = [derive('key', 16), derive('iv', 16)];
  return {
    key,
    iv,
    encrypted: () => ({
      cloudKey: encrypt('cloud key', cloudCertificate, key),
      userKey: encrypt('user key', certificate, key),
      cloudIv: encrypt('cloud iv', cloudCertificate, iv),
      userIv: encrypt('user iv', certificate, iv),
    }),
  };
}

export interface DecryptedKey extends BundleKey {
  /** Whose private key decrypted it. */
  readonly holder: 'user' | 'cloud';
}

/** Tries the private key as the user's, then as the cloud's; undefined if the bundle was made for neither. */
export function decryptKey({ keys }: Manifest, privateKey: KeyObject): DecryptedKey | undefined {
  const encryptedFor = [
    { holder: 'user', key: keys.userKey, iv: keys.userIv },
    { holder: 'cloud', key: keys.cloudKey, iv: keys.cloudIv },
  ] as const;
  for (const { holder, ...encrypted } of encryptedFor) {
    const key = decryptHex(privateKey, encrypted.key);
    const iv = decryptHex(privateKey, encrypted.iv);
    if (key !== undefined && iv !== undefined)
      return { holder, key: Buffer.from(key, 'hex'), iv: Buffer.from(iv, 'hex') };
  }
  return undefined;
}

/** Why decryptKey found nothing. A bundle made without the user's certificate is for the cloud alone. */
export function wrongKeyReason({ prefix, keys }: Manifest): string {
  return keys.userKey === '' || keys.userIv === ''
    ? `The bundle ${prefix} was made for a cloud alone, without a certificate of the user, and the private key is not that cloud's`
    : `The bundle ${prefix} was made for a user and a cloud, and the private key is that of neither`;
}
