import { strict as assert } from 'node:assert';
import { nextSteps } from '../../src/cli/render/next-steps';
import { nodePage } from '../../src/cli/render/node-page';
import { planText } from '../../src/cli/render/plan';
import { statusChanges } from '../../src/cli/render/status-log';
import { statusPage } from '../../src/cli/render/status-page';
import { checkLine, checkSummary, listTable } from '../../src/cli/render/tables';
import { ascii, clip, columnsOf, duration, namesText, oneLine, paintIf, rowsOf } from '../../src/cli/render/text';
import type { NodeStatus } from '../../src/client/nodes';
import type { NodeDetails } from '../../src/client/status';
import type { PendingAttempt } from '../../src/temporal/pending';
import { specNamed } from '../support/specs';
import { allDone, nodeWith, NOW, statusWith } from './statuses';

const plain = { now: NOW, paint: paintIf(false), width: Infinity };
const ESCAPE = String.fromCharCode(27);

const MIXED = statusWith(
  {
    preflight: { state: 'done', startedAt: NOW - 125_000, endedAt: NOW - 124_600, note: '11 checks' },
    address: { state: 'unchanged', startedAt: NOW - 124_000, endedAt: NOW - 112_000, note: '10.1.1.103' },
    'security-group': {
      state: 'done',
      startedAt: NOW - 124_000,
      endedAt: NOW - 123_000,
      note: 'stackato-dev, tcp 22 open',
    },
    dns: {
      state: 'attention',
      startedAt: NOW - 60_000,
      endedAt: NOW - 50_000,
      error: { code: 'DNS_KEY_REFUSED', message: 'The server says\nBADKEY.' },
    },
    launch: {
      state: 'running',
      startedAt: NOW - 61_000,
      pending: {
        attempt: 4,
        running: false,
        paused: false,
        nextAttemptAt: NOW + 3_200,
        failure: { code: 'NOT_YET', message: 'The instance i-1 is pending.', notYet: true },
      },
    },
    'static-ip': { state: 'not-needed', note: 'network: dhcp' },
  },
  {
    stage: 'needs-attention',
    resources: { address: { publicIp: '10.1.1.103', allocated: true }, instance: { id: 'i-1' } },
  },
);

