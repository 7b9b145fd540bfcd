/** Shell text for the machine: quoting, the PATH, and several commands in one. */

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** The one way a value gets into a shell command: as one word, whatever is in it. Words that need no quotes stay readable in `plan`. */
export function shellQuote(word: string): string {
  // No shell word can hold NUL: it would end the argument, and something else would run than what was checked.
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL');
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `kato` is in ~/bin, which only login shells have on their PATH. Detached jobs have it anyway (journal-shell.ts). */
export function withPath(command: string): string {
  return `PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"; export PATH; ${command}`;
}

/** What each command of `inSections` printed, by its name. */
export type Sections = Readonly<Record<string, string>>;

/** Runs several commands as one. Their errors are dropped: a file that does not exist is an empty section. */
export function inSections(commands: Readonly<Record<string, string>>): string {
  const parts = Object.entries(commands).map(
    ([name, command]) => `printf '\\nstackato-section %s\\n' ${name}; { ${command}; } 2>/dev/null`,
  );
  // The status must not be that of the last command.
  return withPath(`${parts.join('; ')}; printf '\\nstackato-section-end\\n'`);
}

/** Undefined if the output was cut short. */
export function parseSections(stdout: string): Sections | undefined {
  const end = stdout.lastIndexOf('\nstackato-section-end\n');
  if (end < 0) return undefined;
  const sections: Record<string, string> = {};
  for (const part of stdout.slice(0, end).split('\nstackato-section ').slice(1)) {
    const line = part.indexOf('\n');
    if (line < 0) sections[part] = '';
    else sections[part.slice(0, line)] = part.slice(line + 1);
  }
  return sections;
}
