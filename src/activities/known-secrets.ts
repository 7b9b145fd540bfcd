/** Remembers resolved secrets, so that they can be masked in text from outside (a cloud's error, kato's output). */

import { maskSecrets } from '../deployment/mask';
import type { MaskingSecrets, Secret, Secrets } from '../steps/ports';
import type { SecretRef } from '../deployment/spec';

export class KnownSecrets implements MaskingSecrets {
  private readonly values = new Set<string>();

  constructor(private readonly inner: Secrets) {}

  async resolve(ref: SecretRef): Promise<Secret> {
    const secret = await this.inner.resolve(ref);
    this.values.add(secret.reveal());
    return secret;
  }

  mask(text: string): string {
    return maskSecrets(text, [...this.values]);
  }
}
