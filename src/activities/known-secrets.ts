/** Remembers what was resolved, so that no text of another's making (a cloud's error, kato's output) can carry it out. */

import { FACTORY_PASSWORD } from '../commands/terminal';
import type { Secret, Secrets } from './ports';
import type { SecretRef } from '../spec/types';

export class KnownSecrets implements Secrets {
  private readonly values = new Set<string>();

  constructor(private readonly inner: Secrets) {}

  async resolve(ref: SecretRef): Promise<Secret> {
    const secret = await this.inner.resolve(ref);
    if (secret.reveal() !== FACTORY_PASSWORD) this.values.add(secret.reveal());
    return secret;
  }

  /** Replaces every known secret. Those of three characters and fewer are left: replacing them would only mark where they are. */
  mask(text: string): string {
    let masked = text;
    for (const value of this.values) {
      if (value.length > 3) masked = masked.replaceAll(value, '[secret]');
    }
    return masked;
  }
}
