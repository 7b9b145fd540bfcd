import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { createSecrets } from '../../src/adapters/secrets';
import { DeployError } from '../../src/deployment/errors';
import type { SecretRef } from '../../src/deployment/spec';

const VALUE = 'hunter2-of-the-test';
const VARIABLE = 'STACKATO_TEST_SECRET';
const secrets = createSecrets();

describe('secrets', () => {
  let dir: string;
  before(() => (dir = mkdtempSync(join(tmpdir(), 'stackato-secrets-'))));
  afterEach(() => delete process.env[VARIABLE]);
  after(() => rmSync(dir, { recursive: true }));

  const file = (name: string, content: string | Buffer): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };
  const missing = (ref: SecretRef, message: string): Promise<void> =>
    assert.rejects(secrets.resolve(ref), (error) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.deepEqual([error.code, error.message], ['SECRET_MISSING', message]);
      return true;
    });

  it('come from the environment, as it is at the moment', async () => {
    process.env[VARIABLE] = `${VALUE}\n`;
    assert.equal((await secrets.resolve({ env: VARIABLE })).reveal(), `${VALUE}\n`);
    process.env[VARIABLE] = 'other';
    assert.equal((await secrets.resolve({ env: VARIABLE })).reveal(), 'other');
  });

  it('come from a file, without its last newline', async () => {
    const contents = [
      [VALUE, VALUE],
      [`${VALUE}\n`, VALUE],
      [`${VALUE}\r\n`, VALUE],
      [`${VALUE}\n\n`, `${VALUE}\n`],
      ['a\nb ü\n', 'a\nb ü'],
      [`\ufeff${VALUE}`, VALUE],
    ];
    for (const [content, value] of contents)
      assert.equal((await secrets.resolve({ file: file('plain', content!) })).reveal(), value);
    const big = 'x'.repeat(64 * 1024);
    assert.equal((await secrets.resolve({ file: file('big', big) })).reveal(), big);
    symlinkSync(file('target', VALUE), join(dir, 'link'));
    assert.equal((await secrets.resolve({ file: join(dir, 'link') })).reveal(), VALUE);
  });

  it('do not print, whatever prints them', async () => {
    const secret: unknown = await secrets.resolve({ file: file('printed', VALUE) });
    const all = [
      String(secret),
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ a: [secret] }, { showHidden: true, depth: 9 }),
      format('%s %o %O %j', secret, secret, secret, secret),
      JSON.stringify(Object.entries(secret as object)),
    ].join('\n');
    assert.ok(!all.includes(VALUE), all);
    assert.deepEqual([String(secret), JSON.stringify(secret), inspect(secret)], ['[secret]', '"[secret]"', '[secret]']);
    const printed = execFileSync(
      process.execPath,
      [
        '--require',
        'tsx/cjs',
        '-e',
        `
      require('./src/adapters/secrets').createSecrets().resolve({ env: '${VARIABLE}' }).then((secret) => console.log(secret, [secret], secret.reveal().length));
    `,
      ],
      { env: { ...process.env, [VARIABLE]: VALUE }, encoding: 'utf8' },
    );
    assert.equal(printed, `[secret] [ [secret] ] ${VALUE.length}\n`);
  });

  it('that are missing are named, by their reference', async () => {
    await missing({ env: VARIABLE }, `The variable ${VARIABLE} is not set.`);
    process.env[VARIABLE] = '';
    await missing({ env: VARIABLE }, `The variable ${VARIABLE} is empty.`);
    const absent = join(dir, 'absent');
    await missing({ file: absent }, `The file ${absent} does not exist.`);
    await missing(
      { file: join(file('plain', 'x'), 'below') },
      `The file ${join(dir, 'plain', 'below')} does not exist.`,
    );
    for (const content of ['', '\n', '\r\n'])
      await missing({ file: file('empty', content) }, `The file ${join(dir, 'empty')} is empty.`);
    await missing(
      { file: file('huge', `${VALUE}${'x'.repeat(64 * 1024)}`) },
      `The file ${join(dir, 'huge')} is larger than 64 KiB.`,
    );
    await missing({ file: '/dev/zero' }, 'The file /dev/zero is not a plain file.');
    await missing({ file: dir }, `The file ${dir} is not a plain file.`);
    await missing(
      { file: file('binary', Buffer.from([0xff, 0xfe, 0x41])) },
      `The file ${join(dir, 'binary')} is not UTF-8 text.`,
    );
  });

  it('in a pipe that nobody writes to do not block', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await missing({ file: join(dir, 'pipe') }, `The file ${join(dir, 'pipe')} is not a plain file.`);
  });

  it('that may not be read are named', async () => {
    const closed = join(dir, 'closed');
    mkdirSync(closed);
    const path = file('closed/secret', VALUE);
    chmodSync(path, 0);
    const mine = process.geteuid!();
    // Root may read everything, so another user id is used meanwhile.
    chmodSync(dir, 0o711);
    if (mine === 0) process.seteuid!(65_534);
    try {
      await missing({ file: path }, `The file ${path} may not be read by the worker.`);
    } finally {
      process.seteuid!(mine);
    }
  });
});
