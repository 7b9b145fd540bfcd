import assert from 'node:assert/strict';
import { runJob } from '../../src/steps/machine/run-job';
import { PROMPT_IDS, decide, answerText } from '../../src/machine/dialogue';
import type { Conversation, PromptId } from '../../src/machine/dialogue';
import { LocalVm } from './local-vm';
import { ANSWERS, DIALOGUES, UNANSWERABLE } from './foreign-dialogues';
import type { Dialogue, Turn } from './foreign-dialogues';

const ALL = new Set<PromptId>(PROMPT_IDS);
const WORDS = Object.values(ANSWERS).flatMap((answer) => answer.split(' '));
const typedAt = ([, id, typed]: Turn): string => typed ?? ANSWERS[id] ?? '';
const onTerminal = (text: string): string => text.replaceAll('\n', '\r\n');

/** The terminal's output up to each question: the echo of the previous answer, then the question. */
function conversations({ turns }: Dialogue): { turn: Turn; conversation: Conversation }[] {
  let answered: Conversation['answered'] = [];
  let echo = '';
  return turns.map((turn) => {
    const output = echo + onTerminal(turn[0]);
    const conversation = { answered, output };
    answered = [...answered, { id: turn[1], before: output }];
    echo = turn[1] === 'password' ? '\r\n' : `${typedAt(turn)}\r\n`;
    return { turn, conversation };
  });
}

/** A shell program that holds the dialogue. */
function programOf({ turns }: Dialogue): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const asks = turns.map(([printed, id]) => {
    const read = `IFS= read -r a; printf '%s\\n' "$a" >> "$HOME/typed"`;
    return `printf '%s' ${quoted(printed)}; ${id === 'password' ? `stty -echo; ${read}; stty echo; echo` : read}`;
  });
  return [...asks, 'echo Done.'].join('\n');
}

describe("other people's wordings of kato op static_ip", function () {
  this.timeout(60_000);

  for (const dialogue of DIALOGUES) {
    it(`one that ${dialogue.style} is understood`, () => {
      for (const { turn, conversation } of conversations(dialogue)) {
        const verdict = decide(conversation, ALL, WORDS);
        assert.ok(verdict.kind === 'answer', `${JSON.stringify(turn[0])}: ${JSON.stringify(verdict)}`);
        const typed =
          verdict.id === 'password'
            ? ANSWERS.password
            : answerText(verdict.id, verdict.prompt, ANSWERS[verdict.id] ?? '', verdict.item);
        assert.deepEqual([verdict.id, typed], [turn[1], typedAt(turn)], JSON.stringify(turn[0]));
      }
    });
  }

  for (const printed of UNANSWERABLE) {
    it(`${JSON.stringify(printed)} is left to a person`, () =>
      assert.equal(decide({ answered: [], output: onTerminal(printed) }, ALL, WORDS).kind, 'unknown'));
  }

  const REPEATED_QUESTIONS: readonly Turn[][] = [
    [
      ['Name server (empty to finish): ', 'nameservers', '172.16.0.23'],
      ['172.16.0.23 is not reachable.\nName server (empty to finish): ', 'nameservers'],
    ],
    [
      ['Name servers: ', 'nameservers'],
      ['One server at a time.\nName servers: ', 'nameservers'],
    ],
    [
      ['IP address: ', 'address'],
      ['IP address: ', 'address'],
    ],
    [
      ['Type yes to go on: ', 'confirm'],
      ['Type yes to go on: ', 'confirm'],
    ],
    [
      ['Restart networking now? [y/N] ', 'decline'],
      ['Restart networking now? [y/N] ', 'decline'],
    ],
  ];
  for (const turns of REPEATED_QUESTIONS) {
    it(`${JSON.stringify(turns[1]![0])} is not answered twice`, () => {
      const { conversation } = conversations({ style: '', turns }).at(-1)!;
      assert.equal(decide(conversation, ALL, WORDS).kind, 'stuck');
    });
  }

  const LIVE = [
    'is terse',
    'is colourful and resets colours at the end',
    'wants name servers one at a time',
    'would restart the network at once, and wants ENTER at the end',
    'puts the answer on the next line',
  ];
  it('are answered in the same way on a real terminal', async () => {
    await Promise.all(
      DIALOGUES.filter(({ style }) => LIVE.includes(style)).map(async (dialogue) => {
        const vm = new LocalVm();
        vm.program('kato', programOf(dialogue));
        const { password = '', ...rest } = ANSWERS;
        const command = {
          deployment: 'd',
          step: 's',
          need: 'n',
          command: 'kato op static_ip',
          answers: { ...rest, password: { reveal: () => password } },
        };
        const outcome = await runJob(vm.session(), command, { budgetMs: 40_000, patienceMs: 5000 });
        assert.equal(outcome.state, 'finished', `${dialogue.style}: ${outcome.transcript}`);
        assert.equal(vm.read('typed'), dialogue.turns.map((turn) => `${typedAt(turn)}\n`).join(''), dialogue.style);
        vm.dispose();
      }),
    );
  });

  it('are given up, with the question quoted, if there is no answer', async () => {
    const vm = new LocalVm();
    const outcome = await runJob(
      vm.session(),
      {
        deployment: 'd',
        step: 's',
        need: 'n',
        command: `printf 'Public IP address: '; read a; echo x > typed`,
        answers: {},
      },
      { budgetMs: 20_000, patienceMs: 1200 },
    );
    assert.deepEqual(
      [outcome.state, outcome.prompt, outcome.reason, vm.read('typed')],
      ['stuck', 'Public IP address:', 'not understood', ''],
    );
    assert.match(outcome.transcript, /Public IP address/);
    vm.dispose();
  });
});
