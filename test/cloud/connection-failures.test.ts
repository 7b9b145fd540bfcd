/** Connections to a cloud: with and without a proxy, with TLS on one side only, and with temporary credentials. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountOf } from '../../src/cloud/account';
import { createClouds } from '../../src/cloud';
import { isExempt, proxyFor } from '../../src/cloud/proxy';
import type { CloudSpec } from '../../src/deployment/spec';
import { KINDS } from '../../lab/types';
import { TestProxy } from '../support/proxy';
import { CloudFixture } from './fixture';
import { failureOf, openCloud, openStore, secretsOf, specOf } from './support';

const ZONES = '<R><availabilityZoneInfo><item><zoneName>one</zoneName></item></availabilityZoneInfo></R>';
const VARIABLES = [
  'http_proxy',
  'HTTP_PROXY',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

describe('the way to a cloud', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'way-'));
  const authority = join(dir, 'ca.pem');
  const kept = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
  const servers: (Server | NetServer)[] = [];
  const proxies: TestProxy[] = [];

  before(() => {
    const names = ['-subj', '/CN=clc', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
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
        authority,
        '-days',
        '2',
        ...names,
      ],
      { stdio: 'pipe' },
    );
  });
  beforeEach(() => setProxies({}));
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });
  after(() => {
    setProxies(kept);
    rmSync(dir, { recursive: true, force: true });
  });

  function setProxies(values: NodeJS.ProcessEnv): void {
    for (const name of VARIABLES) delete process.env[name];
    for (const [name, value] of Object.entries(values)) if (value !== undefined) process.env[name] = value;
  }

  const listening = async <T extends Server | NetServer>(server: T): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const plainCloud = async (): Promise<string> =>
    `http://127.0.0.1:${await listening(createServer((_request, response) => response.end(ZONES)))}/services/compute`;
  const tlsCloud = async (): Promise<string> => {
    const tls = { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(authority) };
    return `https://127.0.0.1:${await listening(createTlsServer(tls, (_request, response) => response.end(ZONES)))}/services/compute`;
  };
  const proxied = async (credentials?: string): Promise<TestProxy> => {
    const proxy = await TestProxy.start(credentials);
    proxies.push(proxy);
    return proxy;
  };
  const deadPort = async (): Promise<number> => {
    const server = createNetServer();
    const port = await listening(server);
    await new Promise((done) => server.close(done));
    return port;
  };
  const specFor = (endpoint: string, changes: Partial<CloudSpec> = {}): CloudSpec => ({
    kind: 'eucalyptus-4.4',
    endpoint,
    region: 'r',
    storage: endpoint,
    credentials: { accessKey: { env: 'AK' }, secretKey: { env: 'SK' } },
    ...changes,
  });
  const ask = async (endpoint: string, changes?: Partial<CloudSpec>): Promise<void> =>
    (await createClouds(secretsOf()).open(specFor(endpoint, changes))).checkAccess();
  const store = async (endpoint: string, changes?: Partial<CloudSpec>): Promise<unknown> =>
    (await createClouds(secretsOf()).store(specFor(endpoint, changes))).head('bucket', 'key');

  describe('through a proxy', () => {
    it('F22: goes by CONNECT to https, and with the whole URL to http, for EC2 and S3', async () => {
      const proxy = await proxied();
      const [plain, tls] = [await plainCloud(), await tlsCloud()];
      setProxies({ HTTPS_PROXY: `http://${proxy.host}`, http_proxy: proxy.host });
      await ask(plain);
      await ask(tls, { ca: authority });
      await store(plain);
      await store(tls, { ca: authority });
      const { host } = new URL(tls);
      assert.deepEqual(proxy.asked, [
        `POST ${plain}/`,
        `CONNECT ${host}`,
        `HEAD ${plain}/bucket/key`,
        `CONNECT ${host}`,
      ]);
    });

    it("F22: believes the cloud's authority there too, and no other", async () => {
      const proxy = await proxied();
      setProxies({ HTTPS_PROXY: `http://${proxy.host}` });
      const { code, message } = await failureOf(ask(await tlsCloud()));
      assert.equal(code, 'CLOUD_UNREACHABLE');
      assert.match(
        message,
        /^TLS with 127\.0\.0\.1:\d+ fails \(through the proxy http:\/\/127\.0\.0\.1:\d+ of HTTPS_PROXY\); is cloud\.ca the authority/,
      );
    });

    it('F22: says who it is, and who refuses is named without the password', async () => {
      const proxy = await proxied('me:p@ss word');
      const [plain, tls] = [await plainCloud(), await tlsCloud()];
      const both = (user: string): void =>
        setProxies({ HTTPS_PROXY: `http://${user}@${proxy.host}`, HTTP_PROXY: `http://${user}@${proxy.host}` });
      both('me:p%40ss%20word');
      await ask(plain);
      await ask(tls, { ca: authority });
      both('me:hunter2');
      for (const call of [
        () => ask(plain),
        () => ask(tls, { ca: authority }),
        () => store(plain),
        () => store(tls, { ca: authority }),
      ]) {
        const { code, message } = await failureOf(call());
        assert.equal(code, 'CLOUD_PROXY', message);
        assert.match(
          message,
          new RegExp(
            `^The proxy http://${proxy.host} of HTTPS?_PROXY asks for a user and a password, or does not accept those it was given \\(HTTP 407\\)\\.$`,
          ),
        );
      }
    });

    it('F22: a dead one is not passed over, and is named', async () => {
      const port = await deadPort();
      const [plain, tls] = [await plainCloud(), await tlsCloud()];
      for (const [call, variable] of [
        [() => ask(plain), 'HTTP_PROXY'],
        [() => ask(tls, { ca: authority }), 'https_proxy'],
        [() => store(tls, { ca: authority }), 'ALL_PROXY'],
      ] as const) {
        setProxies({ [variable]: `http://me:hunter2@127.0.0.1:${port}` });
        const { code, message } = await failureOf(call());
        assert.equal(code, 'CLOUD_UNREACHABLE');
        assert.ok(
          message.startsWith(`The proxy http://127.0.0.1:${port} of ${variable} does not answer, on the way to `),
          message,
        );
        assert.ok(!message.includes('hunter2'));
      }
    });

    it('F22: one that does not reach the cloud, hangs up, or says nothing is named', async () => {
      const proxy = await proxied();
      setProxies({ HTTPS_PROXY: `http://${proxy.host}` });
      assert.match(
        (await failureOf(ask(`https://127.0.0.1:${await deadPort()}/`))).message,
        /^The proxy \S+ of HTTPS_PROXY does not reach 127\.0\.0\.1:\d+ \(HTTP 502\)\.$/,
      );
      const rude = await listening(createNetServer((socket) => socket.once('data', () => socket.end())));
      setProxies({ HTTPS_PROXY: `http://127.0.0.1:${rude}` });
      assert.match(
        (await failureOf(ask('https://192.0.2.1/'))).message,
        /^The proxy \S+ of HTTPS_PROXY does not answer/,
      );
      const silent = await listening(createNetServer(() => undefined));
      setProxies({ HTTPS_PROXY: `http://127.0.0.1:${silent}` });
      assert.match(
        (await failureOf(ask('https://192.0.2.1/'))).message,
        /^The proxy \S+ of HTTPS_PROXY does not answer/,
      );
    });

    it('F22: is refused where it is none, or of another kind', async () => {
      for (const HTTP_PROXY of ['socks5://127.0.0.1:1080', 'http://', 'http://a:%zz@proxy:3128', 'proxy:port']) {
        setProxies({ HTTP_PROXY });
        const { code, message } = await failureOf(ask('http://127.0.0.1:1/'));
        assert.deepEqual(
          [code, /^HTTP_PROXY of the worker is not the address of a proxy/.test(message)],
          ['CLOUD_PROXY', true],
          message,
        );
      }
    });

    it('F22: NO_PROXY goes past it', async () => {
      const plain = await plainCloud();
      setProxies({ HTTP_PROXY: `http://127.0.0.1:${await deadPort()}`, NO_PROXY: 'example.com, 127.0.0.0/8' });
      await ask(plain);
    });
  });

  it('F22: NO_PROXY is read as curl and Go read it', () => {
    const past = [
      ['ec2.example.com', 443, '*'],
      ['ec2.example.com', 443, 'example.com'],
      ['ec2.example.com', 443, '.example.com'],
      ['ec2.example.com', 443, '*.example.com'],
      ['EC2.Example.com', 443, 'other,ec2.example.com'],
      ['ec2.example.com', 8773, 'ec2.example.com:8773'],
      ['ec2.example.com', 443, 'a b example.com.'],
      ['10.1.2.3', 80, '10.0.0.0/8'],
      ['10.1.2.3', 8773, '10.1.2.3:8773'],
      ['[::1]', 80, '::1'],
      ['[fd00::5]', 80, 'fd00::/8'],
      ['[::1]', 8773, '[::1]:8773'],
    ] as const;
    for (const [host, port, list] of past) assert.ok(isExempt(host, port, list), `${host}:${port} in ${list}`);
    const through = [
      ['ec2.example.com', 443, ''],
      ['ec2.example.com', 443, 'ample.com'],
      ['ec2.example.com', 443, 'ec2.example.com:8773'],
      ['example.com.evil.org', 443, 'example.com'],
      ['11.1.2.3', 80, '10.0.0.0/8'],
      ['10.1.2.3', 80, '2.3'],
      ['10.1.2.3', 80, '10.1.2.0/33'],
      ['ec2.example.com', 443, ', ,'],
      ['[::1]', 80, '10.0.0.0/8'],
    ] as const;
    for (const [host, port, list] of through) assert.ok(!isExempt(host, port, list), `${host}:${port} not in ${list}`);
    assert.equal(proxyFor('https://ec2.example.com/', { HTTP_PROXY: 'http://p:1' }), undefined);
    assert.equal(
      proxyFor('https://ec2.example.com/', { https_proxy: 'p:1', HTTPS_PROXY: 'http://q:1' })?.name,
      'http://p:1',
    );
    assert.equal(
      proxyFor('https://ec2.example.com/', { HTTPS_PROXY: '', ALL_PROXY: 'http://p:1' })?.variable,
      'ALL_PROXY',
    );
  });

  describe('with TLS on one side only', () => {
    it('F22: an https endpoint on a port that speaks plain http', async () => {
      const plain = (await plainCloud()).replace('http:', 'https:');
      for (const [call, at] of [
        [() => ask(plain), 'cloud.endpoint'],
        [() => store(plain), 'cloud.storage'],
      ] as const) {
        const { code, message } = await failureOf(call());
        assert.equal(code, 'CLOUD_UNREACHABLE');
        assert.match(
          message,
          /^The endpoint speaks plain http: 127\.0\.0\.1:\d+ answers without TLS\. Write http:\/\/ in /,
        );
        assert.ok(message.includes(at) && !message.includes('cloud.ca'), message);
      }
    });

    it('F22: an http endpoint on a port that speaks https, and hangs up or says so in its own words', async () => {
      const tls = (await tlsCloud()).replace('https:', 'http:');
      const says =
        /^The endpoint speaks https only: 127\.0\.0\.1:\d+ answers with TLS\. Write https:\/\/ in cloud\.(endpoint|storage)/;
      assert.match((await failureOf(ask(tls))).message, says);
      assert.match((await failureOf(store(tls))).message, says);
      // OpenSSL's own server answers with an alert.
      const port = await deadPort();
      const openssl = spawn(
        'openssl',
        ['s_server', '-accept', `127.0.0.1:${port}`, '-key', join(dir, 'key.pem'), '-cert', authority, '-www'],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      try {
        for await (const said of openssl.stdout) if (String(said).includes('ACCEPT')) break;
        assert.match((await failureOf(ask(`http://127.0.0.1:${port}/`))).message, says);
      } finally {
        openssl.kill();
      }
    });
  });

  describe('with temporary keys', () => {
    const fixture = new CloudFixture();
    fixture.install();
    const keysOf = ({
      accessKey,
      secretKey,
      sessionToken,
    }: {
      accessKey: string;
      secretKey: string;
      sessionToken?: string;
    }): CloudSpec['credentials'] => ({
      accessKey: { env: accessKey },
      secretKey: { env: secretKey },
      ...(sessionToken === undefined ? {} : { sessionToken: { env: sessionToken } }),
    });

    for (const kind of KINDS) {
      it(`F22: ${kind} takes them with their token, and not without it or with another`, async () => {
        const access = fixture.lab.access(kind);
        const { temporary } = access;
        const good = { credentials: keysOf(temporary) };
        await (await openCloud(access, good)).checkAccess();
        const body = Buffer.from('content');
        const objects = await openStore(access, good);
        await objects.ensureBucket('temporary');
        await objects.put('temporary', 'key', body, createHash('md5').update(body).digest('hex'));
        assert.equal((await objects.get('temporary', 'key')).toString(), 'content');
        const { sessionToken: _none, ...tokenless } = temporary;
        const without = { credentials: keysOf(tokenless) };
        for (const call of [
          async () => (await openCloud(access, without)).checkAccess(),
          async () => (await openStore(access, without)).list('temporary', ''),
        ]) {
          const { code, message } = await failureOf(call());
          assert.equal(code, 'CLOUD_CREDENTIALS', message);
          assert.match(message, /needs its session token \(cloud\.credentials\.sessionToken\)/);
        }
        const other = { credentials: keysOf({ ...temporary, sessionToken: 'another-token' }) };
        for (const call of [
          async () => (await openCloud(access, other)).checkAccess(),
          async () => (await openStore(access, other)).list('temporary', ''),
        ]) {
          const { code, message } = await failureOf(call());
          assert.equal(code, 'CLOUD_CREDENTIALS', message);
          assert.match(message, /the secret key or the session token/);
          assert.ok(!message.includes('another-token'));
        }
      });
    }

    it('F22: a new token is taken up at once, and the account is the same', async () => {
      const access = fixture.lab.access('aws');
      const { temporary } = access;
      const values: Record<string, string> = { AK: temporary.accessKey, SK: temporary.secretKey, ST: 'expired-token' };
      const clouds = createClouds(secretsOf(values));
      const spec = specOf(access, {
        credentials: { accessKey: { env: 'AK' }, secretKey: { env: 'SK' }, sessionToken: { env: 'ST' } },
      });
      const first = await clouds.open(spec);
      assert.equal((await failureOf(first.checkAccess())).code, 'CLOUD_CREDENTIALS');
      values['ST'] = temporary.sessionToken;
      const second = await clouds.open(spec);
      await second.checkAccess();
      assert.deepEqual(
        [first.account, second.account],
        [accountOf(access, temporary.accessKey), accountOf(access, temporary.accessKey)],
      );
    });
  });

  it('F22: a session that is over is not taken for a wrong clock', async () => {
    const said = async (code: string, words: string, sessionToken?: string): Promise<readonly [string, string]> => {
      const xml = `<Response><Errors><Error><Code>${code}</Code><Message>${words} the-token</Message></Error></Errors></Response>`;
      const port = await listening(createServer((_request, response) => response.writeHead(400).end(xml)));
      const credentials = {
        accessKey: { env: 'ASIAX' },
        secretKey: { env: 'SK' },
        ...(sessionToken === undefined ? {} : { sessionToken: { env: sessionToken } }),
      };
      const failure = await failureOf(ask(`http://127.0.0.1:${port}/`, { credentials }));
      return [failure.code, failure.message];
    };
    const [code, message] = await said('RequestExpired', 'Request has expired.', 'the-token');
    assert.equal(code, 'CLOUD_CREDENTIALS');
    assert.match(message, /or they have expired: Request has expired\. \[secret\]/);
    assert.equal((await said('ExpiredToken', 'The provided token has expired.', 'the-token'))[0], 'CLOUD_CREDENTIALS');
    assert.equal((await said('RequestExpired', 'Message was generated in the future', 'the-token'))[0], 'CLOUD_CLOCK');
  });
});
