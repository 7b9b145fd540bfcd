/** The one way a value gets into a shell command. */

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a POSIX shell, whatever is in it. Words that need no quotes stay readable in `plan`. */
export function quote(word: string): string {
  // No shell word can hold NUL: it would end the argument, so what runs would not be what was checked.
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL');
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
