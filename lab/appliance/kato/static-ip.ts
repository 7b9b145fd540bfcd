/** `kato op static_ip`: asks one thing after the other on its terminal, then for sudo's password, then writes the file (see ../dialogue.ts). */

import type { Orders } from '../brain';
import { quote, say, sleep } from '../brain';
import { accepts, filled } from '../dialogue';
import type { Answers, Prompt } from '../dialogue';
import { siteOf, writeStatic } from '../network';
import type { State } from '../state';
import { leave } from './call';
import type { Call } from './call';

/** Questions, one after the other. */
interface Series {
  readonly prompts: readonly Prompt[];
  readonly summary: readonly string[];
  /** What comes of an answer that is not accepted, and is not asked for again. */
  refuse(): Orders;
  then(answers: Answers, before: readonly string[]): Orders;
}

const FRAME_MS = 200;

export function staticIp({ state }: Call): Orders {
  const { intro = [], prompts, summary = [] } = state.dialogue;
  const { nameservers, search, ...rest } = siteOf(state.address);
  const now: Answers = { interface: 'eth0', ...rest, nameservers: nameservers.join(' '), search: search.join(' ') };
  const refuse = (): Orders => leave(state, 1, 'Aborted, nothing was changed.');
  return ask(
    { prompts, summary, refuse, then: (answers, before) => write(state, answers, before) },
    0,
    now,
    lines(intro, now),
  );
}

/** `given`: of a list that is asked for one by one. */
function ask(
  series: Series,
  index: number,
  answers: Answers,
  before: readonly string[],
  given: readonly string[] = [],
): Orders {
  const prompt = series.prompts[index];
  if (prompt === undefined) return series.then(answers, before);
  const { id, text, newline = false, more = '' } = prompt;
  const asked = filled(given.length === 0 ? text : more, answers);
  const summary = id === 'confirm' ? lines(series.summary, answers) : [];
  return {
    lines: [...before, ...summary, ...raw(newline ? `${asked}\n` : asked), 'IFS= read -r given || exit 1'],
    answer: '"$given"',
    next: ([typed = '']) => take(series, index, answers, given, typed.trim()),
  };
}

function take(series: Series, index: number, answers: Answers, given: readonly string[], typed: string): Orders {
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

function write(state: State, answers: Answers, before: readonly string[]): Orders {
  const { password, written = [], closing = [] } = state.dialogue;
  const question = password === undefined ? [] : [`question=${quote(password)}`];
  return {
    lines: [...before, ...question, `authenticate || exit ${state.knobs.exitAlwaysZero ? 0 : 1}`],
    next: () => {
      writeStatic(state.place, answers);
      const end = {
        summary: [],
        refuse: () => leave(state, 1),
        then: (_answers: Answers, last: readonly string[]) => finish(state, last),
      };
      return ask({ prompts: closing, ...end }, 0, answers, lines(written, answers));
    },
  };
}

function finish(state: State, before: readonly string[]): Orders {
  const { lines: after } = leave(state, 0);
  return { lines: [...before, ...after] };
}

function lines(texts: readonly string[], answers: Answers): string[] {
  return texts.flatMap((text) => raw(`${filled(text, answers)}\n`));
}

/** As it is. A line of its own each: what the programs are told ends with a lone full stop. */
function raw(text: string): string[] {
  const rows = text.split('\n');
  const last = rows.pop() ?? '';
  return [...rows.map(say), ...(last === '' ? [] : [`printf '%s' ${quote(last)}`])];
}
