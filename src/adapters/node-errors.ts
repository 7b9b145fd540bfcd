/** What errors of Node and of its libraries tell. */

/** ENOENT, ECONNREFUSED, ERR_TLS_CERT_ALTNAME_INVALID …; undefined where the error has no code. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** For messages. */
export function reasonOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.message : String(error));
}
