/** The client against servers that are not clouds, are slow, or have self-signed certificates; and which clients open() keeps. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeAddressesCommand, DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2';
import { createClouds } from '../../src/cloud';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import { Ec2 } from '../../src/cloud/ec2';
import type { CloudSpec } from '../../src/deployment/spec';
import { codeOf, failureOf, secretsOf } from './support';

const ZONES = '<R><availabilityZoneInfo><item><zoneName>one</zoneName></item></availabilityZoneInfo></R>';

describe('cloud client', () => {
  const servers: Server[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'cloud-'));

  async function serve(
    listener: RequestListener,
    tls?: { readonly key: Buffer; readonly cert: Buffer },
  ): Promise<string> {
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/services/compute`;
  }

  const answering = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    serve((_request, response) => response.writeHead(status, headers).end(body));

  /** Answers by action. */
  const actions = (answers: Readonly<Record<string, string>>): Promise<string> =>
    serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.end(`<R>${answers[new URLSearchParams(body).get('Action') ?? ''] ?? ''}</R>`));
    });

  function ec2(endpoint: string): Ec2 {
    const timeouts = { connect: 2_000, answer: 200 };
    return new Ec2({
      spec: { endpoint, region: 'r' },
      credentials: { accessKey: 'THE-ACCESS-KEY', secretKey: 'the-secret-key' },
      capabilities: CLOUD_KINDS['eucalyptus-4.4'],
      timeouts,
    });
  }

  function specFor(endpoint: string, changes: Partial<CloudSpec> = {}): CloudSpec {
    return {
      kind: 'eucalyptus-4.4',
      endpoint,
      region: 'r',
      credentials: { accessKey: { env: 'AK' }, secretKey: { env: 'SK' } },
      ...changes,
    };
  }

  const list = (endpoint: string): Promise<unknown> => ec2(endpoint).send(new DescribeAddressesCommand({}));

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  after(() => rmSync(dir, { recursive: true, force: true }));

  it('does not take a web server for a cloud', async () => {
    assert.equal(await codeOf(list(await answering(404, ''))), 'CLOUD_UNREACHABLE');
    assert.equal(await codeOf(list(await answering(405, '<html><body>no</body></html>'))), 'CLOUD_UNREACHABLE');
    assert.equal(await codeOf(list(await answering(200, '<!DOCTYPE html><p>It works<br>'))), 'CLOUD_UNREACHABLE');
    const page = await createClouds(secretsOf()).open(
      specFor(await answering(200, '<html><body>well formed</body></html>')),
    );
    assert.equal(await codeOf(page.checkAccess()), 'CLOUD_UNREACHABLE');
  });

  it('tells a cloud that is ill from one that is not there', async () => {
    assert.equal(await codeOf(list(await answering(503, '<html>proxy error</html>'))), 'CLOUD_ERROR');
    assert.equal(await codeOf(list(await answering(500, ''))), 'CLOUD_ERROR');
    assert.equal(await codeOf(list(await serve((request) => request.socket.destroy()))), 'CLOUD_UNREACHABLE');
    const endpoint = await answering(200, ZONES);
    servers.splice(0).forEach((server) => server.close());
    const refused = await failureOf(list(endpoint));
    assert.equal(refused.code, 'CLOUD_UNREACHABLE');
    assert.match(refused.message, /^127\.0\.0\.1:\d+ does not answer DescribeAddresses: .*ECONNREFUSED/);
    assert.equal(await codeOf(list('http://no-such-host.invalid:8773/')), 'CLOUD_UNREACHABLE');
  });

  it('loses patience with a server that does not answer, or does not come to an end', async () => {
    const silent = await failureOf(list(await serve(() => undefined)));
    assert.equal(silent.code, 'CLOUD_UNREACHABLE');
    const endless = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': '1000' }).write('<R>'),
    );
    assert.equal(await codeOf(list(endless)), 'CLOUD_UNREACHABLE');
    assert.equal(await codeOf(ec2(endless).sendForBody(new DescribeInstanceTypesCommand({}))), 'CLOUD_UNREACHABLE');
  });

  it('waits as long as the cloud asks', async () => {
    const body =
      '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>';
    const { code, retryAfter } = await failureOf(list(await answering(503, body, { 'retry-after': '7' })));
    assert.deepEqual([code, retryAfter], ['CLOUD_THROTTLED', 7_000]);
  });

  it('shows no key that the cloud repeats', async () => {
    const body =
      '<Response><Errors><Error><Code>Odd</Code><Message>THE-ACCESS-KEY and the-secret-key</Message></Error></Errors></Response>';
    assert.equal(
      (await failureOf(list(await answering(400, body)))).message,
      'The cloud refused DescribeAddresses: [secret] and [secret] (Odd).',
    );
  });

  it('tries once, on a connection of its own', async () => {
    const connections = new Set<unknown>();
    let requests = 0;
    const endpoint = await serve((request, response) => {
      connections.add(request.socket);
      requests += 1;
      response.writeHead(requests === 1 ? 500 : 200).end(ZONES);
    });
    const client = ec2(endpoint);
    assert.equal(await codeOf(client.send(new DescribeAddressesCommand({}))), 'CLOUD_ERROR');
    assert.equal(requests, 1);
    await client.send(new DescribeAddressesCommand({}));
    assert.deepEqual([requests, connections.size], [2, 2]);
  });

  it('does not believe that a rule is there because the cloud says `false`', async () => {
    const group = '<item><groupName>g</groupName><groupDescription>d</groupDescription></item>';
    const endpoint = await actions({
      AuthorizeSecurityGroupIngress: '<return>false</return>',
      DescribeSecurityGroups: `<securityGroupInfo>${group}</securityGroupInfo>`,
    });
    const cloud = await createClouds(secretsOf()).open(specFor(endpoint));
    assert.equal(
      await codeOf(
        cloud.authorize(
          { name: 'g', description: 'd', rules: [], key: 'g', letsIn: [] },
          { port: 22, cidr: 'nonsense' },
        ),
      ),
      'CLOUD_REFUSED',
    );
  });

  it('counts for an administrator of 3.2 no address of another account, and none of nobody', async () => {
    const rows = [
      ['192.0.2.1', 'i-11111111 (arn:aws:euare::000000000111:user/admin)'],
      ['192.0.2.2', 'available (arn:aws:euare::000000000111:user/other)'],
      ['192.0.2.3', 'available (arn:aws:euare::000000000222:user/admin)'],
      ['192.0.2.4', 'i-22222222 (arn:aws:euare::000000000000:user/eucalyptus)'],
      ['192.0.2.5', 'nobody'],
    ];
    const items = rows
      .map(([ip, text]) => `<item><publicIp>${ip}</publicIp><instanceId>${text}</instanceId></item>`)
      .join('');
    const groups = '<item><ownerId>000000000111</ownerId><groupName>default</groupName></item>';
    const answers = {
      DescribeAddresses: `<addressesSet>${items}</addressesSet>`,
      DescribeSecurityGroups: `<securityGroupInfo>${groups}</securityGroupInfo>`,
    };
    const cloud = await createClouds(secretsOf()).open(specFor(await actions(answers), { kind: 'eucalyptus-3.2' }));
    assert.deepEqual(await cloud.listAddresses(), [
      { publicIp: '192.0.2.1', instanceId: 'i-11111111' },
      { publicIp: '192.0.2.2' },
    ]);
  });

  it('does not know the memory of types where it may not ask, or the cloud has no such call', async () => {
    for (const [status, code, words] of [
      [403, 'UnauthorizedOperation', 'You are not authorized'],
      [400, '400 Bad Request', 'Failed to construct message of type: x'],
    ] as const) {
      const endpoint = await answering(
        status,
        `<Response><Errors><Error><Code>${code}</Code><Message>${words}</Message></Error></Errors></Response>`,
      );
      assert.equal(await (await createClouds(secretsOf()).open(specFor(endpoint))).typeMemory('m1.small'), 'unknown');
    }
  });

  describe('with a certificate of a private authority', () => {
    const authority = join(dir, 'ca.pem');
    let tls: { readonly key: Buffer; readonly cert: Buffer };

    before(() => {
      const key = join(dir, 'key.pem');
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
          key,
          '-out',
          authority,
          '-days',
          '2',
          '-subj',
          '/CN=clc',
          '-addext',
          'subjectAltName=IP:127.0.0.1',
        ],
        { stdio: 'pipe' },
      );
      tls = { key: readFileSync(key), cert: readFileSync(authority) };
    });

    it('trusts it when cloud.ca names it, and not otherwise', async () => {
      const endpoint = await serve((_request, response) => response.end(ZONES), tls);
      const clouds = createClouds(secretsOf());
      const untrusted = await failureOf((await clouds.open(specFor(endpoint))).checkAccess());
      assert.equal(untrusted.code, 'CLOUD_UNREACHABLE');
      assert.match(untrusted.message, /cloud\.ca/);
      await (await clouds.open(specFor(endpoint, { ca: authority }))).checkAccess();
    });

    it('says so when the file cannot be read, or holds no certificate', async () => {
      const failure = await failureOf(
        createClouds(secretsOf()).open(specFor('https://127.0.0.1:1/', { ca: join(dir, 'nothing.pem') })),
      );
      assert.deepEqual(
        [failure.code, /cloud\.ca cannot be read.*ENOENT/.test(failure.message)],
        ['CLOUD_UNREACHABLE', true],
      );
      const noAuthority = join(dir, 'key.pem');
      const endpoint = await serve((_request, response) => response.end(ZONES), tls);
      assert.equal(
        await codeOf((await createClouds(secretsOf()).open(specFor(endpoint, { ca: noAuthority }))).checkAccess()),
        'CLOUD_UNREACHABLE',
      );
    });
  });

  it('keeps a client until its key changes, and takes the new key up at once', async () => {
    const values: Record<string, string> = { AK: 'access', SK: 'first' };
    const signatures: string[] = [];
    const endpoint = await serve((request, response) => {
      signatures.push(/Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '');
      response.end(ZONES);
    });
    const clouds = createClouds(secretsOf(values));
    const [first, again] = [await clouds.open(specFor(endpoint)), await clouds.open(specFor(endpoint))];
    assert.equal(first, again);
    values['SK'] = 'second';
    const second = await clouds.open(specFor(endpoint));
    assert.notEqual(second, first);
    assert.equal(second.account, first.account);
    assert.equal(await clouds.open(specFor(endpoint)), second);
    values['AK'] = 'other';
    const other = await clouds.open(specFor(endpoint));
    assert.notEqual(other.account, first.account);
    for (const cloud of [first, other]) await cloud.checkAccess();
    assert.deepEqual(signatures, ['access', 'other']);
    assert.notEqual(await clouds.open(specFor(endpoint, { kind: 'aws' })), other);
  });
});
