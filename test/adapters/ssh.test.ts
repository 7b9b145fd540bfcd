import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utils } from 'ssh2';
import type { Remote, RemoteSession, Secrets, SshTarget } from '../../src/steps/ports';
import { createRemote } from '../../src/adapters/ssh';
import { fingerprintOf } from '../../src/machine/host-keys';
import { DeployError } from '../../src/deployment/errors';
import type { SecretRef, SshSpec } from '../../src/deployment/spec';
import { ED25519, RSA, selfSigned, startServer } from './ssh-server';
import type { Behaviour, TestServer } from './ssh-server';

const VALUES: Record<string, string> = {
  OWN: 'own pw',
  ADMIN: 'admin pw',
  KEY: ED25519.private,
  RSA: RSA.private,
  PUBLIC: ED25519.public,
  JUNK: 'hunter2',
};
VALUES['LOCKED'] = utils.generateKeyPairSync('ed25519', { passphrase: 'x', cipher: 'aes256-ctr', rounds: 1 }).private;
const secrets: Secrets = {
  resolve: (ref: SecretRef) => Promise.resolve({ reveal: () => VALUES['env' in ref ? ref.env : ref.file] ?? '' }),
};
const remote = createRemote(secrets);
/** Waits only briefly for a connection, and longer for a login. */
const hasty = createRemote(secrets, { connect: 100, login: 1500, busy: 100 });

function printOf(pair: { public: string }): string {
  const key = utils.parseKey(pair.public);
  assert.ok(!(key instanceof Error));
  return fingerprintOf(key.getPublicSSH());
}