describe('one deployment on a page', () => {
  it('shows every step with mark, state, time, attempt, error and next try; both URLs; the remedy and the answers', () => {
    assert.equal(
      statusPage(MIXED, plain),
      [
        'dev  needs attention  2m 05s  Stackato 2.6.6 on eucalyptus-3.2',
        '  console   http://dev.stackato.test/',
        '  workflow  http://localhost:8233/namespaces/default/workflows/stackato%2Fdev/run-1/history',
        '  address   10.1.1.103',
        '  instance  i-1',
        '',
        '  ✓ preflight       done          0.4s  11 checks',
        '  – publish-kernel  not-needed          image has an id',
        '  – publish-ramdisk not-needed          image has an id',
        '  – publish-image   not-needed          image has an id',
        '  = address         unchanged      12s  10.1.1.103',
        '  ✓ security-group  done          1.0s  stackato-dev, tcp 22 open',
        '  ✗ dns             attention      10s  DNS_KEY_REFUSED: The server says BADKEY.',
        '  ▶ launch          running     1m 01s  waiting 1m 01s: The instance i-1 is pending.',
        '  · associate       waiting             Associate the address',
        '  · connect         waiting             Log in by ssh, wait for kato',
        '  · cloud-init      waiting             Wait for the first boot by cloud-init',
        '  · container-store waiting             Move the container store off the root volume',
        '  – static-ip       not-needed          network: dhcp',
        '  · rename          waiting             kato rename',
        '  · disable-mdns    waiting             kato disable mdns',
        '  · reboot          waiting             Reboot, once',
        '  · setup-core      waiting             kato setup core',
        '  · enable-roles    waiting             kato enable --all-but mdns',
        "  · resolver        waiting             Put the appliance's own resolver first",
        '  · claim-admin     waiting             Create the first administrator',
        '  · open-console    waiting             Open the console to access.console',
        '  · verify          waiting             See the console through the new name',
        '',
        'dns: DNS_KEY_REFUSED: The server says BADKEY.',
        "  Check the TSIG key's name, algorithm and secret against the server's, and both clocks, then resume.",
        '  stackato-deploy resume dev',
        '  stackato-deploy skip dev',
        '  stackato-deploy abort dev',
      ].join('\n'),
    );
  });

  it('a step that fails by itself shows its code, one that is tried right now no countdown', () => {
    const failure = { code: 'CLOUD_THROTTLED', message: 'Slow down.', notYet: false } as const;
    const step = (running: boolean): string => {
      const pending = { attempt: 2, running, paused: false, failure, ...(running ? {} : { nextAttemptAt: NOW - 10 }) };
      return (
        statusPage(statusWith({ address: { state: 'running', startedAt: NOW - 2_000, pending } }), plain)
          .split('\n')
          .find((line) => line.includes(' address ')) ?? ''
      );
    };
    assert.equal(step(true), '  ▶ address         running       2.0s  attempt 2 · CLOUD_THROTTLED: Slow down.');
    assert.equal(
      step(false),
      '  ▶ address         running       2.0s  attempt 2 · CLOUD_THROTTLED: Slow down. · next try in 0s',
    );
  });

  it('F24: to look again at what is not there yet is to wait, and no attempt: only failures are counted', () => {
    const line = (pending: Partial<PendingAttempt>): string => {
      const status = statusWith({
        launch: {
          state: 'running',
          startedAt: NOW - 12_000,
          pending: { attempt: 5, running: false, paused: false, ...pending },
        },
      });
      return (
        statusPage(status, plain)
          .split('\n')
          .find((text) => text.includes(' launch ')) ?? ''
      );
    };
    const notYet = { code: 'NOT_YET', message: 'The instance i-1 is pending.', notYet: true } as const;
    assert.match(line({ failure: notYet }), / 12s {2}waiting 12s: The instance i-1 is pending\.$/);
    assert.match(
      line({ failure: notYet, running: true, line: '"Starting"' }),
      / waiting 12s: The instance i-1 is pending\. · "Starting"$/,
    );
    assert.match(
      line({ failure: { code: 'CLOUD_ERROR', message: 'HTTP 500', notYet: false }, failures: 1, running: true }),
      / {2}attempt 2 · CLOUD_ERROR: HTTP 500$/,
    );
    assert.match(
      line({ failure: { message: 'The worker went silent.', notYet: false }, running: true }),
      / {2}The worker went silent\.$/,
    );
  });

  it('F20: folds what is over and what waits to the rows there are, and nothing where there is room', () => {
    const rows = rowsOf(statusPage(MIXED, { ...plain, width: 80 }).split('\n'), 80);
    assert.equal(statusPage(MIXED, { ...plain, width: 80, rows }), statusPage(MIXED, { ...plain, width: 80 }));
    for (let fewer = rows - 1; fewer > 0; fewer--) {
      const lines = statusPage(MIXED, { ...plain, width: 80, rows: fewer }).split('\n');
      assert.ok(rowsOf(lines, 80) <= fewer, `${fewer}\n${lines.join('\n')}`);
      assert.ok(lines[0]?.startsWith('dev  needs attention'));
      if (fewer >= 3)
        assert.ok(
          lines.some((text) => text.includes('✗ dns')) && lines.some((text) => text.includes('▶ launch')),
          lines.join('\n'),
        );
    }
  });

  it('cuts step lines, and nothing else, to the width, colours not counted', () => {
    const lines = statusPage(MIXED, { ...plain, width: 60 }).split('\n');
    assert.ok(lines.includes('  ▶ launch          running     1m 01s  waiting 1m 01s: The…'));
    assert.ok(lines.some((line) => line.length > 60 && line.includes('workflow')));
    const coloured = statusPage(MIXED, { now: NOW, paint: paintIf(true), width: 60 });
    assert.ok(coloured.includes(`${ESCAPE}[36m`));
    assert.equal(coloured.replace(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), ''), lines.join('\n'));
  });

  it('shows what is taken back, and what could not be', () => {
    const status = statusWith(
      {},
      {
        action: 'teardown',
        stage: 'undoing',
        steps: [],
        undone: [
          { what: 'instance i-1', ok: true },
          { what: 'security group', ok: false, message: 'CLOUD_REFUSED: in use' },
        ],
        undoing: [{ step: 'address', pending: { attempt: 1, running: true, paused: false } }],
      },
    );
    assert.deepEqual(statusPage(status, plain).split('\n').slice(-3), [
      '  ✓ taken back: instance i-1',
      '  ✗ still there: security group (CLOUD_REFUSED: in use)',
      '  ▶ address         undoing',
    ]);
  });
});

