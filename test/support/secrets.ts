/** Secrets without a place of their own. */

import type { AllSecrets, SecretBytes } from '../../src/steps/ports';
import type { SecretRef } from '../../src/deployment/spec';

export function bytesOf(value: string | Buffer): SecretBytes {
  return { reveal: () => Buffer.from(value) };
}

/** Every reference resolves to what `valueOf` gives at that moment. */
export function secretsFrom(valueOf: (ref: SecretRef) => string | Buffer): AllSecrets {
  return {
    resolve: async (ref) => {
      const value = valueOf(ref).toString();
      return Promise.resolve({ reveal: () => value });
    },
    resolveBytes: async (ref) => Promise.resolve(bytesOf(valueOf(ref))),
  };
}
