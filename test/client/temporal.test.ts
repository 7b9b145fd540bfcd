/** Where Temporal is, and what keeps client and worker from it: said alike by both, in words that lead on. */

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { temporalTarget } from '../../src/temporal/connection';
import type { ConnectionFault } from '../../src/temporal/connection';
import { programPath } from '../support/programs';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';

const CLIENT = [process.execPath, 'bin/stackato-deploy.cjs'] as const;
const WORKER = [process.execPath, 'dist/src/worker/main.js'] as const;

/** Client and worker, asked the same. */
async function both(env: NodeJS.ProcessEnv): Promise<readonly Ended[]> {
  return Promise.all([new Cli(['list'], env, CLIENT).ended, new Cli([], env, WORKER).ended]);
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('what keeps client and worker from Temporal', function () {
  this.timeout(120_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-temporal-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** @param codes of client and worker: what starts a worker again may find an address that was wrong set right. */
  const refusedByBoth = async (
    env: NodeJS.ProcessEnv,
    codes: readonly [client: number, worker: number],
    says: RegExp,
  ): Promise<void> => {
    for (const [i, { code, stdout, stderr }] of (await both(env)).entries()) {
      assert.deepEqual([code, stdout], [codes[i], ''], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /bug (?:of|in) stackato-deploy|INTERNAL/);
    }
  };

  it('F22: an address is host:port, and what is not is refused by both', async () => {
    const wrong = [
      'https://127.0.0.1:7233',
      'http://temporal.example.com',
      '127.0.0.1:7233/',
      'grpc://127.0.0.1:7233',
      '127.0.0.1:7233/namespaces',
      '127.0.0.1:port',
      '127.0.0.1:70000',
      '::1',
      'me:pw@host:7233',
      'a b:1',
    ];
    for (const TEMPORAL_ADDRESS of wrong) {
      assert.throws(
        () => temporalTarget(undefined, { TEMPORAL_ADDRESS }),
        (error: ConnectionFault) =>
          error.code === 'TEMPORAL_CONFIG' && /without https:\/\/ and path/.test(error.remedy),
        TEMPORAL_ADDRESS,
      );
    }
    const right = [
      '127.0.0.1:7233',
      'temporal.example.com',
      '[::1]:7233',
      'dev-1.a2b3c.tmprl.cloud:7233',
      'localhost:65535',
    ];
    for (const TEMPORAL_ADDRESS of right)
      assert.equal(temporalTarget(undefined, { TEMPORAL_ADDRESS }).address, TEMPORAL_ADDRESS);
    await refusedByBoth(
      { TEMPORAL_ADDRESS: 'https://127.0.0.1:7233' },
      [2, 5],
      /TEMPORAL_ADDRESS is not an address[^]*host:port, without https:\/\/ and path/,
    );
  });

  it('F22: an empty variable is one that is not set', () => {
    assert.deepEqual(
      temporalTarget(undefined, {
        HOME: dir,
        TEMPORAL_ADDRESS: '',
        TEMPORAL_NAMESPACE: '',
        TEMPORAL_API_KEY: '',
        TEMPORAL_TLS: '',
        TEMPORAL_CONFIG_FILE: '',
        TEMPORAL_PROFILE: '',
      }),
      {
        address: 'localhost:7233',
        namespace: 'default',
        options: {},
      },
    );
  });

  it('F22: an address in a profile is judged likewise, and the profile is named', async () => {
    const file = join(dir, 'https.toml');
    writeFileSync(file, '[profile.production]\naddress = "https://127.0.0.1:7233"\n');
    await refusedByBoth(
      { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'production', TEMPORAL_ADDRESS: '' },
      [2, 5],
      /address of the profile production is not[^]*host:port/,
    );
  });

  it('F22: a file that was named and is not there is told, and no other Temporal is asked', async () => {
    let calls = 0;
    const elsewhere = createServer(() => undefined).on('connection', () => {
      calls += 1;
    });
    const address = `127.0.0.1:${await portOf(elsewhere)}`;
    try {
      const missing = join(dir, 'not-there.toml');
      await refusedByBoth(
        { TEMPORAL_CONFIG_FILE: missing, TEMPORAL_ADDRESS: address },
        [2, 2],
        new RegExp(`TEMPORAL_CONFIG_FILE names ${missing}, and there is no such file`),
      );
      const says = (env: NodeJS.ProcessEnv, message: RegExp): void =>
        assert.throws(() => temporalTarget(undefined, { TEMPORAL_ADDRESS: address, ...env }), { message });
      says({ TEMPORAL_CONFIG_FILE: dir }, new RegExp(`TEMPORAL_CONFIG_FILE names ${dir}, and it cannot be read`));
      says({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: missing }, /not-there\.toml/);
      assert.equal(calls, 0);
    } finally {
      elsewhere.close();
    }
  });

  it('F22: a TOML file that is none is named with its line, and no key in it is shown', async () => {
    const file = join(dir, 'broken.toml');
    writeFileSync(file, '[profile.default]\napi_key = "hunter2-planted\n');
    const ended = await both({ TEMPORAL_CONFIG_FILE: file });
    for (const { code, stderr } of ended) {
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(file) && /line 2/.test(stderr), stderr);
      assert.ok(!stderr.includes('hunter2'), stderr);
    }
  });

  it('F22: TEMPORAL_TLS is true or false, and never taken for false because it is neither', () => {
    assert.throws(() => temporalTarget(undefined, { TEMPORAL_TLS: 'yes' }), {
      message: /TEMPORAL_TLS is neither true nor false/,
    });
    for (const TEMPORAL_TLS of ['True', '1', 'TRUE'])
      assert.equal(typeof temporalTarget(undefined, { TEMPORAL_TLS }).options.tls, 'object');
    for (const TEMPORAL_TLS of ['False', '0'])
      assert.equal(temporalTarget(undefined, { TEMPORAL_TLS }).options.tls, false);
  });

  describe('by TLS', () => {
    let env: TestWorkflowEnvironment;
    const tls = (): { key: Buffer; cert: Buffer } => ({
      key: readFileSync(join(dir, 'key.pem')),
      cert: readFileSync(join(dir, 'cert.pem')),
    });
    before(async () => {
      env = await TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path: programPath('temporal') },
          log: { format: 'json', level: 'error' },
        },
      });
      const names = ['-subj', '/CN=temporal', '-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-keyout',
          join(dir, 'key.pem'),
          '-out',
          join(dir, 'cert.pem'),
          '-days',
          '2',
          ...names,
        ],
        { stdio: 'pipe' },
      );
    });
    after(() => env.teardown());

    it('F22: asked of a server without it, by switch or by key', async () => {
      const says = /does not speak TLS, and TLS was asked for\.\nUnset TEMPORAL_TLS[^]*TEMPORAL_API_KEY/;
      await refusedByBoth({ TEMPORAL_ADDRESS: env.address, TEMPORAL_TLS: 'true' }, [5, 5], says);
      await refusedByBoth({ TEMPORAL_ADDRESS: env.address, TEMPORAL_API_KEY: 'x' }, [5, 5], says);
    });

    it('F22: not asked of a server that speaks nothing else; or its certificate is not trusted', async () => {
      const server = createSecureServer(tls());
      const address = `127.0.0.1:${await portOf(server)}`;
      try {
        await refusedByBoth(
          { TEMPORAL_ADDRESS: address },
          [5, 5],
          /speaks TLS, and TLS was not asked for\.\nSet TEMPORAL_TLS=true/,
        );
        await refusedByBoth(
          { TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'true' },
          [5, 5],
          /certificate of Temporal at \S+ is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)\.\nSet TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
        );
      } finally {
        server.close();
      }
    });

    it('F22: the proxies of the environment, which are for the cloud, are not asked for Temporal', async () => {
      const dead = {
        https_proxy: 'http://127.0.0.1:1',
        http_proxy: 'http://127.0.0.1:1',
        HTTPS_PROXY: 'http://127.0.0.1:1',
        HTTP_PROXY: 'http://127.0.0.1:1',
      };
      const { code, stderr } = await new Cli(['list'], { TEMPORAL_ADDRESS: env.address, ...dead }, CLIENT).ended;
      assert.equal(code, 0, stderr);
    });
  });
});