describe('what it has come to', () => {
  const attention = {
    state: 'attention',
    error: { code: 'ADDRESS_NONE_LEFT', message: 'No address is left.' },
  } as const;

  it('ready, and whether anything was changed', () => {
    assert.deepEqual(nextSteps(statusWith({}, { stage: 'ready' })), ['Ready: http://dev.stackato.test/']);
    assert.deepEqual(nextSteps(statusWith({}, { stage: 'ready', unchanged: true })), [
      'Ready: http://dev.stackato.test/',
      "unchanged: every step's effect was already there",
    ]);
  });

  it('names the step in the commands where more than one needs attention, and offers skip only where it is allowed', () => {
    const one = nextSteps(statusWith({ address: attention }, { stage: 'needs-attention' }));
    assert.deepEqual(one.slice(2), ['  stackato-deploy resume dev', '  stackato-deploy abort dev']);
    const two = nextSteps(statusWith({ address: attention, dns: attention }, { stage: 'needs-attention' }));
    assert.ok(two.includes('  stackato-deploy resume dev --step address'));
    assert.ok(two.includes('  stackato-deploy skip dev --step dns'));
    assert.ok(!two.includes('  stackato-deploy skip dev --step address'));
  });

  it('failed by what is left, or by an end from outside', () => {
    const left = nextSteps(
      statusWith(
        {},
        { stage: 'failed', open: false, undone: [{ what: 'elastic IP', ok: false, message: 'CLOUD_ERROR: 500' }] },
      ),
    );
    assert.deepEqual(left, [
      'Not everything could be taken back.',
      '  still there: elastic IP (CLOUD_ERROR: 500)',
      'Try again with: stackato-deploy down dev',
    ]);
    assert.match(
      nextSteps(statusWith({}, { stage: 'failed', open: false })).join('\n'),
      /ended from outside.*\n.*stackato-deploy up.*\n.*stackato-deploy down dev/,
    );
  });

  it('says what keeps it from going on', () => {
    assert.deepEqual(nextSteps(statusWith({}, { trouble: 'no-worker' })), [
      'No worker is running. Start one: stackato-deploy worker',
    ]);
  });
});

