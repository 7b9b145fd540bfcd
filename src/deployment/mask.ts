/** Masks secrets in text from clouds, machines and libraries. */

export const MASK = '[secret]';

/** The factory password is public, and much of the appliance's output contains the word: masking it would be useless. */
export const FACTORY_PASSWORD = 'stackato';

/**
 * The longest first, since a secret may be part of another. Secrets of one or two characters are not masked: that would only show where
 * they are.
 */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  return [...new Set(secrets.filter((secret) => secret.length > 2 && secret !== FACTORY_PASSWORD).flatMap(spellings))]
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

/** The secret as it is, and encoded for forms, URLs, XML, JSON and base64; for a file with several lines, also each line. */
function spellings(secret: string): string[] {
  const xml = secret.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= MIN_LINE && !line.startsWith('-----'));
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    xml,
    xml.replace(/"/g, '&quot;').replace(/'/g, '&apos;'),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    ...lines,
  ];
}

/** Lines of a key file have 64 characters. A shorter line may be an ordinary word. */
const MIN_LINE = 40;
