/** The user data of a launch: with secrets for the cloud, with references for `plan`. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { KnownSecrets } from '../../src/activities/known-secrets';
import { DeployError } from '../../src/deployment/errors';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { describeUserData, resolveUserData } from '../../src/steps/cloud/user-data';
import { planOf } from '../../src/steps/plan';
import { secretsFrom } from '../support/secrets';
import { specNamed } from '../support/specs';
import { dependencies } from './support';

const PASSWORD = 'launch-Pw-9';
const spec = (change: Partial<DeploymentSpec['instance']>, cloudInit = true): DeploymentSpec =>
  specNamed('dev', {
    image: cloudInit ? { id: 'emi-12345678', cloudInit } : { id: 'emi-12345678' },
    instance: { type: 'm1.large', ...change },
    ssh: { user: 'stackato', port: 22, password: { env: 'PW' } },
  });
const depsWith = (own: string | Buffer) =>
  dependencies({
    secrets: new KnownSecrets(secretsFrom((ref) => ('env' in ref && ref.env === 'PW' ? PASSWORD : own))),
  });

describe('the user data of a launch', () => {
  it('is none, or what the user gives, as it is, where the image has no cloud-init', async () => {
    assert.equal(await resolveUserData(depsWith(''), spec({}, false)), undefined);
    const own = Buffer.from([0x1f, 0x8b, 0xff, 0x00, 0x0a]);
    const data = await resolveUserData(depsWith(own), spec({ userData: { file: '/ud' } }, false));
    assert.deepEqual(data?.reveal(), own);
  });

  it('14: has the name of its node', async () => {
    const newer = { ...spec({}), release: '3.4.2' } as const;
    const nameIn = async (node?: string): Promise<string | undefined> =>
      /extname: "(.*)"/.exec((await resolveUserData(depsWith(''), newer, node))?.reveal().toString() ?? '')?.[1];
    assert.deepEqual(
      [await nameIn(), await nameIn('core'), await nameIn('dea-2')],
      [newer.dns.name, newer.dns.name, `dea-2.${newer.dns.name}`],
    );
  });

  it('14: is described with the name of its node', async () => {
    const newer = { ...spec({}), release: '3.4.2' } as const;
    const size = async (node: string): Promise<number> =>
      Number.parseInt(await describeUserData(depsWith(''), newer, node), 10);
    assert.ok((await size('dea-1000')) > (await size('dea-1')));
  });

  it('has no secret in it unless the spec says so; then no message may quote it', async () => {
    const textOf = async (passwords: boolean): Promise<string> => {
      const deps = depsWith('');
      const data = await resolveUserData(deps, spec(passwords ? { cloudInit: { passwords } } : {}));
      const base64 = data?.reveal().toString('base64') ?? '';
      assert.equal(deps.secrets.mask(`Invalid user data ${base64}.`), 'Invalid user data [secret].');
      return data?.reveal().toString() ?? '';
    };
    assert.doesNotMatch(await textOf(false), /chpasswd|launch-Pw/);
    assert.ok((await textOf(true)).includes(`list: "stackato:${PASSWORD}\\n"`));
  });

  it('13: is refused by preflight and launch alike, with the number of bytes', async () => {
    const own = `#!/bin/sh\n: ${randomBytes(20_000).toString('base64')}\n`;
    for (const work of [describeUserData, resolveUserData]) {
      for (const cloudInit of [true, false])
        await assert.rejects(
          work(depsWith(own), spec({ userData: { env: 'UD' } }, cloudInit)),
          (error) =>
            error instanceof DeployError && error.code === 'USER_DATA_TOO_BIG' && /has \d{5} bytes/.test(error.message),
        );
    }
  });

  it("tells which keys the user's own replaces", async () => {
    const said = await describeUserData(
      depsWith('#cloud-config\nssh_pwauth: false\n'),
      spec({ userData: { env: 'UD' } }),
    );
    assert.match(said, /^\d+ bytes; in instance\.userData, ssh_pwauth replace those of the spec$/);
  });

  it('13: is shown by plan with references in place of secrets', () => {
    const wanted = spec({ userData: { env: 'UD' }, cloudInit: { passwords: true } });
    const launch = planOf(wanted).find(({ id }) => id === 'launch');
    const shown = launch?.actions.find(({ what }) => what.startsWith('#cloud-config'));
    assert.ok(shown?.what.includes('list: "stackato:<env PW>\\n"'), shown?.what);
    assert.match(shown?.note ?? '', /before <env UD>, which counts where both say something/);
    assert.match(launch?.actions[0]?.what ?? '', / UserData=<below>/);
  });
});