describe('a deployment as lines of a log', () => {
  it('tells a step that goes on and on once, whatever figures stand behind it in brackets', () => {
    const at = (message: string) =>
      statusWith({
        'publish-image': {
          state: 'running',
          pending: { attempt: 2, running: false, paused: false, failure: { code: 'NOT_YET', message, notYet: true } },
        },
      });
    const first = at('machine: part 3 of 12 (30.0 MiB sent, 12.1 MiB/s)');
    assert.deepEqual(statusChanges(first, at('machine: part 3 of 12 (30.0 MiB sent, 11.7 MiB/s)'), NOW), []);
    assert.match(
      statusChanges(first, at('machine: part 4 of 12 (40.0 MiB sent)'), NOW).join('\n'),
      /publish-image: waiting, machine: part 4 of 12 \(40\.0 MiB sent\)$/,
    );
  });

  const before = statusWith({ preflight: { state: 'running', startedAt: NOW - 2_000 } });

  it('begins with where to look and every step that is under way', () => {
    assert.deepEqual(statusChanges(undefined, before, NOW), [
      '2026-11-24T12:00:00Z dev console http://dev.stackato.test/',
      '2026-11-24T12:00:00Z dev workflow http://localhost:8233/namespaces/default/workflows/stackato%2Fdev/run-1/history',
      '2026-11-24T11:59:58Z dev preflight: running',
      '2026-11-24T12:00:00Z dev deploying',
    ]);
  });

  it('adds one line a change, with the time it happened', () => {
    const after = statusWith({
      preflight: { state: 'done', startedAt: NOW - 2_000, endedAt: NOW - 1_000, note: '11 checks' },
      address: { state: 'running', startedAt: NOW - 1_000 },
    });
    assert.deepEqual(statusChanges(before, after, NOW), [
      '2026-11-24T11:59:59Z dev preflight: done in 1.0s, 11 checks',
      '2026-11-24T11:59:59Z dev address: running',
    ]);
    assert.deepEqual(statusChanges(after, after, NOW), []);
  });

  it('tells a failure once, not every attempt', () => {
    const failing = (attempt: number) =>
      statusWith({
        preflight: {
          state: 'running',
          startedAt: NOW - 2_000,
          pending: {
            attempt,
            running: false,
            paused: false,
            nextAttemptAt: NOW + attempt,
            failure: { code: 'CLOUD_ERROR', message: 'HTTP 500', notYet: false },
          },
        },
      });
    assert.deepEqual(statusChanges(before, failing(2), NOW), [
      '2026-11-24T12:00:00Z dev preflight: running, CLOUD_ERROR: HTTP 500',
    ]);
    assert.deepEqual(statusChanges(failing(2), failing(3), NOW), []);
  });

  it('tells the stage, what was taken back, and the next steps, when they change', () => {
    const undoing = statusWith({}, { stage: 'undoing' });
    const aborted = statusWith({}, { stage: 'aborted', open: false, undone: [{ what: 'instance i-1', ok: true }] });
    assert.deepEqual(statusChanges(undoing, aborted, NOW), [
      '2026-11-24T12:00:00Z dev taken back: instance i-1',
      '2026-11-24T12:00:00Z dev aborted',
      '2026-11-24T12:00:00Z dev Aborted. What it made has been taken back.',
    ]);
    assert.deepEqual(nextSteps({ ...aborted, stage: 'removed', volumes: ['vol-1'] }), [
      'Removed. What it made has been taken back.',
      'The volume vol-1 was kept, with its data. Delete it with: stackato-deploy down dev --volumes',
    ]);
    assert.equal(
      nextSteps({ ...aborted, volumes: ['vol-1', 'vol-2'] })[1],
      'The volumes vol-1, vol-2 were kept, with their data. Delete them with: stackato-deploy down dev --volumes',
    );
    assert.deepEqual(statusChanges(before, { ...before, trouble: 'no-worker' }, NOW).slice(1), [
      '2026-11-24T12:00:00Z dev No worker is running. Start one: stackato-deploy worker',
    ]);
  });
});

const names = (group: string, first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `${group}-${first + i}`);
const ERROR = { code: 'COMMAND_NO_EFFECT', message: 'The core does not list it.' } as const;
const parkedNode = (name: string) =>
  nodeWith(
    name,
    'needs-attention',
    { attach: { state: 'attention', startedAt: NOW - 9_000, endedAt: NOW - 3_000, error: ERROR } },
    { error: { step: 'attach', ...ERROR } },
  );
const busyNode = (name: string) =>
  nodeWith(name, 'deploying', {
    launch: { state: 'done' },
    connect: {
      state: 'running',
      startedAt: NOW - 5_000,
      pending: {
        attempt: 2,
        failures: 1,
        running: true,
        paused: false,
        failure: { code: 'SSH_DROPPED', message: 'Lost.', notYet: false },
      },
    },
  });
const coreIsDone = {
  ...allDone('core'),
  'open-console': { state: 'waiting' },
  verify: { state: 'waiting' },
} as const;
const TWENTY = [
  ...names('dea', 1, 9).map((name) => nodeWith(name, 'ready')),
  parkedNode('dea-10'),
  parkedNode('dea-11'),
  ...names('dea', 12, 14).map(busyNode),
  ...names('dea', 15, 17).map((name) => nodeWith(name, 'waiting')),
  nodeWith('router-1', 'ready'),
  nodeWith(
    'data-1',
    'removing',
    {},
    {
      wanted: false,
      undoing: [{ step: 'attach', pending: { attempt: 1, running: true, paused: false, line: 'stopping roles' } }],
    },
  ),
  nodeWith('data-2', 'waiting', {}, { wanted: false }),
];

