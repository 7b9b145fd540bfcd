/**
 * The one door to the machine's shell: every command goes to /bin/sh, whatever the account's login shell is, and its answer stands
 * between marks of ours, so that what rc files print is not taken for a part of it.
 *
 * sshd gives a command line to the login shell. csh reads `!` even in quotes and takes no newline there, fish has its own `\`, zsh refuses
 * globs that match nothing: so the line has nothing but plain words, and the script goes in base64, in pieces, as csh's words are short.
 */

export interface Exchange {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status, where there was one. */
  readonly code?: number;
  /** Whether stdout is only the beginning of what was printed. */
  readonly cut: boolean;
}

export interface Reply {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const PIECE = /.{1,900}/g;

/** @param mark a word that nobody else prints: a new one for each command */
export function throughDoor(script: string, mark: string): string {
  const pieces = Buffer.from(framed(script, mark)).toString('base64').match(PIECE) ?? [];
  return `/bin/sh -c 'eval "$(printf %s "$@" | base64 -d)"' sh ${pieces.map((piece) => `'${piece}'`).join(' ')}`;
}

/**
 * In a subshell, because a script may `exit`. Looks are read in English; what a command is to have instead is in `own_lc_all` (detach.ts).
 * The status stands in the last mark, because rc files may set a trap that ends with another.
 */
function framed(script: string, mark: string): string {
  return `set --
own_lc_all=\${LC_ALL-} LC_ALL=C
export LC_ALL
printf '\\n%s\\n' ${mark}-begin
printf '\\n%s\\n' ${mark}-begin >&2
(
${script}
)
own_lc_all=$?
printf '\\n%s %s\\n' ${mark}-end $own_lc_all
printf '\\n%s\\n' ${mark}-end >&2
exit $own_lc_all`;
}

/** Whether /bin/sh began with it at all. */
export function cameThrough({ stdout }: Exchange, mark: string): boolean {
  return stdout.includes(`\n${mark}-begin\n`);
}

/** Undefined where the script did not come to its end. */
export function replyOf({ stdout, stderr, code, cut }: Exchange, mark: string): Reply | undefined {
  if (!cameThrough({ stdout, stderr, cut }, mark)) return undefined;
  const end = new RegExp(`\\n${mark}-end (\\d+)\\n`).exec(stdout);
  const status = end === null ? (cut ? code : undefined) : Number(end[1]);
  if (status === undefined) return undefined;
  return { stdout: between(stdout, mark), stderr: between(stderr, mark), code: status };
}

/** What was printed, rc files and all. */
export function withoutMarks(text: string, mark: string): string {
  return text.replace(new RegExp(`\\n?${mark}-(?:begin|end \\d+|end)\\n`, 'g'), '\n');
}

function between(text: string, mark: string): string {
  const begin = `\n${mark}-begin\n`;
  const from = text.indexOf(begin);
  const inner = from < 0 ? text : text.slice(from + begin.length);
  const to = inner.lastIndexOf(`\n${mark}-end`);
  return to < 0 ? inner : inner.slice(0, to);
}
