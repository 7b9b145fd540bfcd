import type { SecretRef } from '../deployment/types';

/** A secret, as `plan` shows it: where it is, never what it is. */
export function referenceText(reference: SecretRef): string {
  return 'env' in reference ? `<env ${reference.env}>` : `<file ${reference.file}>`;
}