describe('the nodes of a deployment on a page', () => {
  const screen = { ...plain, width: 80, rows: 23 };

  it('14: twenty on 80x24: what needs a person first, what is at work a line each, the rest told together', () => {
    const status = statusWith(coreIsDone, { stage: 'needs-attention', nodes: TWENTY });
    const lines = statusPage(status, screen).split('\n');
    assert.ok(rowsOf(lines, 80) <= 23);
    assert.deepEqual(lines, [
      'dev  needs attention  2m 05s  Stackato 2.6.6 on eucalyptus-3.2  10/20 nodes',
      '  console   http://dev.stackato.test/',
      '',
      '  ✓ 20 finished     preflight, publish-kernel, publish-ramdisk, publish-image, …',
      '  · 2 waiting       open-console, verify',
      '  ✗ dea-10          attention   1m 01s  attach: COMMAND_NO_EFFECT: The core doe…',
      '  ✗ dea-11          attention   1m 01s  attach: COMMAND_NO_EFFECT: The core doe…',
      '  ▶ data-1          removing    1m 01s  undo attach: stopping roles · 10.0.0.1 …',
      '  ▶ dea-12          deploying   1m 01s  1/10 connect: attempt 2 · SSH_DROPPED: …',
      '  ▶ dea-13          deploying   1m 01s  1/10 connect: attempt 2 · SSH_DROPPED: …',
      '  ▶ dea-14          deploying   1m 01s  1/10 connect: attempt 2 · SSH_DROPPED: …',
      '  ✓ dea-1 … dea-9   ready               9 nodes · dea',
      '  ✓ router-1        ready       1m 00s  10.0.0.1 i-router-1 · router',
      '  · dea-15 … dea-17 waiting             3 nodes · dea',
      '  · data-2          waiting             to be removed',
      '',
      'dea-10, dea-11: attach: COMMAND_NO_EFFECT: The core does not list it.',
      '  The command ended but did not do what it should. Read its output above and fix the cause, then resume: the command is run once more.',
      '  stackato-deploy resume dev --node dea-10',
      '  stackato-deploy abort dev --node dea-10',
      'All of them:',
      '  stackato-deploy resume dev',
    ]);
  });

  it('14: twenty at work have a line each on 80x24; on less they are told together, and nothing is lost', () => {
    const status = statusWith(coreIsDone, { nodes: names('dea', 1, 20).map(busyNode) });
    const lines = statusPage(status, screen).split('\n');
    assert.equal(lines.length, 23);
    for (const name of names('dea', 1, 20))
      assert.ok(
        lines.some((text) => text.includes(`▶ ${name} `)),
        name,
      );
    for (let rows = 22; rows > 3; rows--) {
      const fewer = statusPage(status, { ...screen, rows });
      assert.ok(rowsOf(fewer.split('\n'), 80) <= rows, `${rows}\n${fewer}`);
      assert.match(fewer, /▶ dea-1 … dea-20 +deploying +20 nodes · connect · dea/);
    }
  });

  it('14: all of them with the same error are told once, with the remedy', () => {
    const status = statusWith(coreIsDone, { stage: 'needs-attention', nodes: names('dea', 1, 20).map(parkedNode) });
    const text = statusPage(status, screen);
    assert.ok(rowsOf(text.split('\n'), 80) <= 23);
    assert.match(text, /✗ dea-1 … dea-20 +attention +20 nodes · attach/);
    assert.match(
      text,
      /^dea-1 … dea-20: attach: COMMAND_NO_EFFECT: The core does not list it\.\n {2}The command ended/m,
    );
    assert.match(text, /All of them:\n {2}stackato-deploy resume dev$/);
  });

  it('14: a few have a line each, with their addresses', () => {
    const text = statusPage(statusWith(coreIsDone, { nodes: [nodeWith('dea-1', 'ready'), busyNode('dea-2')] }), plain);
    assert.match(
      text,
      /^ {2}▶ dea-2 +deploying +1m 01s {2}1\/10 connect: attempt 2 · SSH_DROPPED: Lost\. · 10\.0\.0\.2 i-dea-2$/m,
    );
    assert.match(text, /^ {2}✓ dea-1 +ready +1m 00s {2}10\.0\.0\.1 i-dea-1 · dea$/m);
  });

  it('14: the same names, numbers without a gap by the first and the last', () => {
    assert.equal(
      namesText(['dea-1', 'dea-2', 'dea-3', 'dea-5', 'x-1', 'x-2', 'core']),
      'dea-1 … dea-3, dea-5, x-1, x-2, core',
    );
  });
});