describe('a namespace whose search attributes are all taken', function () {
  this.timeout(120_000);
  const UP = ['up', '--detach', 'examples/aws.yaml'] as const;
  let env: TestWorkflowEnvironment;
  before(async () => {
    const taken = Array.from({ length: 9 }, (_, i) =>
      defineSearchAttributeKey(`Taken${i}`, SearchAttributeType.KEYWORD),
    );
    env = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path: programPath('temporal') },
        searchAttributes: taken,
        log: { format: 'json', level: 'error' },
      },
    });
  });
  after(() => env.teardown());

  const operator = (...args: readonly string[]): string =>
    execFileSync(programPath('temporal'), ['operator', 'search-attribute', ...args, '--address', env.address], {
      encoding: 'utf8',
      stdio: 'pipe',
    });

  it('F22: is told with a remedy that works, and without two full stops', async () => {
    const { code, stderr } = await new Cli(UP, { TEMPORAL_ADDRESS: env.address }, CLIENT).ended;
    assert.equal(code, 5, stderr);
    assert.match(
      stderr,
      /lacks the search attributes StackatoStage, StackatoCloud, StackatoHost\. [^]*cannot have more than 10/,
    );
    assert.match(
      stderr,
      /Use another namespace \(TEMPORAL_NAMESPACE\); or let an operator remove some of type Keyword that nobody uses/,
    );
    assert.doesNotMatch(stderr, /\.\.|search-attribute create/);
    // The remedy, done as it says.
    const [, remove = ''] =
      /temporal operator search-attribute (remove --namespace \S+ --name) <name>/.exec(stderr) ?? [];
    for (const name of ['Taken0', 'Taken1']) operator(...remove.split(' '), name, '--yes');
    const again = await new Cli(UP, { TEMPORAL_ADDRESS: env.address }, CLIENT).ended;
    assert.equal(again.code, 0, again.stderr);
  });

  it('F22: one of ours with another type is told, with what mends it', async () => {
    operator('remove', '--name', 'StackatoHost', '--yes');
    operator('create', '--name', 'StackatoHost', '--type', 'Text');
    const { code, stderr } = await new Cli(
      ['up', '--detach', 'examples/eucalyptus-4.4-dhcp.yaml'],
      { TEMPORAL_ADDRESS: env.address },
      CLIENT,
    ).ended;
    assert.equal(code, 5, stderr);
    assert.match(
      stderr,
      /StackatoHost are of another type than Keyword\.\n[^]*remove --namespace default --name StackatoHost; temporal operator search-attribute create --namespace default --name StackatoHost --type Keyword/,
    );
  });
});
