/** Output of programs, as text: without colours and overwritten lines; and the errors it may tell of. */

// CSI and OSC sequences, short escapes, and the control characters left over (all but tab, newline and carriage return).
const ESCAPES =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]+[0-~]|\x1b[@-_]|\x1b|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

export function plainText(output: string): string {
  return output.replace(ESCAPES, '').split('\n').map(afterCarriageReturns).join('\n');
}

/** What a terminal shows of a line that was overwritten: the last text written to it. */
function afterCarriageReturns(line: string): string {
  const parts = line.split('\r');
  return parts.findLast((part) => part.trim() !== '') ?? '';
}

/** The last line that is not blank. */
export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** The last whole lines, `most` characters at most. A line cut in the middle might be cut in the middle of a secret, which is then not masked. */
export function lastLines(text: string, most: number): string {
  const lines = plainText(text).trim().split('\n');
  let kept: string[] = [];
  for (const line of lines.reverse()) {
    if (kept.join('\n').length + line.length > most) break;
    kept = [line, ...kept];
  }
  return kept.join('\n');
}

const DISK_ERROR = /No space left on device|Disk quota exceeded|Read-only file system/;

/** The line that says why nothing can be written to disk. */
export function diskError(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => DISK_ERROR.test(line));
}

/** As sshd and PAM say it, or ask for a new one. */
export function isPasswordExpired(text: string): boolean {
  return /password.{0,20}\b(expired|must be changed|change required)|change your.{0,20}password|\((current|old)\)|\b(new|current|old|retype)\b.{0,20}password/i.test(
    text,
  );
}
