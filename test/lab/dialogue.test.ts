import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkKnobs, DIALOGUES, readDialogue } from '../../lab/appliance';
import { staticIpAnswers, isStatic, READ_NETWORK, staticNetworkOf } from '../../src/machine/network';
import { TestMachines } from './appliance-support';

const ONE = { id: 'address', text: 'IP: ' };

describe('a dialogue file', function () {
  this.timeout(60_000);
  let dir: string;
  let file: string;
  let machines: TestMachines;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'dialogue-'));
    file = join(dir, 'mine.json');
    machines = new TestMachines();
  });
  afterEach(async () => {
    await machines.close();
    rmSync(dir, { recursive: true });
  });

  const write = (content: unknown): string => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it('is found by name, or by its path', () => {
    for (const name of DIALOGUES) assert.ok(readDialogue(name).prompts.length > 0, name);
    assert.deepEqual(readDialogue(write({ prompts: [ONE] })), { prompts: [ONE] });
    assert.deepEqual(readDialogue(write(`\uFEFF${JSON.stringify({ prompts: [ONE] })}`)), { prompts: [ONE] });
  });

  const WRONG: readonly [what: string, content: unknown, words: RegExp][] = [
    ['no JSON', '{ "prompts": [ }', /is not JSON: Unexpected token '\}'.*one JSON object/],
    ['a list', [], /the file is \[\]: must be an object/],
    ['no questions', {}, /prompts is missing: must be a list/],
    ['an empty list of questions', { prompts: [] }, /prompts is empty: must list the questions/],
    [
      'an unknown field',
      { prompts: [ONE], outro: [] },
      /the file has the unknown field outro: there are about, intro, prompts, summary, password, written, closing/,
    ],
    [
      'an unknown field of a question',
      { prompts: [{ ...ONE, txt: '' }] },
      /prompts\[0\] has the unknown field txt: there are id, text, newline/,
    ],
    [
      'an unknown id',
      { prompts: [ONE, { id: 'dns', text: 'DNS: ' }] },
      /prompts\[1\]\.id is "dns": must be one of interface, address, .*enter/,
    ],
    ['a question without words', { prompts: [{ id: 'address' }] }, /prompts\[0\]\.text is missing: must be a text/],
    [
      'an empty question',
      { prompts: [{ id: 'address', text: '' }] },
      /prompts\[0\]\.text is empty: must be the text of the question/,
    ],
    ['lines that are none', { prompts: [ONE], intro: 'Hello' }, /intro is "Hello": must be a list/],
    [
      'newline in words',
      { prompts: [{ ...ONE, newline: 'yes' }] },
      /prompts\[0\]\.newline is "yes": must be true or false/,
    ],
    [
      'the same twice',
      { prompts: [ONE, ONE] },
      /prompts\[1\]\.id is "address" again: each of .* may be asked only once/,
    ],
    [
      'a list of gateways',
      { prompts: [{ id: 'gateway', text: 'GW: ', more: 'GW: ' }] },
      /prompts\[0\]\.more is for the ids nameservers and search only/,
    ],
    [
      'words for a yes to no question',
      { prompts: [{ ...ONE, yes: ['y'] }] },
      /prompts\[0\]\.yes is for the id confirm only/,
    ],
    [
      'the network asked for when it is written',
      { prompts: [ONE], closing: [{ id: 'gateway', text: 'GW: ' }] },
      /closing\[0\]\.id is "gateway": must be one of decline, enter/,
    ],
    [
      'a text without end',
      { prompts: [{ ...ONE, text: 'x'.repeat(2001) }] },
      /prompts\[0\]\.text is longer than 2000 characters/,
    ],
  ];
  for (const [what, content, words] of WRONG) {
    it(`with ${what} is refused: the error names the file, the field and what would be right`, () => {
      write(content);
      assert.throws(
        () => readDialogue(file),
        (error: Error) => words.test(error.message) && error.message.includes(file),
      );
    });
  }

  it('with several mistakes is refused with all of them', () => {
    assert.throws(
      () => readDialogue(write({ prompts: [{ id: 'x' }], intro: 1 })),
      /intro is 1[^]*prompts\[0\]\.id is "x"[^]*prompts\[0\]\.text is missing/,
    );
  });

  it('is documented with a valid example', () => {
    const [, example = ''] =
      /^### Dialogue files$[^]*?^```json\n([^]*?)^```$/m.exec(readFileSync('docs/lab.md', 'utf8')) ?? [];
    assert.ok(readDialogue(write(example)).prompts.length > 5);
  });

  it('that does not exist is an error when the knob is set', async () => {
    assert.throws(
      () => checkKnobs({ dialogue: 'no-such' }),
      /no dialogue "no-such": it must be one of brackets, .*, or the path of a file/,
    );
    assert.throws(() => checkKnobs({ dialogue: './no-such' }), /\.\/no-such cannot be read: ENOENT/);
    await assert.rejects(machines.launch({ dialogue: file }), /cannot be read/);
    const machine = await machines.launch();
    assert.throws(() => machine.appliance.setKnobs({ dialogue: write('{') }), /is not JSON/);
  });

  it('is read when the knob is set; its texts can contain answers and current values', async () => {
    write({
      intro: ['{interface} has {address}, {literal}.'],
      prompts: [
        { id: 'gateway', text: 'Gateway\n.\n[{gateway}]: ', default: '{gateway}', after: ['{gateway} it is.'] },
        {
          id: 'nameservers',
          text: 'First DNS server: ',
          more: 'Another DNS server: ',
          progress: ['{nameservers}', '\r', 'ok\n'],
        },
        { id: 'confirm', text: "It's right? [YES/NO] ", yes: ['YES'] },
      ],
      summary: ['= {nameservers} ='],
      password: "stackato's password: ",
      written: ['100% of {search}'],
      closing: [{ id: 'enter', text: 'Press ENTER ' }],
    });
    const machine = await machines.machine({ dialogue: file });
    writeFileSync(file, '{');
    const network = staticNetworkOf(await machine.observe(READ_NETWORK), { mode: 'static' });
    const { transcript, state } = await machine.job('kato op static_ip', {
      answers: { ...staticIpAnswers(network), gateway: '' },
    });
    const { address } = network;
    assert.deepEqual(
      [state, transcript.split('\n')],
      [
        'finished',
        [
          `eth0 has ${address}, {literal}.`,
          'Gateway',
          '.',
          '[10.1.2.1]: ',
          '10.1.2.1 it is.',
          'First DNS server: 172.16.0.23',
          'Another DNS server: 172.16.0.24',
          'Another DNS server: ',
          'ok',
          '= 172.16.0.23 172.16.0.24 =',
          "It's right? [YES/NO] YES",
          "stackato's password: ",
          '100% of cloud.internal',
          'Press ENTER ',
          '',
        ],
      ],
    );
    // Values that it did not ask for do not change.
    assert.ok(isStatic(machine.appliance.file('/etc/network/interfaces') ?? '', network));
  });
});
