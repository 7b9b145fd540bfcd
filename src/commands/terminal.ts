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

/**
 * The one masker. The longest comes first, as a secret may be part of another. Those of one or two characters are left: replacing
 * them would only mark where they are.
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
    secret, encodeURIComponent(secret), new URLSearchParams({ '': secret }).toString().slice(1), xml, xml.replace(/"/g, '&quot;').replace(/'/g, '&apos;'),
    JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64'), ...lines,
  ];
}

/** Lines of a key file are 64 characters. What is shorter may be a word like any other. */
const WHOLE_LINE = 40;

/** The last line that is not blank. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** Its last whole lines, at most so many characters: what is cut in the middle of a line may be cut in the middle of a secret. */
export function lastLines(text: string, most: number): string {
  const lines = plainText(text).trim().split('\n');
  let kept: string[] = [];
  for (const line of lines.reverse()) {
    if (kept.join('\n').length + line.length > most) break;
    kept = [line, ...kept];
  }
  return kept.join('\n');
}
