/** `kato op static_ip`: asks one thing after the other on its terminal, then for sudo's password, then writes the file. */

import type { Orders } from '../brain';
import { quote, say } from '../brain';
import { ACCEPTS, filled, readDialogue } from '../dialogue';
import type { Answers, Dialogue } from '../dialogue';
import { writeStatic } from '../network';
import type { State } from '../state';
import { leave } from './call';
import type { Call } from './call';

export function staticIp({ state }: Call): Orders {
  const dialogue = readDialogue(state.knobs.dialogue);
  return ask(state, dialogue, 0, {}, dialogue.intro ?? []);
}

function ask(state: State, dialogue: Dialogue, index: number, answers: Answers, before: readonly string[]): Orders {
  const prompt = dialogue.prompts[index];
  if (prompt === undefined) return write(state, dialogue, answers, before);
  const { id, text, newline = false, again } = prompt;
  const summary = id === 'confirm' ? (dialogue.summary ?? []).map((line) => filled(line, answers)) : [];
  return {
    lines: [...[...before, ...summary].map(say), newline ? say(text) : `printf '%s' ${quote(text)}`, 'IFS= read -r given || exit 1'],
    answer: '"$given"',
    next: ([given = '']) => {
      const answer = given.trim();
      if (ACCEPTS[id](answer)) return ask(state, dialogue, index + 1, { ...answers, [id]: answer }, []);
      return again === undefined ? leave(state, 1, 'Aborted, nothing was changed.') : ask(state, dialogue, index, answers, [again]);
    },
  };
}

function write(state: State, dialogue: Dialogue, answers: Answers, before: readonly string[]): Orders {
  const { address = '', netmask = '', gateway = '', nameservers = '', search = '' } = answers;
  return {
    lines: [...before.map(say), `authenticate || exit ${state.knobs.exitAlwaysZero ? 0 : 1}`],
    next: () => {
      writeStatic(state.place, { address, netmask, gateway, nameservers, search });
      return leave(state, 0, ...dialogue.written);
    },
  };
}
