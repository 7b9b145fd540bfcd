/** Which host keys a login accepts. */

import assert from 'node:assert/strict';
import { onMachine } from '../../src/activities/machine';
import type { Cloud, RemoteSession, SshTarget } from '../../src/activities/ports';
import { DeployError } from '../../src/spec/errors';
import type { Resources, SshSpec } from '../../src/spec/types';
import { dependencies, inputOf } from './support';

const GIVEN = 'SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s';
const [ED25519, ECDSA] = ['SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU', 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM'];
const PRINTED = `ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\nec2: 256 ${ED25519} a (ED25519)\r\nec2: 256 ${ECDSA} a (ECDSA)\r\nec2: -----END SSH HOST KEY FINGERPRINTS-----\r\n`;
const ADDRESS = { publicIp: '10.1.1.103', allocated: true };

/** What one login asks for, on a machine whose console shows `output`. */
async function loginWith(hostKey: string | undefined, known: Resources, output: string | DeployError = PRINTED) {
  const targets: SshTarget[] = [];
  const asked: string[] = [];
  const cloud = {
    consoleOutput: (id: string) => {
      asked.push(id);
      return output instanceof DeployError ? Promise.reject(output) : Promise.resolve(output);
    },
  } as Cloud;
  const deps = dependencies({
    clouds: { open: () => Promise.resolve(cloud), store: () => Promise.reject(new Error('none')) },
    remote: { withSession: (target, use) => { targets.push(target); return use({ hostKey: 'SHA256:x' } as RemoteSession); } },
  });
  const given = inputOf({ known: { address: ADDRESS, instance: { id: 'i-1' }, ...known } });
  const ssh: SshSpec = { ...given.spec.ssh, ...(hostKey === undefined ? {} : { hostKey }) };
  const result = await onMachine(deps, { ...given, spec: { ...given.spec, ssh } }, () => Promise.resolve('in')).catch((error: unknown) => error);
  return { result, accepted: targets.map(({ hostKeys }) => hostKeys), asked };
}

describe('the host key of a login', () => {
  it('may be any at first sight, and then the one that was seen', async () => {
    assert.deepEqual(await loginWith(undefined, {}), { result: 'in', accepted: [undefined], asked: [] });
    assert.deepEqual(await loginWith(undefined, { hostKey: ECDSA }), { result: 'in', accepted: [[ECDSA]], asked: [] });
  });

  it('is the one that the spec gives', async () => {
    assert.deepEqual(await loginWith(GIVEN, { hostKey: ECDSA }), { result: 'in', accepted: [[GIVEN]], asked: [] });
  });

  it('is one of those on the console, until one is pinned', async () => {
    assert.deepEqual(await loginWith('console', {}), { result: 'in', accepted: [[ED25519, ECDSA]], asked: ['i-1'] });
    assert.deepEqual(await loginWith('console', { hostKey: ECDSA }), { result: 'in', accepted: [[ECDSA]], asked: [] });
  });

  for (const [what, output] of [['nothing', ''], ['half of it', PRINTED.slice(0, 150)]] as const) {
    it(`is waited for while the console shows ${what}: nobody connects`, async () => {
      const { result, accepted } = await loginWith('console', {}, output);
      assert.ok(result instanceof DeployError);
      assert.deepEqual([result.code, accepted], ['SSH_HOST_KEY_UNPRINTED', []]);
      assert.match(result.message, /console output of i-1/);
    });
  }

  it('is not guessed where the cloud does not show the console', async () => {
    const refused = new DeployError('CLOUD_PERMISSION', 'not allowed');
    assert.deepEqual(await loginWith('console', {}, refused), { result: refused, accepted: [], asked: ['i-1'] });
  });
});