describe('one node on a page', () => {
  const of = (node: NodeStatus): NodeDetails => ({
    ...node,
    deployment: 'dev',
    release: '2.6.6',
    cloud: 'aws',
    host: `${node.name}.dev.stackato.test`,
  });

  it('14: its steps, where it is, and the answers for it alone', () => {
    const text = nodePage(of(parkedNode('dea-3')), plain);
    assert.match(
      text,
      /^dev dea-3 {2}attention {2}1m 01s {2}Stackato 2\.6\.6 on aws\n {2}host +dea-3\.dev\.stackato\.test\n {2}roles +dea\n {2}workflow +http\S+dea-3\/run-2\/history\n {2}address +10\.0\.0\.3\n {2}instance +i-dea-3\n\n/,
    );
    assert.match(text, /^ {2}✗ attach +attention +6\.0s {2}COMMAND_NO_EFFECT: The core does not list it\.$/m);
    assert.ok(!text.includes('setup-core'));
    assert.ok(text.endsWith('  stackato-deploy resume dev --node dea-3\n  stackato-deploy abort dev --node dea-3'));
  });

  it('14: what it waits for, or how it ended', () => {
    const last = (node: NodeStatus): string => nodePage(of(node), plain).split('\n').at(-1) ?? '';
    assert.equal(last(nodeWith('dea-1', 'waiting')), 'It has not begun.');
    assert.match(last(nodeWith('dea-2', 'held')), /stackato-deploy up/);
    assert.equal(last(nodeWith('dea-1', 'paused')), '  stackato-deploy resume dev --node dea-1');
    const undone = [{ what: 'instance i-1', ok: false, message: 'CLOUD_ERROR: 500' }];
    assert.match(
      nodePage(of(nodeWith('dea-1', 'aborted', {}, { undone })), plain),
      /Not everything could be taken back\.\n {2}still there: instance i-1 \(CLOUD_ERROR: 500\)/,
    );
    const row = (node: NodeStatus): string =>
      /dea-1 .*/.exec(statusPage(statusWith({}, { nodes: [node] }), plain))?.[0] ?? '';
    assert.match(row(nodeWith('dea-1', 'aborted', {}, { undone })), /not everything could be taken back · 10\.0\.0\.1/);
    assert.match(row(nodeWith('dea-1', 'aborted')), /  taken back$/);
  });

  it('14: one that is removed is not aborted, and may go without having been detached', () => {
    const node = parkedNode('dea-1');
    const { run } = node;
    const text = nodePage(of({ ...node, ...(run === undefined ? {} : { run: { ...run, action: 'remove' } }) }), plain);
    assert.ok(text.endsWith('  stackato-deploy resume dev --node dea-1\n  stackato-deploy skip dev --node dea-1'));
  });
});

