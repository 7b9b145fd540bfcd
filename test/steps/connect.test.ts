/** Which host keys are accepted, and what is offered to whom. */

import assert from 'node:assert/strict';
import { claimAdmin } from '../../src/steps/claim-admin';
import { connect } from '../../src/steps/connect';
import type { Dependencies } from '../../src/steps/dependencies';
import { withCoreSession, withSession } from '../../src/steps/machine/session';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import { stepById } from '../../src/deployment/steps';
import type { Cloud, RemoteSession, SshHost, SshTarget } from '../../src/steps/ports';
import { DeployError, remedyOf } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import type { SshSpec } from '../../src/deployment/spec';
import { clusterNamed } from '../support/specs';
import { dependencies, firstAttempt, inputOf, remoteOf } from './support';

const GIVEN = 'SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s';
const [ED25519, ECDSA] = [
  'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM',
];
const PRINTED = `ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\nec2: 256 ${ED25519} a (ED25519)\r\nec2: 256 ${ECDSA} a (ECDSA)\r\nec2: -----END SSH HOST KEY FINGERPRINTS-----\r\n`;
const ADDRESS = { publicIp: '10.1.1.103', allocated: true };

const ADMIN = { email: 'a@example.com', password: { env: 'ADMIN' } };

/** What one activity asks for, on a machine whose console shows `output` and which shows ECDSA. */
async function visit(
  work: (deps: Dependencies, input: StepInput) => Promise<unknown>,
  hostKey: string | undefined,
  known: Known,
  output: string | DeployError = PRINTED,
) {
  const exchanges: (readonly string[] | undefined)[] = [];
  const logins: SshTarget[] = [];
  const asked: string[] = [];
  const cloud = {
    consoleOutput: (id: string) => {
      asked.push(id);
      return output instanceof DeployError ? Promise.reject(output) : Promise.resolve(output);
    },
  } as Cloud;
  const deps = dependencies({
    clouds: { open: () => Promise.resolve(cloud), store: () => Promise.reject(new Error('none')) },
    remote: {
      hostKey: ({ hostKeys }) => {
        exchanges.push(hostKeys);
        return Promise.resolve(ECDSA);
      },
      withSession: (target, use) => {
        logins.push(target);
        return use({} as RemoteSession);
      },
    },
  });
  const given = inputOf({ known: { address: ADDRESS, instance: { id: 'i-1' }, ...known } });
  const ssh: SshSpec = { ...given.spec.ssh, ...(hostKey === undefined ? {} : { hostKey }) };
  const result = await work(deps, { ...given, spec: { ...given.spec, ssh, admin: ADMIN } }).catch(
    (error: unknown) => error,
  );
  return { result, exchanges, logins, asked };
}

const pin = (hostKey: string | undefined, known: Known, output?: string | DeployError) =>
  visit(firstAttempt(connect.activities.pinHostKey), hostKey, known, output);
const logIn = (hostKey: string | undefined, known: Known) =>
  visit((deps, input) => withSession(deps, input, () => Promise.resolve('in')), hostKey, known);
const PINNED = { changed: false, note: `host key ${ECDSA}`, known: { hostKey: ECDSA } };

describe('the host key', () => {
  it('B9: may be any at first sight, when nobody logs in; and then the one that was seen', async () => {
    assert.deepEqual(await pin(undefined, {}), { result: PINNED, exchanges: [undefined], logins: [], asked: [] });
    assert.deepEqual(await pin(undefined, { hostKey: ECDSA }), {
      result: PINNED,
      exchanges: [[ECDSA]],
      logins: [],
      asked: [],
    });
  });

  it('is the one that the spec gives', async () => {
    assert.deepEqual((await pin(GIVEN, { hostKey: ECDSA })).exchanges, [[GIVEN]]);
    assert.deepEqual(
      (await logIn(GIVEN, { hostKey: ECDSA })).logins.map(({ hostKeys }) => hostKeys),
      [[GIVEN]],
    );
  });

  it('is one of those on the console, until one is pinned', async () => {
    assert.deepEqual(await pin('console', {}), {
      result: PINNED,
      exchanges: [[ED25519, ECDSA]],
      logins: [],
      asked: ['i-1'],
    });
    assert.deepEqual(await pin('console', { hostKey: ECDSA }), {
      result: PINNED,
      exchanges: [[ECDSA]],
      logins: [],
      asked: [],
    });
  });

  for (const [what, output] of [
    ['nothing', ''],
    ['half of it', PRINTED.slice(0, 150)],
  ] as const) {
    it(`is waited for while the console shows ${what}: nobody connects`, async () => {
      const { result, exchanges } = await pin('console', {}, output);
      assert.ok(result instanceof DeployError);
      assert.deepEqual([result.code, exchanges], ['SSH_HOST_KEY_UNPRINTED', []]);
      assert.match(result.message, /console output of i-1/);
    });
  }

  it('is not guessed where the cloud does not show the console', async () => {
    const refused = new DeployError('CLOUD_PERMISSION', 'not allowed');
    assert.deepEqual(await pin('console', {}, refused), { result: refused, exchanges: [], logins: [], asked: ['i-1'] });
  });

  for (const hostKey of [undefined, 'console']) {
    it(`B9: is pinned before anybody logs in (ssh.hostKey: ${hostKey ?? 'not given'})`, async () => {
      const { result, exchanges, logins } = await logIn(hostKey, {});
      assert.ok(result instanceof Error);
      assert.deepEqual([exchanges, logins], [[], []]);
      assert.deepEqual(
        (await logIn(hostKey, { hostKey: ECDSA })).logins.map(({ hostKeys }) => hostKeys),
        [[ECDSA]],
      );
    });
  }
});

