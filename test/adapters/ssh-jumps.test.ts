/** Nodes behind their core: both are real sshds, and the node's address leads nowhere but through the core. */

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { utils } from 'ssh2';
import { createRemote } from '../../src/adapters/ssh';
import { DeployError, remedyOf } from '../../src/deployment/errors';
import { fingerprintOf } from '../../src/machine/host-keys';
import type { RemoteSession, Secrets, SshTarget } from '../../src/steps/ports';
import { eventually } from '../support/wait';
import { startOpenSsh } from './openssh';
import type { OpenSsh } from './openssh';
import { ED25519, RSA, startServer } from './ssh-server';
import type { Behaviour, TestServer } from './ssh-server';

const VALUES: Readonly<Record<string, string>> = { NODE: 'node pw', CORE: 'core pw', KEY: ED25519.private };
const secrets: Secrets = {
  resolve: (ref) => Promise.resolve({ reveal: () => VALUES['env' in ref ? ref.env : ref.file] ?? '' }),
};
const remote = createRemote(secrets);
const hasty = createRemote(secrets, { connect: 300, login: 1500, busy: 100 });

/** Of a network that is not this machine's. */
const NODE = '203.0.113.7';

function printOf(pair: { public: string }): string {
  const key = utils.parseKey(pair.public);
  assert.ok(!(key instanceof Error));
  return fingerprintOf(key.getPublicSSH());
}

