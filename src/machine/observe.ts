/** Several small looks at the machine in one command, told apart in its output. */

export type Sections = Readonly<Record<string, string>>;

/** `looks`: a name and a command each. What a command complains about is dropped: a file that is not there is an empty section. */
export function observe(looks: Readonly<Record<string, string>>): string {
  const parts = Object.entries(looks).map(
    ([name, command]) => `printf '\\nstackato-section %s\\n' ${name}; { ${command}; } 2>/dev/null`,
  );
  // Looking must not fail with the last look.
  return `PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"; export PATH; ${parts.join('; ')}; printf '\\nstackato-section-end\\n'`;
}

/** Undefined where the output was cut short. */
export function sectionsOf(stdout: string): Sections | undefined {
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
