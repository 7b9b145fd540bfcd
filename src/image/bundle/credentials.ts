/** RSA keys and certificates of a user and of a cloud, and what bundles use them for. */

import { X509Certificate, constants, createPrivateKey, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DeployError } from '../../deployment/errors';

/** As PEM. */
export interface Credentials {
  readonly privateKey: string;
  readonly certificate: string;
  readonly cloudCertificate: string;
}

export interface Identity {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  readonly cloudCertificate: X509Certificate;
}

/** Key and certificate must be a pair: otherwise the key could not open the bundle, and no cloud would accept the signature. */
export function readIdentity(credentials: Credentials): Identity {
  const identity = {
    privateKey: readPrivateKey(credentials.privateKey),
    certificate: readCertificate(credentials.certificate, 'certificate of the user'),
    cloudCertificate: readCertificate(credentials.cloudCertificate, 'certificate of the cloud'),
  };
  if (!identity.certificate.checkPrivateKey(identity.privateKey)) {
    throw new DeployError('IMAGE_KEY_MISMATCH', 'The private key does not belong to the certificate of the user.');
  }
  if (identity.cloudCertificate.checkPrivateKey(identity.privateKey)) {
    throw new DeployError('IMAGE_KEY_MISMATCH', 'The certificate of the cloud is the same as that of the user.');
  }
  return identity;
}

/** OpenSSL's message is dropped: it may quote the key. */
export function readPrivateKey(pem: string): KeyObject {
  const key = attempt(() => createPrivateKey(pem));
  if (key?.asymmetricKeyType !== 'rsa')
    throw new DeployError('IMAGE_KEY_UNREADABLE', 'The private key is not a readable RSA key.');
  return key;
}

export function readCertificate(pem: string, what: string): X509Certificate {
  const certificate = attempt(() => new X509Certificate(pem));
  if (certificate?.publicKey.asymmetricKeyType !== 'rsa')
    throw new DeployError(
      'IMAGE_CERTIFICATE_UNREADABLE',
      `The ${what} is not a readable X.509 certificate with an RSA key.`,
    );
  return certificate;
}

/**
 * PKCS#1 v1.5 encryption of 32 hex characters, in hex. The padding is `noise` (no zeros, known to nobody else) instead of random bytes, so
 * that the same bundle has the same manifest, byte for byte.
 */
export function encryptHex(certificate: X509Certificate, hex: string, noise: (length: number) => Buffer): string {
  const message = Buffer.from(hex, 'latin1');
  const length = modulusBytes(certificate.publicKey);
  const padding = noise(length - message.length - 3);
  const padded = Buffer.concat([Buffer.of(0, 2), padding, Buffer.of(0), message]);
  return publicEncrypt({ key: certificate.publicKey, padding: constants.RSA_NO_PADDING }, padded).toString('hex');
}

/** Reverses encryptHex; undefined if the text was not encrypted for this key. Node no longer removes PKCS#1 v1.5 padding, so this does. */
export function decryptHex(privateKey: KeyObject, encrypted: string): string | undefined {
  const padded = attempt(() =>
    privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(encrypted, 'hex')),
  );
  if (padded?.[0] !== 0 || padded[1] !== 2) return undefined;
  const end = padded.indexOf(0, 2);
  const hex = end < 10 ? '' : padded.toString('latin1', end + 1);
  return /^[0-9a-f]{32}$/i.test(hex) ? hex : undefined;
}

export function signText(privateKey: KeyObject, text: string): string {
  return sign('RSA-SHA1', Buffer.from(text, 'latin1'), privateKey).toString('hex');
}

export function verifyText(publicKey: KeyObject, text: string, signature: string): boolean {
  return verify('RSA-SHA1', Buffer.from(text, 'latin1'), publicKey, Buffer.from(signature, 'hex'));
}

function modulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
