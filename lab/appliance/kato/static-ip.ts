/** `kato op static_ip`: asks its questions, then for sudo's password, then writes the file (see ../dialogue.ts). */

import { accepts, filled } from '../dialogue';
import type { Answers, Dialogue, Prompt } from '../dialogue';
import { quote, say, sleep } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import { dhcpNetwork, writeStatic } from '../network';
import type { State } from '../state';
import { exit } from './call';
import type { KatoCall } from './call';

/** A sequence of questions. */
interface Series {
  readonly prompts: readonly Prompt[];
  readonly summary: readonly string[];
  /** Called for an answer that is not accepted and not asked for again. */
  refuse(): GuestReply;
  then(answers: Answers, before: readonly string[]): GuestReply;
}

const FRAME_MS = 200;

/** The options, and the questions they answer. */
const OPTIONS = {
  '--interface': 'interface',
  '--ip': 'address',
  '--netmask': 'netmask',
  '--gateway': 'gateway',
  '--dns-nameservers': 'nameservers',
  '--dns-search-domains': 'search',
} as const;

export function staticIp({ state, options }: KatoCall): GuestReply {
  const given = Object.entries(OPTIONS).flatMap(([option, id]) => {
    const value = options[option];
    return value === undefined ? [] : [{ id, value, option }];
  });
  const bad = given.find(({ id, value }) => !acceptsOption(state, id, value));
  if (bad !== undefined) return exit(state, 1, `${bad.option}: ${bad.value} is not valid. Nothing was changed.`);
  const answered = Object.fromEntries(given.map(({ id, value }) => [id, value.replaceAll(',', ' ')]));
  // What is not given is asked, and with nothing to ask it says nothing.
  const complete = given.length === Object.keys(OPTIONS).length;
  const dialogue: Dialogue = complete ? { prompts: [] } : state.dialogue;
  const { intro = [], prompts, summary = [] } = dialogue;
  const { nameservers, search, ...rest } = dhcpNetwork(state.address);
  const now: Answers = {
    interface: 'eth0',
    ...rest,
    nameservers: nameservers.join(' '),
    search: search.join(' '),
    ...answered,
  };
  const refuse = (): GuestReply => exit(state, 1, 'Aborted, nothing was changed.');
  return ask(
    {
      prompts: prompts.filter(({ id }) => !(id in answered)),
      summary,
      refuse,
      then: (answers, before) => write(state, dialogue, answers, before),
    },
    0,
    now,
    lines(intro, now),
  );
}

/** @param given earlier answers to the same question, for a list that is asked item by item */
function ask(
  series: Series,
  index: number,
  answers: Answers,
  before: readonly string[],
  given: readonly string[] = [],
): GuestReply {
  const prompt = series.prompts[index];
  if (prompt === undefined) return series.then(answers, before);
  const { id, text, newline = false, more = '' } = prompt;
  const asked = filled(given.length === 0 ? text : more, answers);
  const summary = id === 'confirm' ? lines(series.summary, answers) : [];
  return {
    lines: [...before, ...summary, ...raw(newline ? `${asked}\n` : asked), 'IFS= read -r given || exit 1'],
    nextArgs: '"$given"',
    next: ([typed = '']) => take(series, index, answers, given, typed.trim()),
  };
}

function take(series: Series, index: number, answers: Answers, given: readonly string[], typed: string): GuestReply {
  const prompt = series.prompts[index];
  if (prompt === undefined) return series.refuse();
  const { id, again, more, progress = [], after = [] } = prompt;
  const byDefault = typed === '' && given.length === 0 && prompt.default !== undefined;
  const answer = byDefault ? filled(prompt.default, answers) : typed;
  if (!byDefault && !accepts(prompt, answer))
    return again === undefined ? series.refuse() : ask(series, index, answers, lines([again], answers), given);
  if (more !== undefined && answer !== '') return ask(series, index, answers, [], [...given, answer]);
  const now = { ...answers, [id]: [...given, answer].join(' ').trim() };
  const frames = progress.flatMap((frame) => [...raw(filled(frame, now)), sleep(FRAME_MS)]);
  return ask(series, index + 1, now, [...frames, ...lines(after, now)]);
}

function write(state: State, dialogue: Dialogue, answers: Answers, before: readonly string[]): GuestReply {
  const { password, written = [], closing = [] } = dialogue;
  const question = password === undefined ? [] : [`question=${quote(password)}`];
  return {
    lines: [...before, ...question, `authenticate || exit ${state.knobs.exitAlwaysZero ? 0 : 1}`],
    next: () => {
      writeStatic(state.files, answers);
      const end = {
        summary: [],
        refuse: () => exit(state, 1),
        then: (_answers: Answers, last: readonly string[]) => finish(state, last),
      };
      return ask({ prompts: closing, ...end }, 0, answers, lines(written, answers));
    },
  };
}

/** The separator of lists among the options is not known. */
function acceptsOption({ knobs }: State, id: keyof Answers, value: string): boolean {
  const lists = id === 'nameservers' || id === 'search';
  if (lists) return !(knobs.staticIpLists === 'commas' ? / / : /,/).test(value);
  return accepts({ id, text: '' }, value);
}

function finish(state: State, before: readonly string[]): GuestReply {
  const { lines: after } = exit(state, 0);
  return { lines: [...before, ...after] };
}

function lines(texts: readonly string[], answers: Answers): string[] {
  return texts.flatMap((text) => raw(`${filled(text, answers)}\n`));
}

/** Prints the text as it is. Line by line, because a line that is only a full stop would end the reply. */
function raw(text: string): string[] {
  const rows = text.split('\n');
  const last = rows.pop() ?? '';
  return [...rows.map(say), ...(last === '' ? [] : [`printf '%s' ${quote(last)}`])];
}
