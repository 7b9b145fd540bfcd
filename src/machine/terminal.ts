/** Terminal output as text: without colours, without what was overwritten, without secrets. */

// CSI and OSC sequences, short escapes, and the control characters left over (all but tab, newline and carriage return).
const ESCAPES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]+[0-~]|\x1b[@-_]|\x1b|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

export function plainText(output: string): string {
  return output.replace(ESCAPES, '').split('\n').map(shownOf).join('\n');
}

/** What a line shows after its carriage returns: the last thing written from its beginning. */
function shownOf(line: string): string {
  const parts = line.split('\r');
  return parts.findLast((part) => part.trim() !== '') ?? '';
}

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
