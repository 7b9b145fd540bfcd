/** Servers that show every key another view, and those that answer nobody else. */

import { firstAttempt } from './support';
import assert from 'node:assert/strict';
import { verify } from '../../src/steps/verify';
import { createDns } from '../../src/adapters/dns';
import type { Dns, TsigKey } from '../../src/steps/ports';
import { DeployError } from '../../src/deployment/errors';
import { ownerOf } from '../../src/deployment/names';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { keyNamed, keyStatement, startNamed, ZONE_HEAD } from '../support/named';
import type { Named } from '../support/named';
import { NameDeployment, NAMESPACE } from './dns-support';

const IP = '203.0.113.77';
const IN_VIEW = keyNamed('k-int');
const OUTSIDE = keyNamed('k-ext', 'hmac-sha512');

describe('A6: questions and updates meet the same view', function () {
  this.timeout(60_000);
  let bind: Bind;
  let named: Named;
  before(async () => {
    bind = await startBind();
    named = await startNamed(bind, 'views', {
      config: `${keyStatement(IN_VIEW)}${keyStatement(OUTSIDE)}
view "internal" { match-clients { key k-int; }; zone "corp.example" { type master; file "int.db"; allow-update { key k-int; }; }; };
view "external" { match-clients { any; }; zone "corp.example" { type master; file "ext.db"; allow-update { key k-ext; }; };
  zone "shut.example" { type master; file "shut.db"; allow-update { key k-ext; }; allow-query { key k-ext; }; }; };
`,
      files: { 'int.db': ZONE_HEAD, 'ext.db': ZONE_HEAD, 'shut.db': ZONE_HEAD },
      ready: { zone: 'corp.example' },
    });
  });
  after(() => bind.stop());

  const deployment = (key: TsigKey, wrap?: (real: Dns) => Dns, zone = 'corp.example'): NameDeployment =>
    new NameDeployment('dev', {
      dns: named.dns({ zone, name: `dev.${zone}` }, key),
      key,
      publicIp: IP,
      cloud: { addressName: undefined as never },
      ...(wrap === undefined ? {} : { wrap }),
    });
  const ours = (zone = 'corp.example'): readonly string[] => [
    `*.dev.${zone}. 600 IN CNAME dev.${zone}.`,
    `_stackato-deploy.dev.${zone}. 600 IN TXT "${ownerOf(NAMESPACE, 'dev')}"`,
    `dev.${zone}. 600 IN A ${IP}`,
  ];
  const refused = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      return true;
    });

  it('A6: the name is made, seen and taken back in the view of the key, and no other is touched', async () => {
    const [inside, outside] = [await named.zone('corp.example', IN_VIEW), await named.zone('corp.example')];
    const one = deployment(IN_VIEW);
    await one.preflight();
    assert.equal(await one.up(), true);
    assert.deepEqual(
      (await named.zone('corp.example', IN_VIEW)).filter((line) => !inside.includes(line)),
      ours(),
    );
    assert.equal(await one.up(), false);
    assert.equal(await one.down(), true);
    assert.deepEqual(await named.zone('corp.example', IN_VIEW), inside);
    assert.deepEqual(await named.zone('corp.example'), outside);
  });

  it('A6: the console is looked for in that view too', async () => {
    const one = deployment(IN_VIEW);
    await one.up();
    const http = { get: () => Promise.resolve({ status: 200, body: '{"name":"stackato","version":"1"}' }) };
    const note = (await firstAttempt(verify.activities.verifyConsole)({ ...one.deps, http } as never, one.input)).note;
    assert.match(note, /^stackato 1 at http:\/\/dev\.corp\.example\/$/);
    await one.down();
  });

  it('A6: what stands in that view only is foreign, and what stands in the other only is not', async () => {
    await named.plant('corp.example', IN_VIEW, 'update add dev.corp.example. 60 A 203.0.113.10');
    await refused(
      deployment(IN_VIEW).preflight(),
      'DNS_FOREIGN',
      /^dev\.corp\.example already holds: dev\.corp\.example A 203\.0\.113\.10\.$/,
    );
    const other = deployment(OUTSIDE);
    assert.equal(await other.up(), true);
    assert.equal(await other.down(), true);
    await named.plant('corp.example', IN_VIEW, 'update delete dev.corp.example.');
  });

  it('A6: the key opens a zone that answers nobody else', async () => {
    const before = await named.zone('shut.example');
    const one = deployment(OUTSIDE, undefined, 'shut.example');
    await one.preflight();
    assert.equal(await one.up(), true);
    assert.deepEqual(
      (await named.zone('shut.example')).filter((line) => !before.includes(line)),
      ours('shut.example'),
    );
    assert.equal(await one.down(), true);
    assert.deepEqual(await named.zone('shut.example'), before);
    await refused(
      deployment(IN_VIEW, undefined, 'shut.example').preflight(),
      'DNS_ERROR',
      /answers (REFUSED|SERVFAIL|NOTAUTH) when asked for shut\.example SOA\.$/,
    );
  });

  it('A6: a take-back that questions do not show is never reported', async () => {
    const inside = await named.zone('corp.example', IN_VIEW);
    // As the questions went before they were signed: into the other view.
    const unsigned = (real: Dns): Dns => ({ ...real, query: (server, name, type) => real.query(server, name, type) });
    const one = deployment(IN_VIEW, unsigned);
    await refused(one.up(), 'DNS_NOT_SEEN', /does not lead/);
    await refused(
      one.takeBack(),
      'DNS_NOT_SEEN',
      /has _stackato-deploy\.dev\.corp\.example TXT and does not show it, so nothing was removed\.$/,
    );
    assert.deepEqual(
      (await named.zone('corp.example', IN_VIEW)).filter((line) => !inside.includes(line)),
      ours(),
    );
    const again = deployment(IN_VIEW);
    again.known = one.known;
    assert.equal(await again.down(), true);
    assert.deepEqual(await named.zone('corp.example', IN_VIEW), inside);
  });

  it('A6: without its ownership record nothing is taken back, and that is said', async () => {
    const before = await named.zone('corp.example', IN_VIEW);
    const one = deployment(IN_VIEW);
    await one.up();
    await named.plant('corp.example', IN_VIEW, 'update delete _stackato-deploy.dev.corp.example. TXT');
    await refused(
      one.takeBack(),
      'DNS_FOREIGN',
      /lost its ownership record .+ left as it is: dev\.corp\.example A 203\.0\.113\.77; \*\.dev\.corp\.example CNAME dev\.corp\.example\.$/,
    );
    await named.plant('corp.example', IN_VIEW, 'update delete dev.corp.example.', 'update delete *.dev.corp.example.');
    assert.deepEqual(await one.takeBack(), { changed: false, note: '', known: {} });
    assert.deepEqual(await named.zone('corp.example', IN_VIEW), before);
  });

  it('A6: of a name that somebody cleaned up, what cannot be put back is named', async () => {
    await named.plant('corp.example', IN_VIEW, 'update add dev.corp.example. 60 A 203.0.113.10');
    const one = deployment(IN_VIEW);
    Object.assign(one.spec.dns, { replace: true });
    await one.up();
    await named.plant(
      'corp.example',
      IN_VIEW,
      'update delete _stackato-deploy.dev.corp.example.',
      'update delete dev.corp.example.',
      'update delete *.dev.corp.example.',
    );
    const { changed, note } = await one.takeBack();
    assert.deepEqual(
      [changed, note],
      [
        true,
        'DNS records of dev.corp.example: no ownership record there; not put back: dev.corp.example A 203.0.113.10',
      ],
    );
    // And an `up` after that forgets nothing.
    assert.equal(await one.up(), true);
    assert.equal(await one.down(), true);
    assert.ok((await named.zone('corp.example', IN_VIEW)).includes('dev.corp.example. 60 IN A 203.0.113.10'));
    await named.plant('corp.example', IN_VIEW, 'update delete dev.corp.example.');
  });

  it('A6: a deployment that stopped for want of its key can be aborted, unless its records are there', async () => {
    const wrong: TsigKey = { ...OUTSIDE, secret: { reveal: () => Buffer.alloc(32, 9).toString('base64') } };
    const stopped = (): NameDeployment => {
      const one = deployment(OUTSIDE);
      Object.assign(one.deps, { secrets: { resolve: () => Promise.resolve(wrong.secret) } });
      return one;
    };
    await refused(stopped().preflight(), 'DNS_KEY_REFUSED', /BADSIG/);
    assert.deepEqual(await stopped().takeBack(), { changed: false, note: '', known: {} });
    const real = deployment(OUTSIDE);
    await real.up();
    await refused(stopped().takeBack(), 'DNS_KEY_REFUSED', /BADSIG/);
    const remembering = stopped();
    remembering.known = real.known;
    await real.down();
    await refused(remembering.takeBack(), 'DNS_KEY_REFUSED', /BADSIG/);
  });

  describe('a signed question', () => {
    const dns = createDns();
    const soa = (key: TsigKey): ReturnType<Dns['query']> =>
      dns.query(named.dns({ zone: 'corp.example', name: 'dev.corp.example' }), 'corp.example', 'SOA', key);

    it('A6: is refused with the server’s own word for it', async () => {
      await refused(
        soa({ ...IN_VIEW, secret: { reveal: () => Buffer.alloc(32, 9).toString('base64') } }),
        'DNS_KEY_REFUSED',
        /key k-int do not fit together: BADSIG\.$/,
      );
      await refused(soa(keyNamed('nobody')), 'DNS_KEY_REFUSED', /key nobody do not fit together: BADKEY\.$/);
      await refused(soa({ ...IN_VIEW, algorithm: 'hmac-sha512' }), 'DNS_KEY_REFUSED', /BADKEY/);
      await refused(
        soa({ ...IN_VIEW, secret: { reveal: () => 'no base64!' } }),
        'DNS_KEY_REFUSED',
        /^The secret of the key k-int is not base64\.$/,
      );
    });

    it('A6: of a machine whose clock is wrong says so, and by how much', async () => {
      const real = Date.now;
      Date.now = () => real() - 3_600_000;
      await refused(
        soa(IN_VIEW),
        'DNS_KEY_REFUSED',
        /BADTIME, this machine's clock is 3[56]\d\d s off the server's\.$/,
      ).finally(() => (Date.now = real));
    });

    it('A6: is believed only with an answer signed by the same key', async () => {
      assert.equal((await soa(IN_VIEW)).authoritative, true);
      assert.equal((await soa({ ...IN_VIEW, name: 'K-INT.' })).authoritative, true);
    });
  });

  for (const algorithm of [
    'hmac-md5',
    'hmac-sha1',
    'hmac-sha224',
    'hmac-sha256',
    'hmac-sha384',
    'hmac-sha512',
  ] as const) {
    it(`A6: BIND takes questions and updates signed with ${algorithm}`, async () => {
      const key = keyNamed(`k-${algorithm}`, algorithm);
      const only = await startNamed(bind, algorithm, {
        config: `${keyStatement(key)} zone "shut.example" { type master; file "db"; allow-update { key k-${algorithm}; }; allow-query { key k-${algorithm}; }; };`,
        files: { db: ZONE_HEAD },
        ready: { zone: 'shut.example', key },
      });
      const one = new NameDeployment('dev', {
        dns: only.dns({ zone: 'shut.example', name: 'dev.shut.example' }, key),
        key,
        publicIp: IP,
        cloud: { addressName: undefined as never },
      });
      await one.preflight();
      assert.equal(await one.up(), true);
      assert.equal(await one.down(), true);
    });
  }
});
