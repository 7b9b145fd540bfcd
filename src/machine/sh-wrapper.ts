/**
 * Every command is run by /bin/sh, whatever the account's login shell is, and its output stands between two markers, so that what rc
 * files print is not mistaken for it.
 *
 * sshd passes the command line to the login shell. csh expands `!` even in quotes and takes no newline there, fish has its own `\`, zsh
 * refuses globs that match nothing. So the line consists of plain words only, with the script in base64, in pieces, because csh limits
 * the length of a word.
 */

/** What came back over ssh. */
export interface RawReply {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status, if there was one. */
  readonly code?: number;
  /** Whether stdout is only the beginning of what was printed. */
  readonly cut: boolean;
}

/** What the script itself printed, and its exit status. */
export interface Reply {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const PIECE = /.{1,900}/g;

/** @param marker a word that nobody else prints: a new one for each command */
export function wrapScript(script: string, marker: string): string {
  const pieces = Buffer.from(betweenMarkers(script, marker)).toString('base64').match(PIECE) ?? [];
  return `/bin/sh -c 'eval "$(printf %s "$@" | base64 -d)"' sh ${pieces.map((piece) => `'${piece}'`).join(' ')}`;
}

/**
 * In a subshell, because a script may `exit`. LC_ALL=C, because the output is parsed; a detached job gets the account's own from
 * `own_lc_all` (journal-shell.ts). The status stands in the last marker, because rc files may set a trap that ends with another.
 */
function betweenMarkers(script: string, marker: string): string {
  return `set --
own_lc_all=\${LC_ALL-} LC_ALL=C
export LC_ALL
printf '\\n%s\\n' ${marker}-begin
printf '\\n%s\\n' ${marker}-begin >&2
(
${script}
)
own_lc_all=$?
printf '\\n%s %s\\n' ${marker}-end $own_lc_all
printf '\\n%s\\n' ${marker}-end >&2
exit $own_lc_all`;
}

/** Whether /bin/sh began to run the script at all. */
export function hasStarted({ stdout }: RawReply, marker: string): boolean {
  return stdout.includes(`\n${marker}-begin\n`);
}

/** Undefined if the script did not run to its end. */
export function parseReply({ stdout, stderr, code, cut }: RawReply, marker: string): Reply | undefined {
  if (!hasStarted({ stdout, stderr, cut }, marker)) return undefined;
  const end = new RegExp(`\\n${marker}-end (\\d+)\\n`).exec(stdout);
  const status = end === null ? (cut ? code : undefined) : Number(end[1]);
  if (status === undefined) return undefined;
  return { stdout: textBetween(stdout, marker), stderr: textBetween(stderr, marker), code: status };
}

/** Everything that was printed, by rc files too. */
export function removeMarkers(text: string, marker: string): string {
  return text.replace(new RegExp(`\\n?${marker}-(?:begin|end \\d+|end)\\n`, 'g'), '\n');
}

function textBetween(text: string, marker: string): string {
  const begin = `\n${marker}-begin\n`;
  const from = text.indexOf(begin);
  const inner = from < 0 ? text : text.slice(from + begin.length);
  const to = inner.lastIndexOf(`\n${marker}-end`);
  return to < 0 ? inner : inner.slice(0, to);
}
