/** Remembers what was resolved, so that no text of another's making (a cloud's error, kato's output) can carry it out. */

import { maskSecrets } from '../deployment/mask';
import type { MaskingSecrets, Secret, Secrets } from '../steps/ports';
import type { SecretRef } from '../deployment/types';

export class KnownSecrets implements MaskingSecrets {
  private readonly values = new Set<string>();

  constructor(private readonly inner: Secrets) {}

  async resolve(ref: SecretRef): Promise<Secret> {
    const secret = await this.inner.resolve(ref);
    this.values.add(secret.reveal());
    return secret;
  }

  /** Replaces every known secret, however it is written. */
  mask(text: string): string {
    return maskSecrets(text, [...this.values]);
  }
}
