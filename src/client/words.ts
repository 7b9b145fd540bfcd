/** Other people's error messages made fit to stand in ours, and secrets by their references. */

import { errorRow } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function sentence(text: string): string {
  const tidy = text.trim().replace(/\s+/g, ' ');
  return tidy === '' || /[.!?]$/.test(tidy) ? tidy : `${tidy}.`;
}

/** Remedies are written for deployments, which wait. A command has ended. */
export function remedyOfCommand(code: ErrorCode): string {
  return errorRow(code).remedy.replace(/[,;] (?:then resume|abort, and run up again)/, ', then run it again');
}
