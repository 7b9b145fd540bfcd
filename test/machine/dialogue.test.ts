import assert from 'node:assert/strict';
import { PROMPT_IDS, decide, answerText } from '../../src/machine/dialogue';
import type { Conversation, PromptId, Verdict } from '../../src/machine/dialogue';
import { plainText } from '../../src/machine/output';
import { maskSecrets } from '../../src/deployment/mask';

const ALL = new Set<PromptId>(PROMPT_IDS);
const decideOn = (output: string, answered: Conversation['answered'] = []): Verdict =>
  decide({ answered, output }, ALL);

const QUESTIONS: readonly [string, PromptId][] = [
  ['[sudo] password for stackato: ', 'password'],
  ['[sudo] password for root-admin: ', 'password'],
  ['Password:', 'password'],
  ['Enter sudo password: ', 'password'],
  ['Enter static IP address: ', 'address'],
  ['Static IP: ', 'address'],
  ['IP address [10.0.0.5]: ', 'address'],
  ['IP address for interface eth0: ', 'address'],
  ['What IP address should this node use? ', 'address'],
  ['Enter the netmask: ', 'netmask'],
  ['Subnet mask (e.g. 255.255.255.0)> ', 'netmask'],
  ['net mask? ', 'netmask'],
  ['Gateway: ', 'gateway'],
  ['IP address of the gateway: ', 'gateway'],
  ['Default router IP: ', 'gateway'],
  ['(optional) DNS name servers, space separated: ', 'nameservers'],
  ['Domain name servers: ', 'nameservers'],
  ['IP addresses of the nameservers: ', 'nameservers'],
  ['DNS search domain: ', 'search'],
  ['Search domains (optional): ', 'search'],
  ['Network interface: ', 'interface'],
  ['Which interface should get the static IP? ', 'interface'],
  ['Is this correct? [yes/no] ', 'confirm'],
  ['Use gateway 10.0.0.1? [Y/n] ', 'confirm'],
  ['Continue (y/n)?', 'confirm'],
  ['Do you want to write these settings?', 'confirm'],
  ['Are you sure?', 'confirm'],
  ['Please enter the netmask ', 'netmask'],
  ['\x1b[1;32mGateway\x1b[0m: ', 'gateway'],
  ['\r\x1b[KGateway: ', 'gateway'],
  ['Some news\r\nand more\r\nNetmask:', 'netmask'],
  ['Enter the gateway:\r\n', 'gateway'],
  ['Enter the gateway:\r\n> ', 'gateway'],
];

const NO_QUESTIONS: readonly string[] = [
  '',
  'IP address: 10.0.0.5\r\n',
  'IP address: 10.0.0.5',
  'Checking IP address: ',
  'Setting netmask: ',
  'Using gateway 10.0.0.1 ...',
  'Updating DNS name servers...',
  'starting router...                 ',
  'starting mysql_gateway...               ok\r\n',
  'Gateway: \r\n10.0.0.1\r\n',
  'The password was changed.\r\n',
  'restarting interface eth0:\r\n',
  '[====>   ] 50%',
  '[3/5]',
  'All done.\r\n',
];