describe('ssh to a node, through its core', function () {
  this.timeout(20_000);
  const servers: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  const serve = async (behaviour: Behaviour): Promise<TestServer> => {
    const server = await startServer(behaviour);
    servers.push(server);
    return server;
  };
  const coreOf = (behaviour: Behaviour = {}) =>
    serve({ password: 'core pw', config: { hostKeys: [RSA.private] }, ...behaviour });
  const nodeOf = (behaviour: Behaviour = {}) =>
    serve({ password: 'node pw', config: { hostKeys: [ED25519.private] }, ...behaviour });
  /** The one login that both have in the spec is two here, so that the test sees who is offered what. */
  const target = (
    core: Pick<TestServer, 'port'>,
    node: Pick<TestServer, 'port'>,
    keys: { readonly core?: string; readonly node?: string } = {},
  ): SshTarget => ({
    host: NODE,
    spec: { user: 'stackato', port: node.port, password: { env: 'NODE' } },
    hostKeys: [keys.node ?? printOf(ED25519)],
    via: {
      host: '127.0.0.1',
      spec: { user: 'stackato', port: core.port, password: { env: 'CORE' } },
      hostKeys: [keys.core ?? printOf(RSA)],
    },
  });
  const say = (session: RemoteSession): Promise<string> =>
    session.exec('echo "it is $PPID"').then(({ stdout }) => stdout.slice(0, 5));
  const failure = async (work: Promise<unknown>): Promise<DeployError> => {
    const error: unknown = await work.then(
      () => 'done',
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof DeployError, String(error));
    assert.doesNotMatch(error.message, / pw/);
    return error;
  };
  const closedPort = async (): Promise<number> => {
    const server = await serve({});
    await Promise.all(servers.splice(servers.indexOf(server), 1).map((each) => each.close()));
    return server.port;
  };

  it('14: runs commands there; each has the credentials and the host key of its own', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    assert.equal(await remote.withSession(target(core, node), say), 'it is');
    assert.deepEqual(core.forwarded, [`${NODE}:${node.port}`]);
    assert.deepEqual([core.offers, node.offers], [['password'], ['password']]);
    await eventually('both connections are closed', () => core.connections() + node.connections() === 0);
  });

  it('14: the host key of the node is seen in an exchange of keys alone: the core is logged in to, the node is not', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    const { hostKeys: _unknown, ...stranger } = target(core, node);
    assert.equal(await remote.hostKey(stranger), printOf(ED25519));
    assert.deepEqual([core.offers, node.requests()], [['password'], 0]);
    const { code, message } = await failure(remote.hostKey(target(core, node, { node: 'SHA256:other' })));
    assert.equal(code, 'SSH_HOST_KEY');
    assert.match(message, /^203\.0\.113\.7 \(through 127\.0\.0\.1\) shows the host key/);
    assert.equal(node.requests(), 0);
  });

  it('14: a key of another kind than the preferred one is asked for by kind, through the core, too', async () => {
    const node = await nodeOf({ config: { hostKeys: [ED25519.private, RSA.private] } });
    const core = await coreOf();
    assert.equal(await remote.withSession(target(core, node, { node: printOf(RSA) }), say), 'it is');
    assert.equal(core.offers.length, 1, 'all tries used one connection to the core');
  });

  it('14: a core with another host key is offered nothing, and nobody gets to the node', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    const { code, message } = await failure(remote.withSession(target(core, node, { core: 'SHA256:other' }), say));
    assert.equal(code, 'SSH_HOST_KEY');
    assert.match(message, /through the core, 127\.0\.0\.1, and the core fails: 127\.0\.0\.1 shows the host key/);
    assert.deepEqual([core.requests(), node.requests(), core.forwarded], [0, 0, []]);
  });

  it('14: a node with another host key is offered nothing', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    assert.equal(
      (await failure(remote.withSession(target(core, node, { node: printOf(RSA) }), say))).code,
      'SSH_HOST_KEY',
    );
    assert.equal(node.requests(), 0);
  });

  it('14: which of the two machines is down is said: a core that is, makes its nodes unreachable', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    const port = await closedPort();
    const noCore = await failure(hasty.withSession(target({ port }, node), say));
    assert.equal(noCore.code, 'SSH_UNREACHABLE');
    assert.match(
      noCore.message,
      /^203\.0\.113\.7 is reached through the core, 127\.0\.0\.1, and the core fails: ssh to 127/,
    );
    const noNode = await failure(hasty.withSession(target(core, { port }), say));
    assert.equal(noNode.code, 'SSH_UNREACHABLE');
    assert.match(noNode.message, /^ssh to 203\.0\.113\.7 \(through 127\.0\.0\.1\), port \d+, does not answer: /);
  });

  it('14: a node that never answers is given up, before the connection and after', async () => {
    const [node, deaf] = [await nodeOf(), await coreOf({ forwards: 'never answers' })];
    const { code, message } = await failure(hasty.withSession(target(deaf, node), say));
    assert.equal(code, 'SSH_UNREACHABLE');
    assert.match(message, /203\.0\.113\.7.*no answer \(0\.3 s\)/);
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    try {
      const error = await failure(hasty.withSession(target(await coreOf(), { port }), say));
      assert.deepEqual([error.code, /203.*takes too long/.test(error.message)], ['SSH_UNREACHABLE', true]);
    } finally {
      mute.close();
    }
  });

  it('14: a login that is refused says whose', async () => {
    const [core, node] = [await coreOf({ password: 'other' }), await nodeOf({ password: 'other' })];
    const atCore = await failure(remote.withSession(target(core, node), say));
    assert.deepEqual(
      [atCore.code, /the core fails: 127\.0\.0\.1 does not let/.test(atCore.message)],
      ['SSH_AUTH', true],
    );
    const atNode = await failure(remote.withSession(target(await coreOf(), node), say));
    assert.deepEqual([atNode.code, /^203\.0\.113\.7 .* does not let/.test(atNode.message)], ['SSH_AUTH', true]);
  });

  for (const forwards of ['prohibited', 'no'] as const) {
    it(`14: a core whose sshd forwards nothing (${forwards}): SSH_FORWARDING, and \`reach: public\` is the way out`, async () => {
      const [core, node] = [await coreOf({ forwards }), await nodeOf()];
      const { code, message } = await failure(remote.hostKey(target(core, node)));
      assert.equal(code, 'SSH_FORWARDING');
      assert.match(message, /sshd of the core, 127\.0\.0\.1, forwards no ports \(AllowTcpForwarding\), so 203/);
      assert.match(remedyOf('SSH_FORWARDING'), /reach: public/);
    });
  }

  it('14: twenty nodes at once take one connection to the core, which allows few logins at a time; and none is left', async () => {
    const core = await coreOf({ maxStartups: { number: 2, words: '' }, loginDelay: 50 });
    const nodes = await Promise.all(Array.from({ length: 20 }, () => nodeOf()));
    let most = 0;
    const said = await Promise.all(
      nodes.map((node) =>
        remote.withSession(target(core, node), async (session) => {
          most = Math.max(most, core.connections());
          return say(session);
        }),
      ),
    );
    assert.deepEqual(new Set(said), new Set(['it is']));
    assert.deepEqual([most, core.offers.length, core.turnedAway()], [1, 1, 0]);
    await eventually('the connection to the core is closed', () => core.connections() === 0);
  });

  it('14: a core that dies drops the sessions on its nodes, by its own name; the next one is a new connection', async () => {
    const [core, node] = [await coreOf(), await nodeOf()];
    const { code, message } = await failure(
      remote.withSession(target(core, node), async (session) => {
        const work = session.exec('sleep 5');
        core.cut();
        await work;
      }),
    );
    assert.equal(code, 'SSH_DROPPED');
    assert.match(message, /^203\.0\.113\.7 is reached through the core, 127\.0\.0\.1, and that connection was lost/);
    assert.equal(await remote.withSession(target(core, node), say), 'it is');
  });

  it('14: a core that dies while the node lets us in is no refusal by the node', async () => {
    const [core, node] = [await coreOf(), await nodeOf({ loginDelay: 60_000 })];
    const login = failure(remote.withSession(target(core, node), say));
    await eventually('the node is asked', () => node.requests() > 0);
    core.cut();
    const { code, message } = await login;
    assert.deepEqual([code, /that connection was lost/.test(message)], ['SSH_UNREACHABLE', true]);
  });

  it('14: a node that dies leaves the others their connection', async () => {
    const core = await coreOf();
    const [dying, living] = [await nodeOf(), await nodeOf()];
    await remote.withSession(target(core, living), async (session) => {
      const { code, message } = await failure(
        remote.withSession(target(core, dying), async (lost) => {
          const work = lost.exec('sleep 5');
          dying.cut();
          await work;
        }),
      );
      assert.deepEqual([code, /core/.test(message)], ['SSH_DROPPED', false]);
      assert.equal(await say(session), 'it is');
    });
    assert.equal(core.offers.length, 1);
  });

  describe('with OpenSSH as the core', () => {
    let core: OpenSsh | undefined;
    afterEach(() => core?.stop());

    const reach = async (settings: readonly string[]): Promise<SshTarget> => {
      core = await startOpenSsh({ host: RSA.private, authorized: ED25519.public }, settings);
      const at = target(core, await nodeOf());
      const spec = { user: core.user, port: core.port, key: { env: 'KEY' } };
      return { ...at, host: '127.0.0.1', via: { host: '127.0.0.1', spec, hostKeys: [printOf(RSA)] } };
    };

    it('14: runs commands on several nodes over one connection', async () => {
      const at = await reach(['MaxSessions 1', 'MaxStartups 1']);
      assert.deepEqual(await Promise.all([1, 2, 3].map(() => remote.withSession(at, say))), [
        'it is',
        'it is',
        'it is',
      ]);
      const log = core?.log() ?? '';
      assert.equal(log.match(/Accepted publickey/g)?.length, 1);
      assert.equal(log.match(/server_request_direct_tcpip: originator/g)?.length, 3);
    });

    it('14: says so where it forwards nothing, and where it does, but the node is down', async () => {
      assert.equal((await failure(remote.hostKey(await reach(['AllowTcpForwarding no'])))).code, 'SSH_FORWARDING');
      await core?.stop();
      const at = await reach([]);
      const { code, message } = await failure(
        remote.hostKey({ ...at, spec: { ...at.spec, port: await closedPort() } }),
      );
      assert.deepEqual([code, /\(through 127\.0\.0\.1\)/.test(message)], ['SSH_UNREACHABLE', true]);
    });
  });
});
