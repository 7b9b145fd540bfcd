/** A worker that cannot run says why in plain words and exits, so that a supervisor can start it again. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { CLI } from '../support/site';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';

describe('starting a worker', function () {
  this.timeout(60_000);
  let server: TestWorkflowEnvironment;
  let dir: string;
  /** Accepts connections and stays silent. */
  let mute: Server;
  const connections = new Set<Socket>();

  before(async () => {
    server = await localServer();
    dir = mkdtempSync(join(tmpdir(), 'stackato-start-'));
    mute = createServer((socket) => connections.add(socket)).listen(0, '127.0.0.1');
  });
  after(async () => {
    for (const socket of connections) socket.destroy();
    mute.close();
    await server.teardown();
    rmSync(dir, { recursive: true });
  });

  const worker = (env: NodeJS.ProcessEnv, args: readonly string[] = []): Cli =>
    new Cli(
      ['worker', ...args],
      { TEMPORAL_ADDRESS: server.address, STACKATO_DEPLOY_STATE: dir, STACKATO_DEPLOY_TASK_QUEUE: 'start', ...env },
      [process.execPath, CLI],
    );
  const mutePort = (): number => (mute.address() as AddressInfo).port;

  /** What, why and what to do, in two lines, without the messages of the SDK's core. */
  const assertTold = ({ code, stdout, stderr }: Ended, exit: number, words: RegExp): void => {
    assert.match(stderr, /^stackato-deploy: The worker cannot run\. .+\n.+\n$/);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /tonic|Status \{|Custom \{|Os \{|hyper|error 9|args\[/);
    assert.deepEqual([code, stdout], [exit, '']);
  };

  const CANNOT: readonly (readonly [what: string, env: () => NodeJS.ProcessEnv, exit: number, words: RegExp])[] = [
    [
      'a namespace that is not there',
      () => ({ TEMPORAL_NAMESPACE: 'not-there' }),
      5,
      /has no namespace not-there\.\n.*namespace create/,
    ],
    [
      'a scheme in the address',
      () => ({ TEMPORAL_ADDRESS: `http://${server.address}` }),
      5,
      /is not an address of Temporal\.\n.*host:port, without https/,
    ],
    ['a path in the address', () => ({ TEMPORAL_ADDRESS: `${server.address}/` }), 5, /is not an address of Temporal/],
    ['a port that cannot be', () => ({ TEMPORAL_ADDRESS: '127.0.0.1:99999' }), 5, /is not an address of Temporal/],
    ['a closed port', () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }), 5, /at 127\.0\.0\.1:1\. Connection refused\.\n/],
    [
      'a host without an address',
      () => ({ TEMPORAL_ADDRESS: 'temporal.invalid:7233' }),
      5,
      /at temporal\.invalid:7233\. .*(not known|resolution|lookup)/i,
    ],
    [
      'TLS against a plain server',
      () => ({ TEMPORAL_TLS: 'true' }),
      5,
      /does not speak TLS, and TLS was asked for\.\n.*TEMPORAL_TLS/,
    ],
    [
      'an API key against a plain server',
      () => ({ TEMPORAL_API_KEY: 'planted-key' }),
      5,
      /does not speak TLS, and TLS was asked for\.\n.*TEMPORAL_API_KEY/,
    ],
    [
      'a port that takes connections and says nothing',
      () => ({ TEMPORAL_ADDRESS: `127.0.0.1:${mutePort()}` }),
      5,
      /Nothing answered within 10 s/,
    ],
    [
      'a level that is none',
      () => ({ STACKATO_DEPLOY_LOG: 'verbose' }),
      2,
      /STACKATO_DEPLOY_LOG.*verbose\.\n.*trace, debug, info, warn or error/,
    ],
    [
      'a name as address of metrics',
      () => ({ STACKATO_DEPLOY_METRICS: 'localhost:9464' }),
      2,
      /STACKATO_DEPLOY_METRICS.*localhost:9464.*\n.*127\.0\.0\.1:9464/,
    ],
    [
      'a port of metrics that is taken',
      () => ({ STACKATO_DEPLOY_METRICS: `127.0.0.1:${mutePort()}` }),
      2,
      /Address already in use\.\n.*a free port/,
    ],
    [
      "an address of metrics that is another machine's",
      () => ({ STACKATO_DEPLOY_METRICS: '192.0.2.1:9464' }),
      2,
      /Cannot assign requested address\.\n.*of this machine/,
    ],
    [
      'a file that was named and is not there',
      () => ({ TEMPORAL_CONFIG_FILE: join(dir, 'not-there.toml') }),
      2,
      /TEMPORAL_CONFIG_FILE names .*not-there\.toml, and there is no such file\./,
    ],
    [
      'a TOML file that is none',
      () => {
        writeFileSync(join(dir, 'bad.toml'), 'root:x:0');
        return { TEMPORAL_CONFIG_FILE: join(dir, 'bad.toml') };
      },
      2,
      /configuration cannot be read \(.*bad\.toml\)\. Invalid TOML/,
    ],
  ];

  for (const [what, env, exit, words] of CANNOT) {
    it(`F18: ${what}: exit ${exit}, in plain words`, async () => assertTold(await worker(env()).ended, exit, words));
  }

  it('F18: tells it as JSON where asked to', async () => {
    const { code, stdout } = await worker({ TEMPORAL_NAMESPACE: 'not-there' }, ['--json']).ended;
    assert.equal(code, 5);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'TEMPORAL_REFUSED');
  });

  it('F18: ends by the first signal while it still looks for Temporal', async () => {
    const begun = connections.size;
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const waiting = worker({ TEMPORAL_ADDRESS: `127.0.0.1:${mutePort()}` });
      const before = connections.size;
      await eventually('it is connecting', () => connections.size > before);
      waiting.signal(signal);
      const ended = await waiting.ended;
      assert.deepEqual([ended.code, ended.stderr], [code, '']);
    }
    assert.ok(connections.size >= begun + 2);
  });

  it('F18: debug and trace tell more, warn less; no credentials are in any of it', async () => {
    const logOf = async (level: string, word: string): Promise<string> => {
      const running = worker({
        STACKATO_DEPLOY_LOG: level,
        TEMPORAL_GRPC_META_AUTHORIZATION: 'planted-credentials',
        STACKATO_DEPLOY_TASK_QUEUE: `log-${level}`,
      });
      await eventually(`its log at ${level}`, () => running.stdout.includes(word));
      running.signal('SIGTERM');
      const { code, stdout, stderr } = await running.ended;
      assert.deepEqual([code, stderr], [0, '']);
      assert.ok(!stdout.includes('planted-credentials'));
      return stdout;
    };
    const levels = (log: string): string[] =>
      [
        ...new Set(
          log
            .trim()
            .split('\n')
            .map((line) => String((JSON.parse(line) as { level: number }).level)),
        ),
      ].sort();
    assert.deepEqual(levels(await logOf('info', 'worker is ready')), ['30']);
    assert.deepEqual(levels(await logOf('debug', 'worker is ready')), ['20', '30']);
    assert.deepEqual(levels(await logOf('trace', 'worker is ready')), ['10', '20', '30']);
  });
});
