/** The first administrator: one request, in the form of the release, and only if there is none yet. */

import assert from 'node:assert/strict';
import { DeployError } from '../../src/deployment/errors';
import type { ReleaseName } from '../../src/deployment/releases';
import { claimAdmin } from '../../src/steps/claim-admin';
import type { HttpAnswer, LocalHttpsRequest, RemoteSession } from '../../src/steps/ports';
import { dependencies, firstAttempt, inputOf, remoteOf } from './support';

const ADMIN = {
  email: 'a@example.com',
  password: { env: 'ADMIN' },
  username: 'ops',
  organization: 'acme',
  space: 'dev',
};

/** The result of the step, and what it asked for. `answers`: to GET before, POST, and GET after. */
async function claim(release: ReleaseName, answers: readonly (readonly [status: number, body: string])[]) {
  const asked: LocalHttpsRequest[] = [];
  const session: Partial<RemoteSession> = {
    https: (request) => {
      const [status, body] = answers[asked.length] ?? [599, ''];
      asked.push(request);
      return Promise.resolve<HttpAnswer>({ status, body, headers: {} });
    },
  };
  const { spec, ...rest } = inputOf();
  const result = await firstAttempt(claimAdmin.activities.claimAdmin)(
    dependencies({ remote: remoteOf(() => session as RemoteSession) }),
    { ...rest, spec: { ...spec, release, admin: ADMIN } },
  ).catch((error: unknown) => error);
  return { result, asked };
}

const info = (accepted: boolean): readonly [number, string] => [
  200,
  JSON.stringify({ name: 'stackato', stackato: { license_accepted: accepted } }),
];

describe('claim-admin', () => {
  it('13: fills in the licence form up to 2.10', async () => {
    const { result, asked } = await claim('2.10.6', [
      [403, '{"code":100}'],
      [200, '{"token":"x"}'],
      [200, '{}'],
    ]);
    assert.deepEqual(result, { changed: true, note: 'a@example.com', known: {} });
    const at = { port: 443, host: 'api.dev.stackato.test', path: '/stackato/license' };
    assert.deepEqual(asked, [
      { ...at, method: 'GET' },
      {
        ...at,
        method: 'POST',
        form: { email: 'a@example.com', password: 'a-secret', unix_password: 'a-secret' },
      },
      { ...at, method: 'GET' },
    ]);
  });

  it('13: sends name, organization and space from 3.0 on, and looks at /v2/info', async () => {
    const { result, asked } = await claim('3.0.1', [info(false), [201, '{}'], info(true)]);
    assert.deepEqual(result, { changed: true, note: 'a@example.com', known: {} });
    const at = { port: 443, host: 'api.dev.stackato.test' };
    const json = {
      username: 'ops',
      email: 'a@example.com',
      password: 'a-secret',
      org_name: 'acme',
      space_name: 'dev',
      admin: true,
    };
    assert.deepEqual(asked, [
      { ...at, method: 'GET', path: '/v2/info' },
      { ...at, method: 'POST', path: '/v2/stackato/firstuser', json },
      { ...at, method: 'GET', path: '/v2/info' },
    ]);
  });

  it('13: changes nothing where there is one, and takes it for done where one came in between', async () => {
    const before = await claim('3.4.2', [info(true)]);
    assert.deepEqual([before.result, before.asked.length], [{ changed: false, note: 'claimed before', known: {} }, 1]);
    const between = await claim('3.4.2', [
      info(false),
      [400, '{"code":310,"description":"The first user has already been set up."}'],
      info(true),
    ]);
    assert.deepEqual(between.result, { changed: true, note: 'a@example.com', known: {} });
  });

  it('13: tells a refusal from a console that is not up', async () => {
    const cases: readonly (readonly [string, readonly (readonly [number, string])[], RegExp])[] = [
      ['ADMIN_REFUSED', [info(false), [400, '{"code":1001,"description":"bad email"}']], /answered 400: .*bad email/],
      ['ADMIN_REFUSED', [info(false), [201, '{}'], info(false)], /still has no administrator/],
      ['CONSOLE_NOT_UP', [info(false), [503, '']], /answers 503/],
      ['CONSOLE_NOT_UP', [[404, '']], /\/v2\/info answers 404/],
    ];
    for (const [code, answers, message] of cases) {
      const { result } = await claim('3.6.2', answers);
      assert.ok(result instanceof DeployError);
      assert.equal(result.code, code);
      assert.match(result.message, message);
    }
  });
});