describe('what it has come to, with nodes', () => {
  it('14: steps of its own are answered apart from those of nodes', () => {
    const dns = { state: 'attention', error: { code: 'DNS_REFUSED', message: 'No.' } } as const;
    const lines = nextSteps(statusWith({ dns }, { stage: 'needs-attention', nodes: [parkedNode('dea-1')] }));
    assert.ok(lines.includes('  stackato-deploy resume dev --node core'), lines.join('\n'));
    assert.ok(lines.includes('  stackato-deploy resume dev --node dea-1'));
    assert.ok(lines.includes('  stackato-deploy skip dev'));
  });

  it('14: what an earlier step made is gone: to make it again is the first answer', () => {
    const error = { code: 'SSH_UNREACHABLE', message: 'Gone.', from: 'launch' } as const;
    const ofNode = nodeWith('dea-1', 'needs-attention', {}, { error: { ...error, step: 'resolver' } });
    const resumes = (lines: readonly string[]): string[] => lines.filter((line) => line.includes(' resume '));
    assert.deepEqual(resumes(nextSteps(statusWith({}, { stage: 'needs-attention', nodes: [ofNode] }))), [
      '  stackato-deploy resume dev --node dea-1 --from launch',
      '  stackato-deploy resume dev --node dea-1',
    ]);
    const verify = { state: 'attention', error } as const;
    assert.deepEqual(resumes(nextSteps(statusWith({ verify }, { stage: 'needs-attention' }))), [
      '  stackato-deploy resume dev --from launch',
      '  stackato-deploy resume dev',
    ]);
  });

  it('14: not whole, and what is missing; ready, and what was removed', () => {
    const nodes = [
      nodeWith('dea-1', 'aborted'),
      ...names('dea', 2, 5).map((name) => nodeWith(name, 'held')),
      nodeWith('old-1', 'waiting', {}, { wanted: false }),
      nodeWith('router-1', 'ready'),
    ];
    assert.deepEqual(nextSteps(statusWith({}, { stage: 'failed', open: false, nodes })), [
      'The cluster is not whole. Missing: dea-1 (aborted), dea-2 … dea-5 (held).',
      'Not removed yet: old-1.',
      'Go on with: stackato-deploy up, with its spec',
      'Or take all of it back with: stackato-deploy down dev',
    ]);
    assert.match(
      nextSteps(statusWith({}, { stage: 'failed', open: false, nodes, cutShort: true })).join('\n'),
      /ended from outside/,
    );
    assert.ok(
      nextSteps(statusWith({}, { stage: 'ready', removedNodes: ['dea-4', 'dea-5'] })).includes('Removed: dea-4, dea-5'),
    );
  });
});

describe('nodes as lines of a log', () => {
  it('14: a line when a node changes its stage, and none for its steps', () => {
    const begun = statusWith({}, { nodes: [nodeWith('dea-1', 'deploying'), nodeWith('dea-2', 'waiting')] });
    const first = statusChanges(undefined, begun, NOW);
    assert.deepEqual(
      first.filter((text) => text.includes('dea-')),
      ['2026-11-24T12:00:00Z dev dea-1: deploying'],
    );
    assert.deepEqual(
      statusChanges(begun, statusWith({}, { nodes: [busyNode('dea-1'), nodeWith('dea-2', 'waiting')] }), NOW),
      [],
    );
    const later = statusWith({}, { nodes: [nodeWith('dea-1', 'ready'), parkedNode('dea-2')], removedNodes: ['dea-3'] });
    assert.deepEqual(statusChanges(begun, later, NOW), [
      '2026-11-24T12:00:00Z dev dea-3: removed',
      '2026-11-24T11:59:59Z dev dea-1: ready in 1m 00s, 10.0.0.1, i-dea-1',
      '2026-11-24T12:00:00Z dev dea-2: attention, attach: COMMAND_NO_EFFECT: The core does not list it.',
    ]);
  });
});

