/**
 * What a program that talks to a person wants to know now, judged by what it printed. The exact words of `kato` are not known for any
 * release, so they are matched loosely, each question is answered once, and a question asked again ends the dialogue.
 */

import { lastLine, plainText } from './terminal';

export const PROMPT_IDS = ['password', 'confirm', 'nameservers', 'search', 'gateway', 'netmask', 'interface', 'address'] as const;
export type PromptId = (typeof PROMPT_IDS)[number];

export interface Conversation {
  /** Answers given so far, each with what was printed between the answer before it and it. */
  readonly said: readonly { readonly id: string; readonly before: string }[];
  /** Printed since the last answer. */
  readonly output: string;
}

export type StuckReason = 'asked again' | 'refused' | 'no answer';

export type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'answer'; readonly id: PromptId; readonly prompt: string }
  /** Looks like a question, matches none: if nothing is printed for long, it is one. */
  | { readonly kind: 'unknown'; readonly prompt: string }
  | { readonly kind: 'stuck'; readonly prompt: string; readonly reason: StuckReason; readonly id: PromptId };

interface PromptRow {
  readonly id: PromptId;
  readonly asks: RegExp;
  /** Says that this is about something else. */
  readonly unless?: RegExp;
}

/** The first row that matches decides: what is more specific stands above ("DNS search domain", "IP address of the gateway"). */
const PROMPTS: readonly PromptRow[] = [
  {
    id: 'password',
    asks: /\bpassword\b/i,
    // The account's password goes to sudo, not to a database, and not to whoever wants a new one.
    unless: /^(?!.*\[sudo\]).*\b(new|again|retype|re-enter|repeat|confirm|choose|set|change|mysql|postgres\w*|database|db|admin\w*|root|console)\b/i,
  },
  {
    id: 'confirm',
    asks: /\b(yes\s*[/|,]\s*no|y\s*[/|,]\s*n)\b|\b(correct|proceed|continue|okay|ok|sure)\b[^?]*\?|^\W*(do|is|are|does|shall|should|would|apply|save|write|use|really)\b.*\?/i,
  },
  { id: 'nameservers', asks: /\bdomain\s+name\s*-?servers?\b/i },
  { id: 'search', asks: /\bsearch\b|\bdomains?\b/i },
  { id: 'nameservers', asks: /\bdns\b|\bname\s*-?servers?\b|\bresolvers?\b/i },
  { id: 'gateway', asks: /\bgateway\b|\brouter\b|\bdefault route\b/i },
  { id: 'netmask', asks: /\bnet\s*-?mask\b|\bsubnet\b|\bgenmask\b/i },
  // "Which interface should get the IP?" asks for it, "IP address of interface eth0" does not.
  { id: 'interface', asks: /^(?:(?!\bip\b|\baddress\b).)*\b(interface|nic|network (device|card|adapter))\b/i },
  { id: 'address', asks: /\bip(v4)?\b|\baddress\b/i, unless: /\b(e-?mail|mac|hardware|broadcast|network) address|\bbroadcast\b|\bipv6\b/i },
];

/** The end of a line that waits for something. A line that already ended needs a clearer sign than one the cursor stands in. */
const OPEN_END = /[?:>\]|)=]$/;
const CLOSED_END = /[?:>\]]$/;
const ASKING = /^\W*(please|enter|type|input|provide|what|which|give|specify|choose|select|new|static)\b/i;
/** "Checking the IP address:", "Using gateway ...": told, not asked. */
const TELLING = /^\W*(\w+ing|done|warning|error|note|\[?info\]?|ok)\b|(\.\.\.|…)$/i;
/** A question for sure, even one that matches no row; not a progress bar, not `[3/5]`. */
const UNKNOWN_END = /[?:>]$|\[[a-z/ ]*\]$|\((?:[a-z/ ]+)\)$/i;
const REFUSAL = /\bsorry\b|\btry again\b|\bincorrect\b|\bwrong\b|\bauthentication fail/i;

export function decide({ said, output }: Conversation, answers: ReadonlySet<PromptId>): Verdict {
  const line = promptLine(output);
  if (line === undefined) return { kind: 'wait' };
  const { prompt, open } = line;
  const id = promptOf(prompt);
  if (id === undefined) return open && UNKNOWN_END.test(prompt) ? { kind: 'unknown', prompt } : { kind: 'wait' };
  // A closed line is often news with a colon ("Roles on this router:"): without an answer to give, that is how it is taken.
  if (!open && !answers.has(id)) return { kind: 'wait' };
  const reason = reasonAgainst(id, prompt, said, output, answers);
  return reason === undefined ? { kind: 'answer', id, prompt } : { kind: 'stuck', prompt, reason, id };
}

/** What to type: a program that offers y/n may not know "yes". */
export function wording(id: PromptId, prompt: string, answer: string): string {
  return id === 'confirm' && /\by\s*[/|,]\s*n\b/i.test(prompt) ? answer.slice(0, 1) : answer;
}

function promptLine(output: string): { prompt: string; open: boolean } | undefined {
  const text = plainText(output);
  const prompt = withoutBareSign(text);
  const open = text.slice(text.lastIndexOf('\n') + 1).trim() !== '';
  if (prompt === '' || TELLING.test(prompt)) return undefined;
  const asks = open ? OPEN_END.test(prompt) || ASKING.test(prompt) : CLOSED_END.test(prompt);
  return asks ? { prompt, open } : undefined;
}

/** The last line; where that is a lone `>`, the question stands above it. */
function withoutBareSign(text: string): string {
  const last = lastLine(text);
  if (!/^[>:?]+$/.test(last)) return last;
  return `${lastLine(text.trimEnd().slice(0, -last.length))} ${last}`.trim();
}

function promptOf(prompt: string): PromptId | undefined {
  return PROMPTS.find(({ asks, unless }) => asks.test(prompt) && unless?.test(prompt) !== true)?.id;
}

function reasonAgainst(
  id: PromptId, prompt: string, said: Conversation['said'], output: string, answers: ReadonlySet<PromptId>,
): StuckReason | undefined {
  if (!answers.has(id)) return 'no answer';
  const before = said.filter((answer) => answer.id === id);
  if (id === 'password') return passwordRefused(before.length, prompt, output) ? 'refused' : undefined;
  // Two different questions may both want a yes; the same one twice was not content with the answer.
  const repeated = id === 'confirm' ? before.some((answer) => lastLine(plainText(answer.before)) === prompt) : before.length > 0;
  return repeated ? 'asked again' : undefined;
}

/** Every sudo under a kato command may ask; the one that asks again at once, or says so, has refused. */
function passwordRefused(times: number, prompt: string, output: string): boolean {
  const MANY = 12;
  const between = plainText(output).replace(prompt, '').trim();
  return times > 0 && (between === '' || REFUSAL.test(between) || times >= MANY);
}
