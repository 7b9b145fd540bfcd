import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { CLIENT_ERRORS, ClientError, EXIT } from '../../src/client/errors';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import { cli } from './cli';

const COMMANDS = [
  'up',
  'plan',
  'doctor',
  'status',
  'watch',
  'list',
  'resume',
  'skip',
  'abort',
  'pause',
  'down',
  'image',
  'worker',
  'lab',
  'schema',
];

/** What of the files loaded for these arguments matches. */
function loadedBy(args: readonly string[], pattern: RegExp): string[] {
  const tell = "process.on('exit', () => require('node:fs').writeSync(2, Object.keys(require.cache).join('\\n')));";
  const script = `${tell} require('./src/cli/main.ts');`;
  const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--eval', script, '--', ...args], {
    encoding: 'utf8',
  });
  return stderr.match(pattern) ?? [];
}

describe('command line, without Temporal', function () {
  this.timeout(30_000);
  let dir: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-cli-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  it('--help names every command and every exit code', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
    for (const exit of Object.values(EXIT)) assert.match(stdout, new RegExp(`\\b${exit} [a-z]`, 'i'));
  });

  it('no colours where there is no terminal, though CI asks for them', async () => {
    const { code, stdout } = await cli(['plan', 'examples/aws.yaml'], {
      CI: 'true',
      FORCE_COLOR: undefined,
      NO_COLOR: undefined,
    });
    assert.equal(code, 0);
    assert.ok(!stdout.includes(String.fromCharCode(27)));
  });

  it('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await cli(['--version'])).stdout, `${version}\n`);
  });

  it('bad usage: exit 2, what and what to do, as JSON if asked for', async () => {
    const none = await cli([]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /Usage: stackato-deploy[^]*No command was given\.\nSee `stackato-deploy --help`\.\n$/);
    const unknown = await cli(['statsu', '--json']);
    assert.equal(unknown.code, 2);
    assert.deepEqual(JSON.parse(unknown.stdout), {
      error: {
        code: 'USAGE',
        message: "Unknown command 'statsu' (Did you mean status?)",
        remedy: 'See `stackato-deploy --help`.',
      },
    });
    for (const args of [
      ['up'],
      ['resume', 'dev', '--step', 'nonsense'],
      ['status', 'dev', '--nonsense'],
      ['status', 'one', 'two'],
    ]) {
      const { code, stdout, stderr } = await cli(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, /^stackato-deploy: .+\nSee `stackato-deploy --help`\.\n$/);
    }
  });

  it('a bad spec: every problem with its place, exit 2, before Temporal is asked for', async () => {
    const path = join(dir, 'bad.yaml');
    writeFileSync(path, 'name: dev\nrelease: 2.6.6\nimagee: emi-12345678\n');
    for (const command of ['up', 'plan', 'doctor']) {
      const { code, stdout, stderr } = await cli([command, path, '--json'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^${path}:3:1 {2}imagee: unknown key imagee — did you mean image\\?$`, 'm'));
      assert.match(stderr, /Nothing was created\.\nCorrect the lines above/);
      const { error } = JSON.parse(stdout) as { error: { code: string; problems: { path: string; line: number }[] } };
      assert.equal(error.code, 'SPEC_INVALID');
      assert.ok(error.problems.some((problem) => problem.path === 'imagee' && problem.line === 3));
    }
  });

  it('Temporal not there: exit 5, where it was looked for, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<AddressInfo>((resolve) =>
      server.once('listening', () => resolve(server.address() as AddressInfo)),
    );
    await new Promise((resolve) => server.close(resolve));
    const { code, stdout } = await cli(['list', '--json'], { TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    assert.equal(code, 5);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; remedy: string } };
    assert.equal(error.code, 'TEMPORAL_UNREACHABLE');
    assert.ok(error.message.includes(`127.0.0.1:${port}`));
    assert.match(error.remedy, /TEMPORAL_ADDRESS/);
  });

  it('a profile that is not there: exit 2', async () => {
    const config = join(dir, 'temporal.toml');
    writeFileSync(config, '[profile.default]\naddress = "127.0.0.1:1"\n');
    const { code, stderr } = await cli(['list', '--profile', 'nowhere'], { TEMPORAL_CONFIG_FILE: config });
    assert.equal(code, 2);
    assert.match(stderr, /nowhere[^]*--profile/);
  });

  it('loads neither Temporal nor the schema for help, and no Temporal client for plan and schema', () => {
    const heavy = /node_modules\/(?:@temporalio\/\w+|zod|yaml|log-update)\//g;
    assert.deepEqual(loadedBy(['--help'], heavy), []);
    assert.deepEqual(loadedBy(['schema'], /node_modules\/@temporalio\/(?:client|proto|worker)\//g), []);
    assert.deepEqual(
      loadedBy(['plan', 'examples/aws.yaml'], /node_modules\/@temporalio\/(?:client|proto|worker)\//g),
      [],
    );
    // What is loaded is seen.
    assert.notDeepEqual(loadedBy(['plan', 'examples/aws.yaml'], /node_modules\/zod\//g), []);
    assert.notDeepEqual(loadedBy(['--help'], /node_modules\/commander\//g), []);
  });

  it('plan prints one document, the namespace from the profile, and no secret', async () => {
    const config = join(dir, 'profile.toml');
    writeFileSync(config, '[profile.default]\nnamespace = "production"\n');
    const { code, stdout } = await cli(['plan', 'examples/stackato-2.6.6.yaml', '--json'], {
      TEMPORAL_CONFIG_FILE: config,
      LAB_ADMIN_PASSWORD: 'hunter2-planted',
    });
    assert.equal(code, 0);
    assert.match(stdout, /stackato-deploy\/production\/dev/);
    assert.ok(!stdout.includes('hunter2-planted'));
    assert.equal((JSON.parse(stdout) as { steps: unknown[] }).steps.length, stepsOn({}, CORE).length);
  });

  it('schema is a JSON Schema that takes the examples and refuses others', async () => {
    const { code, stdout } = await cli(['schema']);
    assert.equal(code, 0);
    const validate = new Ajv({ strict: true, strictTypes: false }).compile(JSON.parse(stdout) as object);
    for (const name of readdirSync('examples').filter((file) => file.endsWith('.yaml')))
      assert.ok(
        validate(parse(readFileSync(`examples/${name}`, 'utf8'))),
        `${name}: ${JSON.stringify(validate.errors)}`,
      );
    assert.ok(!validate({ name: 'dev' }));
    assert.ok(!validate({ ...(parse(readFileSync('examples/aws.yaml', 'utf8')) as object), imagee: 'x' }));
  });

  it('says what is missing where nothing was built', () => {
    const bin = join(dir, 'bin/stackato-deploy.cjs');
    mkdirSync(join(dir, 'bin'));
    copyFileSync('bin/stackato-deploy.cjs', bin);
    assert.throws(
      () => execFileSync(process.execPath, [bin, 'worker'], { stdio: 'pipe', encoding: 'utf8' }),
      (error: { status: number; stderr: string }) => {
        assert.equal(error.status, CLIENT_ERRORS.NOT_BUILT.exit);
        assert.match(error.stderr, /is not built[^]*npm run build/);
        return true;
      },
    );
  });
});

describe('errors of the client', () => {
  it('each has an exit code of the design and a remedy that is a sentence', () => {
    for (const [code, { exit, remedy }] of Object.entries(CLIENT_ERRORS)) {
      assert.ok((Object.values(EXIT) as number[]).includes(exit), code);
      assert.match(remedy, /^[A-Z].+[\w).]$/, code);
    }
  });

  it('show code, message and remedy as JSON, and not the cause', () => {
    const error = new ClientError('NO_WORKER', 'Nobody is there.', { cause: new Error('secret') });
    assert.equal(
      JSON.stringify(error),
      `{"code":"NO_WORKER","message":"Nobody is there.","remedy":"${CLIENT_ERRORS.NO_WORKER.remedy}"}`,
    );
    assert.equal(error.exit, 5);
  });
});