describe('what plan says of the nodes', () => {
  const spec = specNamed('dev');
  const none = { add: [], remove: [], replace: [], keep: [] };

  it('14: exactly the difference, or that there is none', () => {
    const lines = ['+ dea-3', '~ type of data: needs replacement', '- dea-5'];
    assert.match(
      planText(spec, [], [], paintIf(false), { ...none, lines }),
      /\n\nNodes of the deployment:\n {2}\+ dea-3\n {2}~ type of data: needs replacement\n {2}- dea-5$/,
    );
    assert.match(
      planText(spec, [], [], paintIf(false), { ...none, lines: [] }),
      /\n\nNo node of the deployment is added/,
    );
    assert.doesNotMatch(planText(spec, [], [], paintIf(false)), /node/i);
  });

  it('14: the steps of the core are told apart from those of the groups', () => {
    const groups = [{ group: 'dea', nodes: ['dea-1', 'dea-2'], steps: [] }];
    const text = planText(spec, [], groups, paintIf(false));
    assert.match(text, /\n\ncore {2}\(and what the deployment has once; [^\n]*\)\n\ndea-1, dea-2 {2}\(/);
  });

  it('14: that up would refuse it, and why', () => {
    const refused = { code: 'DATA_LOSS', message: 'It would lose data.', remedy: 'Put them back.' };
    assert.match(
      planText(spec, [], [], paintIf(false), { ...none, lines: ['- data-1'], refused }),
      / {2}- data-1\n\nup would refuse this\.\nIt would lose data\.\nPut them back\.$/,
    );
  });
});

describe('tables', () => {
  it('of deployments: aligned, with what needs attention', () => {
    const row = {
      name: 'dev',
      stage: 'ready',
      open: false,
      action: 'deploy',
      release: '2.6.6',
      cloud: 'aws',
      host: 'dev.example.com',
      consoleUrl: '',
      startedAt: NOW,
      attention: [],
    } as const;
    const parked = {
      ...row,
      name: 'staging',
      stage: 'needs-attention',
      open: true,
      attention: [{ step: 'dns', code: 'DNS_REFUSED' }],
    } as const;
    const nodes = ['dea-1', 'dea-2', 'dea-3'].map((node) => ({ node, step: 'attach', code: 'SSH_AUTH' }) as const);
    assert.match(
      listTable(
        [{ ...parked, nodes: { ready: 1, all: 4 }, attention: [...parked.attention, ...nodes] }],
        paintIf(false),
      ),
      /Z {2}1\/4 nodes, dns: DNS_REFUSED, dea-1 … dea-3 attach: SSH_AUTH$/,
    );
    assert.equal(
      listTable([row, parked], paintIf(false)),
      [
        'NAME     STAGE            CLOUD  HOST             STARTED',
        'dev      ready            aws    dev.example.com  2026-11-24T12:00:00Z',
        'staging  needs attention  aws    dev.example.com  2026-11-24T12:00:00Z  dns: DNS_REFUSED',
      ].join('\n'),
    );
    assert.match(listTable([], paintIf(false)), /no deployments.*stackato-deploy up/);
  });

  it('of findings: each failure with its remedy below it', () => {
    const findings = [
      { check: 'worker', ok: true, message: 'one listens' },
      {
        check: 'instance type',
        ok: false,
        message: 'It is small.',
        code: 'TYPE_TOO_SMALL',
        remedy: 'Choose a bigger one.',
      },
    ];
    assert.equal(
      [...findings.map((finding) => checkLine(finding, paintIf(false))), checkSummary(findings)].join('\n'),
      [
        '✓ worker                one listens',
        '✗ instance type         TYPE_TOO_SMALL: It is small.',
        '                        Choose a bigger one.',
        '',
        '1 of 2 checks failed.',
      ].join('\n'),
    );
  });
});

describe('words', () => {
  it('spans of time', () => {
    assert.deepEqual([0, 940, 9_949, 9_950, 59_400, 59_600, 125_000, 3_600_000, 3_725_000].map(duration), [
      '0.0s',
      '0.9s',
      '9.9s',
      '10s',
      '59s',
      '1m 00s',
      '2m 05s',
      '1h 00m',
      '1h 02m',
    ]);
  });

  it('F24: ASCII for terminals that show nothing else', () => {
    assert.equal(ascii('✓ a · b\n  ▶ cut…\nsome…thing → für 日本 🙂'), '+ a . b\n  > cut~\nsome...thing -> f?r ?? ?');
  });

  it('F20: columns of a line, colours not counted, of wide letters two', () => {
    assert.deepEqual(
      [
        columnsOf(`${ESCAPE}[32mab${ESCAPE}[39m`),
        columnsOf('日本'),
        columnsOf('e\u0301'),
        rowsOf(['', 'abc', 'abcd'], 3),
      ],
      [2, 4, 1, 4],
    );
    assert.equal(clip('日本語', 5), '日本…');
  });

  it('text of others stays on its line and steers no terminal', () => {
    assert.equal(oneLine(`a\r\nb${ESCAPE}[2Jc\u009bd\t e`), 'a b [2Jc d e');
    assert.deepEqual([clip('abc', 3), clip('abcd', 3), clip('abcd', -1)], ['abc', 'ab…', '…']);
  });
});
