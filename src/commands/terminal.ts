/** Terminal output as text: without colours, without what was overwritten, without secrets. */

// CSI and OSC sequences, short escapes, and the control characters left over (all but tab, newline and carriage return).
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]+[0-~]|\x1b[@-_]|\x1b|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

export const MASK = '[secret]';

/** The factory password is public, and half of what the appliance prints holds the word: masking it would help nobody. */
export const FACTORY_PASSWORD = 'stackato';

export function plainText(output: string): string {
  return output
    .replace(ESCAPES, '')
    .split('\n')
    .map(shownOf)
    .join('\n');
}

/** What a line shows after its carriage returns: the last thing written from its beginning. */
function shownOf(line: string): string {
  const parts = line.split('\r');
  return parts.findLast((part) => part.trim() !== '') ?? '';
}

export function maskSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '' && secret !== FACTORY_PASSWORD)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}

/** The last line that is not blank. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
