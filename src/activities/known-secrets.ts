/** Remembers resolved secrets, so that they can be masked in text from outside (a cloud's error, kato's output). */

import { maskSecrets } from '../deployment/mask';
import type { AllSecrets, MaskingSecrets, Secret, SecretBytes } from '../steps/ports';
import type { SecretRef } from '../deployment/spec';

export class KnownSecrets implements MaskingSecrets {
  private readonly values = new Set<string>();

  constructor(private readonly inner: AllSecrets) {}

  async resolve(ref: SecretRef): Promise<Secret> {
    const secret = await this.inner.resolve(ref);
    this.values.add(secret.reveal());
    return secret;
  }

  async resolveBytes(ref: SecretRef): Promise<SecretBytes> {
    const secret = await this.inner.resolveBytes(ref);
    const bytes = secret.reveal();
    this.values.add(bytes.toString('base64'));
    const text = bytes.toString('utf8');
    // Otherwise it is not text, and nobody quotes it as such.
    if (Buffer.from(text).equals(bytes)) this.values.add(text.replace(/\r?\n$/, ''));
    return secret;
  }

  conceal(text: string): void {
    this.values.add(text);
  }

  mask(text: string): string {
    return maskSecrets(text, [...this.values]);
  }
}