describe('dialogue', () => {
  for (const [output, id] of QUESTIONS) {
    it(`takes ${JSON.stringify(output)} for ${id}`, () => {
      const verdict = decideOn(output);
      assert.equal(verdict.kind === 'answer' ? verdict.id : verdict.kind, id);
    });
  }

  for (const output of NO_QUESTIONS) {
    it(`takes ${JSON.stringify(output)} for no question`, () => assert.equal(decideOn(output).kind, 'wait'));
  }

  it('finds the question above a lone prompt character', () => {
    const verdict = decideOn('Enter the gateway:\r\n> ');
    assert.deepEqual(verdict, { kind: 'answer', id: 'gateway', prompt: 'Enter the gateway: >' });
  });

  for (const output of [
    'New password: ',
    'Retype the password: ',
    'MySQL root password: ',
    'Email address: ',
    'Broadcast address: ',
    'Favourite colour? ',
  ]) {
    it(`does not know ${JSON.stringify(output)}`, () => assert.equal(decideOn(output).kind, 'unknown'));
  }

  it('is stuck if a question is asked again', () => {
    const answered = [{ id: 'netmask', before: 'Netmask: ' }];
    assert.deepEqual(decideOn('255.0\r\nInvalid netmask.\r\nNetmask: ', answered), {
      kind: 'stuck',
      prompt: 'Netmask:',
      reason: 'asked again',
      id: 'netmask',
    });
  });

  it('is stuck if it has no answer', () => {
    const verdict = decide({ answered: [], output: 'Network interface: ' }, new Set<PromptId>(['address']));
    assert.deepEqual(verdict, { kind: 'stuck', prompt: 'Network interface:', reason: 'no answer', id: 'interface' });
  });

  it('doubts words without punctuation: answers settings only, after a while, and once', () => {
    assert.deepEqual(decideOn('Netmask\r\n'), { kind: 'answer', id: 'netmask', prompt: 'Netmask', doubtful: true });
    assert.equal(decideOn('Netmask saved\r\n', [{ id: 'netmask', before: 'Netmask\r\n' }]).kind, 'wait');
    assert.equal(decideOn('Netmask ', [{ id: 'netmask', before: 'Netmask ' }]).kind, 'unknown');
    assert.equal(decideOn('Password accepted\r\n').kind, 'wait');
  });

  it('doubts words without punctuation: answers settings only, after a while, and once', () => {
    assert.deepEqual(decideOn('Netmask\r\n'), { kind: 'answer', id: 'netmask', prompt: 'Netmask', doubtful: true });
    assert.equal(decideOn('Netmask saved\r\n', [{ id: 'netmask', before: 'Netmask\r\n' }]).kind, 'wait');
    assert.equal(decideOn('Netmask ', [{ id: 'netmask', before: 'Netmask ' }]).kind, 'unknown');
    assert.equal(decideOn('Password accepted\r\n').kind, 'wait');
  });

  it('takes a finished line that it has no answer to for a message', () => {
    assert.equal(
      decide({ answered: [], output: 'Roles on this router:\r\n' }, new Set<PromptId>(['password'])).kind,
      'wait',
    );
  });

  it('gives sudo the password again after progress, never after a refusal', () => {
    const answered = [{ id: 'password', before: '[sudo] password for stackato: ' }];
    assert.equal(decideOn('\r\nhostname changed\r\n[sudo] password for stackato: ', answered).kind, 'answer');
    for (const output of [
      '\r\nSorry, try again.\r\n[sudo] password for stackato: ',
      '\r\n[sudo] password for stackato: ',
    ]) {
      const verdict = decideOn(output, answered);
      assert.equal(verdict.kind === 'stuck' ? verdict.reason : verdict.kind, 'refused');
    }
  });

  it('confirms two different questions, but not the same one twice', () => {
    const answered = [{ id: 'confirm', before: 'Is this correct? ' }];
    assert.equal(decideOn('yes\r\nProceed now? ', answered).kind, 'answer');
    assert.equal(decideOn('yes\r\nIs this correct? ', answered).kind, 'stuck');
  });

  it('waits after an answer until something is printed', () => {
    const answered = [{ id: 'gateway', before: 'Gateway: ' }];
    assert.equal(decideOn('10.0.0.1\r\n', answered).kind, 'wait');
    assert.equal(decideOn('', answered).kind, 'wait');
  });

  it('words its yes as the question offers it', () => {
    assert.equal(answerText('confirm', 'Continue [y/N]?', 'yes'), 'y');
    assert.equal(answerText('confirm', 'Continue (yes/no)?', 'yes'), 'yes');
    assert.equal(answerText('search', 'Domains (y/n)', 'yes.example.com'), 'yes.example.com');
  });
});

describe('terminal text', () => {
  it('loses colours, titles and what a carriage return overwrote', () => {
    assert.equal(plainText('\x1b]0;title\x07\x1b[31mred\x1b[0m\r\n10%\r20%\r\n\x1b(Bx\x08\r'), 'red\n20%\nx');
  });

  it('has its secrets masked, longer ones first, but not the factory password', () => {
    assert.equal(
      maskSecrets('pw=abcd, abc; stackato', ['abc', 'abcd', 'stackato', '']),
      'pw=[secret], [secret]; stackato',
    );
  });
});
