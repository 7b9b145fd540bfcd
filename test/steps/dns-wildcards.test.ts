/** Names under wildcards that say the same: only the server knows what stands at a name and what a wildcard answers for it. */

import assert from 'node:assert/strict';
import { DeployError } from '../../src/deployment/errors';
import { ownerOf } from '../../src/deployment/names';
import type { DnsSpec } from '../../src/deployment/spec';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { keyNamed, keyStatement, startNamed, ZONE_HEAD } from '../support/named';
import type { Named } from '../support/named';
import { NameDeployment, NAMESPACE } from './dns-support';

const ZONE = 'example.com';
const IP = '203.0.113.77';

describe('A5: the name under a wildcard', function () {
  this.timeout(60_000);
  const key = keyNamed('k1');
  let bind: Bind;
  let named: Named;
  before(async () => {
    bind = await startBind();
    named = await startNamed(bind, 'wild', {
      config: `${keyStatement(key)} zone "${ZONE}" { type master; file "db"; allow-update { key k1; }; };`,
      files: { db: ZONE_HEAD },
      ready: { zone: ZONE },
    });
  });
  after(() => bind.stop());

  const deployment = (name: string, dns: Partial<DnsSpec> = {}): NameDeployment =>
    new NameDeployment('dev', {
      dns: named.dns({ zone: ZONE, name, ...dns }, key),
      key,
      publicIp: IP,
      cloud: { addressName: undefined as never },
    });
  const refused = (work: Promise<unknown>, message: string): Promise<void> =>
    assert.rejects(
      work,
      (error) =>
        (error instanceof DeployError && error.code === 'DNS_FOREIGN' && error.message === message) ||
        assert.fail(String(error)),
    );

  /** Of each: what is in the zone, and what of it is at the name itself. */
  const cases: readonly (readonly [what: string, name: string, planted: readonly string[], listed: string])[] = [
    [
      'one address above, at the name and below',
      'dev',
      ['* 300 A 203.0.113.10', 'dev 300 A 203.0.113.10', '*.dev 300 A 203.0.113.10'],
      'dev A 203.0.113.10; *.dev A 203.0.113.10',
    ],
    [
      'one address with three TTLs',
      'dev',
      ['* 60 A 203.0.113.10', 'dev 300 A 203.0.113.10', '*.dev 3600 A 203.0.113.10'],
      'dev A 203.0.113.10; *.dev A 203.0.113.10',
    ],
    [
      'one address above and at the name',
      'dev',
      ['* 300 A 203.0.113.10', 'dev 300 A 203.0.113.10'],
      'dev A 203.0.113.10',
    ],
    [
      'one address above and below',
      'dev',
      ['* 300 A 203.0.113.10', '*.dev 300 A 203.0.113.10'],
      '*.dev A 203.0.113.10',
    ],
    [
      'one alias above, at the name and below',
      'dev',
      ['* 300 CNAME www.example.net.', 'dev 300 CNAME www.example.net.', '*.dev 300 CNAME www.example.net.'],
      'dev CNAME www.example.net; *.dev CNAME www.example.net',
    ],
    [
      'several types above, some of them at the name',
      'dev',
      [
        '* 300 A 203.0.113.10',
        '* 300 TXT "wild"',
        '* 300 MX 10 mx.example.net.',
        'dev 300 TXT "wild"',
        '*.dev 300 MX 10 mx.example.net.',
      ],
      'dev TXT "wild"; *.dev MX 10 mx.example.net',
    ],
    [
      'a name deeper down',
      'dev.lab',
      ['* 300 A 203.0.113.10', 'dev.lab 300 A 203.0.113.10', '*.dev.lab 300 A 203.0.113.10'],
      'dev.lab A 203.0.113.10; *.dev.lab A 203.0.113.10',
    ],
    [
      'a name with one of the same address between',
      'dev.lab',
      ['* 300 A 203.0.113.10', '*.lab 300 A 203.0.113.10', 'dev.lab 300 A 203.0.113.10'],
      'dev.lab A 203.0.113.10',
    ],
    [
      'an ownership record like the wildcards',
      'dev',
      ['* 300 TXT "somebody"', '*.dev 300 TXT "somebody"', '_stackato-deploy.dev 300 TXT "somebody"'],
      '_stackato-deploy.dev TXT "somebody"; *.dev TXT "somebody"',
    ],
    [
      'an alias where the ownership record goes',
      'dev',
      ['_stackato-deploy.dev 300 CNAME www.example.net.'],
      '_stackato-deploy.dev CNAME www.example.net',
    ],
    [
      'a type that nobody asks for',
      'dev',
      ['* 300 A 203.0.113.10', 'dev 300 CERT PKIX 1 1 AAAA'],
      'dev CERT \\# 8 0001000101000000',
    ],
  ];
  for (const [what, name, planted, listed] of cases) {
    describe(`with ${what}`, () => {
      const absolute = planted.map((line) => line.replace(/^\S+/, (label) => `${label}.${ZONE}.`));
      beforeEach(() => named.plant(ZONE, key, ...absolute.map((line) => `update add ${line}`)));
      afterEach(() =>
        named.plant(
          ZONE,
          key,
          ...absolute.map((line) => `update delete ${line.split(' ')[0]!}`),
          `update delete ${name}.${ZONE}.`,
          `update delete *.${name}.${ZONE}.`,
          `update delete _stackato-deploy.${name}.${ZONE}.`,
        ),
      );

      it('A5: is refused at preflight, with all that stands there', async () => {
        const full = listed
          .split('; ')
          .map((record) => record.replace(/^\S+/, (label) => `${label}.${ZONE}`))
          .join('; ');
        const whose = listed.startsWith('_stackato-deploy.dev TXT') ? ' It says it belongs to somebody.' : '';
        const before = await named.zone(ZONE);
        const one = deployment(`${name}.${ZONE}`);
        await refused(one.preflight(), `${name}.${ZONE} already holds: ${full}.${whose}`);
        await refused(one.observe(), `${name}.${ZONE} already holds: ${full}.${whose}`);
        assert.deepEqual(await named.zone(ZONE), before);
      });

      it('A5: with replace it is remembered, replaced, and put back', async () => {
        const before = await named.zone(ZONE);
        const one = deployment(`${name}.${ZONE}`, { replace: true });
        await one.preflight();
        assert.equal(await one.up(), true);
        assert.equal(one.known.dns?.replaced.length, listed.split('; ').length);
        const during = await named.zone(ZONE);
        for (const line of [
          `${name}.${ZONE}. 600 IN A ${IP}`,
          `*.${name}.${ZONE}. 600 IN CNAME ${name}.${ZONE}.`,
          `_stackato-deploy.${name}.${ZONE}. 600 IN TXT "${ownerOf(NAMESPACE, 'dev')}"`,
        ])
          assert.ok(during.includes(line), line);
        assert.equal(await one.up(), false);
        assert.equal(await one.down(), true);
        assert.deepEqual(await named.zone(ZONE), before);
      });
    });
  }

  for (const [what, planted] of [
    ['nothing but the wildcard', ['* 300 A 203.0.113.10']],
    ['a wildcard alias', ['* 300 CNAME www.example.net.']],
    ['a wildcard of many types', ['* 300 A 203.0.113.10', '* 300 TXT "stackato"', '* 300 CERT PKIX 1 1 AAAA']],
    ['a name below that makes it exist', ['* 300 A 203.0.113.10', 'www.dev 300 A 203.0.113.10']],
  ] as const) {
    it(`A5: is free with ${what}, and ours once it is made`, async () => {
      const absolute = planted.map((line) => line.replace(/^\S+/, (label) => `${label}.${ZONE}.`));
      await named.plant(ZONE, key, ...absolute.map((line) => `update add ${line}`));
      const before = await named.zone(ZONE);
      const one = deployment(`dev.${ZONE}`);
      await one.preflight();
      assert.equal(await one.up(), true);
      assert.equal(await one.up(), false);
      assert.equal(await one.down(), true);
      assert.deepEqual(await named.zone(ZONE), before);
      await named.plant(ZONE, key, ...absolute.map((line) => `update delete ${line.split(' ')[0]!}`));
    });
  }

  it('A5: a wildcard that says just what ours would say is not taken for ours', async () => {
    await named.plant(
      ZONE,
      key,
      `update add *.${ZONE}. 600 A ${IP}`,
      `update add *.${ZONE}. 600 TXT "${ownerOf(NAMESPACE, 'dev')}"`,
    );
    const before = await named.zone(ZONE);
    const one = deployment(`dev.${ZONE}`);
    assert.equal(await one.down(), false);
    assert.equal(await one.up(), true);
    assert.ok(
      (await named.zone(ZONE)).includes(`_stackato-deploy.dev.${ZONE}. 600 IN TXT "${ownerOf(NAMESPACE, 'dev')}"`),
    );
    assert.equal(await one.down(), true);
    assert.deepEqual(await named.zone(ZONE), before);
    await named.plant(ZONE, key, `update delete *.${ZONE}.`);
  });
});
