/** Secrets in what clouds, machines and libraries say. */

export const MASK = '[secret]';

/** The factory password is public, and half of what the appliance prints holds the word: masking it would help nobody. */
export const FACTORY_PASSWORD = 'stackato';

/**
 * The longest comes first, as a secret may be part of another. Secrets of one or two characters stay: replacing them would only show where
 * they are.
 */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  return [...new Set(secrets.filter((secret) => secret.length > 2 && secret !== FACTORY_PASSWORD).flatMap(spellings))]
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

/** As it is, and as forms, URLs, XML, JSON and base64 write it; of a file with several lines, each line as well. */
function spellings(secret: string): string[] {
  const xml = secret.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= WHOLE_LINE && !line.startsWith('-----'));
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

/** Lines of a key file are 64 characters. What is shorter may be a word like any other. */
const WHOLE_LINE = 40;
