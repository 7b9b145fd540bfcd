/** How often a host key may change during the first boot by cloud-init, whatever becomes of the attempts. */

import assert from 'node:assert/strict';
import { DeployError, errorRow } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import { stepById } from '../../src/deployment/steps';
import type { StepActivityName } from '../../src/deployment/steps';
import { stepWorks } from '../../src/steps';
import type { Cloud, RemoteSession } from '../../src/steps/ports';
import { specNamed } from '../support/specs';
import { attemptOf, dependencies, inputOf } from './support';

const [A, B, C] = ['a', 'b', 'c'].map((sign) => `SHA256:${sign.repeat(43)}`) as [string, string, string];
const SPEC = { ...specNamed('dev'), image: { id: 'emi-12345678', cloudInit: true as const } };
const UNDER_WAY = '\nstackato-section began\n/var/lib/cloud/instance\n\nstackato-section-end\n';

/**
 * Goes through the activities as the workflow does, on a machine whose console shows its key.
 * @param keys of the machine, at each attempt
 * @returns the end of each attempt: a note, or the code of an error
 */
async function visit(names: readonly string[], keys: readonly string[], logIn?: DeployError) {
  const cloud = {
    consoleOutput: () =>
      Promise.resolve(
        `-----BEGIN SSH HOST KEY FINGERPRINTS-----\n256 ${key} a (ECDSA)\n-----END SSH HOST KEY FINGERPRINTS-----\n`,
      ),
  } as Partial<Cloud> as Cloud;
  const session = {
    exec: () => Promise.resolve({ code: 0, stdout: UNDER_WAY, stderr: '' }),
  } as Partial<RemoteSession> as RemoteSession;
  const assertKey = (accepted: readonly string[] | undefined): Promise<string> =>
    accepted?.includes(key) === true ? Promise.resolve(key) : Promise.reject(new DeployError('SSH_HOST_KEY', 'other'));
  const deps = dependencies({
    clouds: { open: () => Promise.resolve(cloud), store: () => Promise.reject(new Error('none')) },
    remote: {
      hostKey: ({ hostKeys }) => assertKey(hostKeys),
      withSession: async ({ hostKeys }, use) => {
        await assertKey(hostKeys);
        if (logIn !== undefined) throw logIn;
        return use(session);
      },
    },
  });
  let known: Known = {
    address: { publicIp: '10.1.1.103', allocated: true },
    instance: { id: 'i-1' },
    hostKey: A,
  };
  let key = A;
  const ends: string[] = [];
  const left = [...names];
  for (const next of keys) {
    key = next;
    const [name] = left;
    if (name === undefined) break;
    try {
      const outcome = await stepWorks()[name as StepActivityName](deps, inputOf({ spec: SPEC, known }), attemptOf());
      known = { ...known, ...outcome.known };
      ends.push(outcome.note);
      left.shift();
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      ends.push(error.code);
      if (errorRow(error.code).retry === 'no') break;
    }
  }
  return ends;
}

describe('a host key that changes during the first boot', () => {
  it('13: twice, while the end of it is awaited, stops the deployment', async () => {
    assert.deepEqual(await visit(Object.keys(stepById('cloud-init').activities), [A, B, B, C, C]), [
      'CLOUD_INIT_RUNNING',
      `host key ${B}`,
      'CLOUD_INIT_RUNNING',
      'SSH_HOST_KEY',
    ]);
  });

  it('13: twice, while the login is refused, stops the deployment', async () => {
    assert.deepEqual(await visit(['logIn', 'awaitKato'], [A, B, B, C, C], new DeployError('SSH_AUTH', 'refused')), [
      'CLOUD_INIT_RUNNING',
      `host key ${B}`,
      'CLOUD_INIT_RUNNING',
      'SSH_HOST_KEY',
    ]);
  });

  it('once, at the login: the login comes after it', async () => {
    assert.deepEqual(await visit(['logIn', 'awaitKato'], [B, B]), [`host key ${B}`, 'logged in']);
    assert.deepEqual(await visit(['logIn', 'awaitKato'], [A, A]), ['logged in', '']);
  });
});