describe('the release of the machine', () => {
  /** What `awaitKato` says and runs on a machine whose `kato version` prints this. */
  const read = async (printed: string) => {
    const ran: string[] = [];
    const session: Partial<RemoteSession> = {
      exec: (command) => {
        const [, words = ''] = /timeout -k 2 10 (kato .*)/.exec(command) ?? [];
        ran.push(words);
        const stdout = words === 'kato version' ? printed : 'router  RUNNING';
        return Promise.resolve({ stdout, stderr: '', code: 0 });
      },
    };
    const deps = dependencies({ remote: remoteOf(() => session as RemoteSession) });
    const result = await firstAttempt(connect.activities.awaitKato)(deps, inputOf()).catch((error: unknown) => error);
    return { result, ran };
  };

  it('13: parks, naming both, before anything else is asked of it', async () => {
    const { result, ran } = await read('Stackato v3.4.2-12-gabcdef');
    assert.ok(result instanceof DeployError);
    assert.deepEqual([result.code, ran], ['RELEASE_DIFFERS', ['kato version']]);
    assert.equal(result.message, 'The machine has Stackato 3.4.2, and the spec says 2.6.6.');
    assert.match(remedyOf('RELEASE_DIFFERS'), /image of the release.*Or set `release:` in the spec/);
  });

  it('13: proves nothing where it cannot be read, and the step says so', async () => {
    const notes = [];
    for (const printed of ['Stackato 2.6.6', 'kato 1.9.3, built 2013.02.14', ''])
      notes.push(((await read(printed)).result as StepOutcome).note);
    const silent = 'kato is ready; it does not tell its release';
    assert.deepEqual(notes, ['kato 2.6.6 is ready', silent, silent]);
  });
});

describe("the administrator's password", () => {
  const offered = async (known: Known) =>
    (await logIn(undefined, { hostKey: ECDSA, ...known })).logins.map(({ adminPassword }) => adminPassword);

  it('B9: is offered only once an administrator may have been created', async () => {
    assert.deepEqual(await offered({}), [undefined]);
    assert.deepEqual(await offered({ claiming: true }), [ADMIN.password]);
  });

  it('B9: is known to be possible before it is', async () => {
    const activities = Object.keys(stepById('claim-admin').activities);
    assert.deepEqual(activities, ['announceClaim', 'claimAdmin']);
    assert.deepEqual((await firstAttempt(claimAdmin.activities.announceClaim)(dependencies({}), inputOf())).known, {
      claiming: true,
    });
  });
});

describe('where a node is', () => {
  const CORE_FACTS = { hostKey: ED25519, claiming: true } as const;
  const NODE_FACTS = {
    address: ADDRESS,
    hostKey: ECDSA,
    instance: { id: 'i-2', privateIp: '10.2.0.2', publicIp: '192.0.2.2' },
  };

  const seen = async (reach: 'core' | 'public', hostKey?: string) => {
    const logins: SshTarget[] = [];
    const hosts: SshHost[] = [];
    const deps = dependencies({
      remote: {
        hostKey: (host) => {
          hosts.push(host);
          return Promise.resolve(ECDSA);
        },
        withSession: (target, use) => {
          logins.push(target);
          return use({} as RemoteSession);
        },
      },
    });
    const spec = clusterNamed('dev', [{ name: 'dea', count: 1 }]);
    const ssh: SshSpec = { ...spec.ssh, ...(hostKey === undefined ? {} : { hostKey }) };
    const input = inputOf({
      spec: { ...spec, ssh, admin: ADMIN, cluster: { ...spec.cluster!, reach } },
      node: 'dea-1',
      known: NODE_FACTS,
      core: CORE_FACTS,
    });
    const { hostKey: _pinned, ...unpinned } = NODE_FACTS;
    await firstAttempt(connect.activities.pinHostKey)(deps, { ...input, known: unpinned });
    await withSession(deps, input, () => Promise.resolve());
    await withCoreSession(deps, input, () => Promise.resolve());
    const core = { host: ADDRESS.publicIp, spec: ssh, hostKeys: [hostKey ?? ED25519], adminPassword: ADMIN.password };
    return { hosts, logins, ssh, core };
  };

  it("14: at its private address, through the core; the core's passwords and keys are not offered to it", async () => {
    const { hosts, logins, ssh, core } = await seen('core');
    assert.deepEqual(hosts, [{ host: '10.2.0.2', spec: ssh, via: core }]);
    assert.deepEqual(logins, [{ host: '10.2.0.2', spec: ssh, hostKeys: [ECDSA], via: core }, core]);
  });

  it('14: at its public address, where the spec says so', async () => {
    const { hosts, logins, ssh, core } = await seen('public');
    assert.deepEqual(hosts, [{ host: '192.0.2.2', spec: ssh }]);
    assert.deepEqual(logins, [{ host: '192.0.2.2', spec: ssh, hostKeys: [ECDSA] }, core]);
  });

  it("14: a fingerprint in the spec is the core's; the node's key is pinned when it is seen", async () => {
    const { hosts, logins } = await seen('core', GIVEN);
    assert.deepEqual([hosts[0]?.hostKeys, hosts[0]?.via?.hostKeys], [undefined, [GIVEN]]);
    assert.deepEqual([logins[0]?.hostKeys, logins[1]?.hostKeys], [[ECDSA], [GIVEN]]);
  });
});