describe('ssh', function () {
  this.timeout(15_000);
  const servers: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  const serve = async (behaviour: Behaviour = {}): Promise<TestServer> => {
    const server = await startServer(behaviour);
    servers.push(server);
    return server;
  };
  const target = (port: number, spec: Partial<SshSpec> = {}, rest: Partial<SshTarget> = {}): SshTarget => ({
    host: '127.0.0.1',
    spec: { user: 'stackato', port, ...spec },
    hostKeys: [printOf(ED25519), printOf(RSA)],
    ...rest,
  });
  const logIn = (at: SshTarget, by = remote): Promise<string> =>
    by.withSession(at, (session) => Promise.resolve(session.password?.reveal() ?? 'no password'));
  const fails = (work: Promise<unknown>, code: string, words = /./): Promise<void> =>
    assert.rejects(
      work,
      (error) =>
        error instanceof DeployError &&
        error.code === code &&
        words.test(error.message) &&
        !/hunter2| pw/.test(error.message),
    );

  describe('logging in', () => {
    it('takes the factory password where nothing is given', async () => {
      assert.equal(await logIn(target((await serve()).port)), 'stackato');
    });

    it('answers keyboard-interactive', async () => {
      const server = await serve({ methods: ['keyboard-interactive'], password: 'own pw' });
      assert.equal(await logIn(target(server.port, { password: { env: 'OWN' } })), 'own pw');
      assert.deepEqual(server.offers, ['keyboard-interactive']);
    });

    for (const [name, pair] of [
      ['KEY', ED25519],
      ['RSA', RSA],
    ] as const) {
      it(`takes a key (${name}), and keeps the password for sudo`, async () => {
        const { port } = await serve({ methods: ['publickey'], authorized: pair.public });
        assert.equal(await logIn(target(port, { key: { env: name } })), 'no password');
        assert.equal(await logIn(target(port, { key: { env: name }, password: { env: 'OWN' } })), 'own pw');
      });
    }

    it("tries the administrator's password where the other is refused, and says which it was", async () => {
      const server = await serve({ methods: ['password', 'publickey'], password: 'admin pw', authorized: RSA.public });
      assert.equal(await logIn(target(server.port, {}, { adminPassword: { env: 'ADMIN' } })), 'admin pw');
      assert.equal(
        await logIn(
          target(server.port, { key: { env: 'KEY' }, password: { env: 'OWN' } }, { adminPassword: { env: 'ADMIN' } }),
        ),
        'admin pw',
      );
    });

    it('says so where it is refused', async () => {
      const { port } = await serve({ methods: ['password', 'keyboard-interactive'], password: 'other' });
      await fails(logIn(target(port, { password: { env: 'OWN' } })), 'SSH_AUTH', /does not let stackato in/);
    });

    it('says what is wrong with a key', async () => {
      await fails(logIn(target(1, { key: { env: 'JUNK' } })), 'SSH_AUTH', /not a private key/);
      await fails(logIn(target(1, { key: { env: 'LOCKED' } })), 'SSH_AUTH', /passphrase/);
      await fails(logIn(target(1, { key: { env: 'PUBLIC' } })), 'SSH_AUTH', /public key/);
    });

    it('speaks to an sshd of 2012', async () => {
      const algorithms = {
        kex: ['diffie-hellman-group14-sha1'],
        serverHostKey: ['ssh-rsa'],
        cipher: ['aes128-cbc'],
        hmac: ['hmac-sha1'],
      } as const;
      const config = { hostKeys: [RSA.private], algorithms: structuredClone(algorithms) as never };
      assert.equal(await logIn(target((await serve({ config })).port)), 'stackato');
      const { port } = await serve({ config, methods: ['publickey'], authorized: RSA.public });
      assert.equal(await logIn(target(port, { key: { env: 'RSA' } })), 'no password');
    });
  });

  describe('the host key', () => {
    const shown = (at: Parameters<Remote['hostKey']>[0]): Promise<string> => remote.hostKey(at);

    it('B9: is told to a stranger by the exchange of keys alone: no request to log in is made', async () => {
      const server = await serve();
      const { host, spec } = target(server.port);
      assert.equal(await shown({ host, spec }), printOf(ED25519));
      assert.equal(await shown(target(server.port, {}, { hostKeys: [printOf(RSA)] })), printOf(RSA));
      await fails(shown(target(server.port, {}, { hostKeys: ['SHA256:other'] })), 'SSH_HOST_KEY');
      for (let i = 0; i < 50 && server.connections() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual([server.requests(), server.connections()], [0, 0]);
    });

    it('B9: is not that of one who shows it and does not have it', async () => {
      // Presents the ED25519 key but signs with another, as anybody who has seen the real machine's key could.
      const thief = await serve({ config: { hostKeys: [forged(ED25519, utils.generateKeyPairSync('ed25519'))] } });
      const { host, spec } = target(thief.port);
      await fails(shown({ host, spec }), 'SSH_UNREACHABLE');
      assert.equal(thief.requests(), 0);
    });

    it('is held to, of whatever kind, and may be one of several', async () => {
      const { port } = await serve();
      const other = printOf(utils.generateKeyPairSync('ed25519'));
      assert.equal(await shown(target(port, {}, { hostKeys: [printOf(ED25519)] })), printOf(ED25519));
      assert.equal(await shown(target(port, {}, { hostKeys: [printOf(RSA)] })), printOf(RSA));
      assert.equal(await shown(target(port, {}, { hostKeys: [other, printOf(RSA)] })), printOf(RSA));
      assert.equal(await shown(target(port, {}, { hostKeys: [printOf(RSA), printOf(ED25519)] })), printOf(ED25519));
      assert.equal(await logIn(target(port, {}, { hostKeys: [printOf(RSA)] })), 'stackato');
    });

    it('is none where none may be shown', async () => {
      const server = await serve();
      await fails(logIn(target(server.port, {}, { hostKeys: [] })), 'SSH_HOST_KEY');
      assert.deepEqual(server.offers, []);
    });

    it('stops everything when it changed, before a password is sent', async () => {
      const server = await serve({ config: { hostKeys: [RSA.private] } });
      const words = new RegExp(
        `${printOf(RSA).replace(/[+/]/g, '\\$&')}.*${printOf(ED25519).replace(/[+/]/g, '\\$&')}`,
      );
      await fails(logIn(target(server.port, {}, { hostKeys: [printOf(ED25519)] })), 'SSH_HOST_KEY', words);
      assert.equal(server.requests(), 0);
    });
  });

  describe('a machine that does not answer', () => {
    it('is unreachable where nobody listens', async () => {
      const server = await startServer();
      await server.close();
      await fails(logIn(target(server.port)), 'SSH_UNREACHABLE', /ECONNREFUSED/);
    });

    it('is unreachable where the connection is cut at once', async () => {
      const cutter = createServer((socket) => socket.destroy());
      const port = await new Promise<number>((resolve) =>
        cutter.listen(0, '127.0.0.1', () => resolve((cutter.address() as { port: number }).port)),
      );
      await fails(logIn(target(port), hasty), 'SSH_UNREACHABLE', /before anything was said/).finally(() =>
        cutter.close(),
      );
    });

    it('is given longer once somebody answers: sshd may be looking for our name', async () => {
      const slow = await serve({ loginDelay: 500 });
      assert.equal(await logIn(target(slow.port), hasty), 'stackato');
      const slower = await serve({ loginDelay: 3000 });
      await fails(logIn(target(slower.port), hasty), 'SSH_UNREACHABLE', /login takes too long \(1\.5 s\)/);
    });

    for (const [sshd, words] of [
      ['9', 'Exceeded MaxStartups\r\n'],
      ['5.9', ''],
    ] as const) {
      it(`is come back to where an sshd ${sshd} lets only one log in at a time`, async () => {
        const server = await serve({ maxStartups: { number: 1, words }, loginDelay: 150 });
        const logins = Array.from({ length: 4 }, () => logIn(target(server.port)));
        assert.deepEqual(
          await Promise.all(logins),
          Array.from(logins, () => 'stackato'),
        );
        assert.ok(server.turnedAway() > 0);
      });

      it(`does not look like another machine where an sshd ${sshd} turns the second look at its keys away`, async () => {
        const server = await serve({ maxStartups: { number: 1, words }, loginDelay: 300 });
        const pinned = target(server.port, {}, { hostKeys: [printOf(RSA)] });
        assert.deepEqual(await Promise.all([logIn(pinned), logIn(pinned)]), ['stackato', 'stackato']);
        assert.ok(server.turnedAway() > 0);
      });
    }

    it('refuses where the connection is cut after an offer', async () => {
      const server = await serve({ password: 'other', cutAtOffer: 1 });
      await fails(logIn(target(server.port)), 'SSH_AUTH');
    });
  });

  describe('a command', () => {
    const onExec: Behaviour['onExec'] = (script, channel, connection) => {
      const acts: Record<string, () => void> = {
        mute: () => {
          channel.write('half');
          channel.end();
          channel.close();
        },
        hang: () => undefined,
        drop: () => {
          channel.write('half');
          setTimeout(() => connection.end(), 50);
        },
      };
      acts[script]?.();
      return acts[script] !== undefined;
    };
    const use = async <T>(work: (session: RemoteSession) => Promise<T>): Promise<T> =>
      remote.withSession(target((await serve({ onExec })).port), work);

    it('gives output, errors and exit status', async () => {
      assert.deepEqual(await use((session) => session.exec('echo out; echo err >&2; exit 3')), {
        stdout: 'out\n',
        stderr: 'err\n',
        code: 3,
      });
    });

    it('gets its input', async () => {
      assert.deepEqual(await use((session) => session.exec('cat', { stdin: 'ünï\n.\n' })), {
        stdout: 'ünï\n.\n',
        stderr: '',
        code: 0,
      });
    });

    it('may not end without a status', async () => {
      await use((session) => fails(session.exec('mute'), 'SSH_DROPPED', /cut off.*"half"/));
    });

    it('is cut at 256 KiB', async () => {
      const { stdout, code } = await use((session) => session.exec('head -c 300000 /dev/zero | tr "\\0" a; exit 5'));
      assert.deepEqual(
        [/^a+$/.test(stdout), stdout.length > 250 * 1024, stdout.length < 256 * 1024, code],
        [true, true, true, 5],
      );
    });

    it('may not take longer than it may, and takes the connection with it', async () => {
      await use(async (session) => {
        await fails(session.exec('hang', { timeoutMs: 100 }), 'SSH_DROPPED', /within 0\.1 s/);
        await fails(session.exec('echo out'), 'SSH_DROPPED');
      });
    });

    it('fails when the connection is lost under it, and every one after', async () => {
      await use(async (session) => {
        await fails(session.exec('drop'), 'SSH_DROPPED', /lost/);
        await fails(session.exec('echo out'), 'SSH_DROPPED', /lost/);
      });
    });

    it('has the only channel', async () => {
      const server = await serve({ onExec });
      await remote.withSession(target(server.port), (session) =>
        Promise.all(['one', 'two', 'three'].map((word) => session.exec(`sleep 0.06; echo ${word}`))),
      );
      assert.equal(server.most(), 1);
    });

    it('leaves no connection behind, not even when it failed', async () => {
      const server = await serve({ onExec });
      await assert.rejects(
        remote.withSession(target(server.port), () => Promise.reject(new Error('mine'))),
        /mine/,
      );
      await remote.withSession(target(server.port), (session) => session.exec('echo out'));
      for (let i = 0; i < 50 && server.connections() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(server.connections(), 0);
    });
  });

  describe("the machine's own console", () => {
    let dir: string;
    before(() => (dir = mkdtempSync(join(tmpdir(), 'stackato-tls-'))));
    after(() => rmSync(dir, { recursive: true }));

    it('is asked through the connection', async () => {
      const { key, cert } = selfSigned(dir);
      const seen: string[] = [];
      const console_ = createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          seen.push(`${request.method} ${request.headers.host} ${request.url} ${body}`);
          response.writeHead(201, { 'X-One': 'a' });
          response.end(request.url === '/big' ? 'x'.repeat(100_000) : '{}');
        });
      });
      const port = await new Promise<number>((resolve) =>
        console_.listen(0, '127.0.0.1', () => resolve((console_.address() as { port: number }).port)),
      );
      try {
        await remote.withSession(target((await serve()).port), async (session) => {
          const answer = await session.https({
            port,
            host: 'api.x',
            method: 'POST',
            path: '/stackato/license',
            form: { email: 'a@b', password: 'p&w ü' },
          });
          assert.deepEqual([answer.status, answer.headers['x-one'], answer.body], [201, 'a', '{}']);
          assert.equal(
            (await session.https({ port, host: 'api.x', method: 'GET', path: '/big' })).body.length,
            64 * 1024,
          );
        });
      } finally {
        console_.close();
      }
      assert.deepEqual(seen, ['POST api.x /stackato/license email=a%40b&password=p%26w+%C3%BC', 'GET api.x /big ']);
    });

    const asked = { port: 1, host: 'x', method: 'GET', path: '/' } as const;

    it('may not be up', async () => {
      await remote.withSession(target((await serve()).port), (session) =>
        fails(session.https(asked), 'CONSOLE_NOT_UP', /port 1/),
      );
    });

    for (const forwards of ['prohibited', 'no'] as const) {
      it(`C12: cannot be asked where sshd forwards nothing, and says so (${forwards})`, async () => {
        const { port } = await serve({ forwards });
        await remote.withSession(target(port), (session) =>
          fails(session.https(asked), 'SSH_FORWARDING', /AllowTcpForwarding/),
        );
      });
    }
  });
});

/** A private key file of `shown`'s public half and `owned`'s private one. */
function forged(shown: KeyPair, owned: KeyPair): string {
  const [bytes, from, to] = [bodyOf(owned.private), rawOf(owned), rawOf(shown)];
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

interface KeyPair {
  readonly public: string;
  readonly private: string;
}

function bodyOf(text: string): Buffer {
  return Buffer.from(text.replace(/-----[^-]+-----|\n/g, ''), 'base64');
}

function rawOf(pair: KeyPair): Buffer {
  return Buffer.from(pair.public.split(' ')[1] ?? '', 'base64').subarray(-32);
}
