/** What a server says is told as it is, and what others put at the name stays theirs. */

import { firstAttempt } from './support';
import assert from 'node:assert/strict';
import { dns } from '../../src/steps/dns';
import { findProblems } from '../../src/steps/preflight';
import { verify } from '../../src/steps/verify';
import type { Dns } from '../../src/steps/ports';
import { DeployError, errorRow } from '../../src/deployment/errors';
import { ownerOf } from '../../src/deployment/names';
import type { DnsSpec } from '../../src/deployment/spec';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { keyNamed, keyStatement, startNamed, ZONE_HEAD } from '../support/named';
import type { Named } from '../support/named';
import { NameDeployment, NAMESPACE } from './dns-support';

const ZONE = 'example.com';
const IP = '203.0.113.77';
const KEY = keyNamed('k1');

describe('the name server', function () {
  this.timeout(60_000);
  let bind: Bind;
  let named: Named;
  before(async () => {
    bind = await startBind();
    named = await startNamed(bind, 'zones', {
      config: `${keyStatement(KEY)}
zone "${ZONE}" { type master; file "db"; allow-update { key k1; }; };
zone "private.example" { type master; file "p.db"; allow-update { key k1; }; allow-query { key k1; }; };
zone "broken.example" { type master; file "missing.db"; allow-update { key k1; }; };
zone "slave.example" { type slave; masters { 192.0.2.1; }; file "s.db"; };
`,
      files: { db: ZONE_HEAD, 'p.db': ZONE_HEAD },
      ready: { zone: ZONE },
    });
  });
  after(() => bind.stop());

  const deployment = (
    dns: Partial<DnsSpec> = {},
    { key = true, addressName, wrap }: { key?: boolean; addressName?: string; wrap?: (real: Dns) => Dns } = {},
  ): NameDeployment =>
    new NameDeployment('dev', {
      dns: named.dns({ zone: ZONE, name: `dev.${dns.zone ?? ZONE}`, ...dns }, key ? KEY : undefined),
      key: KEY,
      publicIp: IP,
      cloud: { addressName: addressName as never },
      ...(wrap === undefined ? {} : { wrap }),
    });
  const refused = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      return true;
    });

  describe('that fails', () => {
    for (const [zone, rcode, key] of [
      ['private.example', 'REFUSED', false],
      ['elsewhere.example', 'REFUSED', true],
      ['broken.example', 'SERVFAIL', true],
      ['slave.example', 'SERVFAIL', true],
    ] as const) {
      it(`C13: ${rcode} of ${zone} is told at preflight as it is, and tried again`, async () => {
        const words = new RegExp(
          `^127\\.0\\.0\\.1 answers ${rcode} when asked for ${zone.replace('.', '\\.')} SOA\\.$`,
        );
        const one = deployment({ zone }, { key });
        await refused(one.preflight(), 'DNS_ERROR', words);
        assert.equal(errorRow('DNS_ERROR').retry, 'yes');
        const finding = (
          await findProblems(
            { ...one.deps, clouds: { open: () => Promise.reject(new DeployError('CLOUD_ERROR', 'none')) } as never },
            { spec: one.spec },
          )
        ).at(-1);
        assert.deepEqual([finding?.check, finding?.code], ['DNS zone', 'DNS_ERROR']);
      });
    }

    it('C13: only a server that answers and is not the authority is "not the zone"', async () => {
      await refused(
        deployment({ zone: `sub.${ZONE}` }).preflight(),
        'DNS_NOT_ZONE',
        /^127\.0\.0\.1 is not an authority for the zone sub\.example\.com\.$/,
      );
      const recursive = (real: Dns): Dns => ({
        ...real,
        query: async (...question) => ({ ...(await real.query(...question)), authoritative: false }),
      });
      await refused(deployment({}, { wrap: recursive }).preflight(), 'DNS_NOT_ZONE', /not an authority/);
    });

    it('C13: later questions say it too: nothing is "not seen" or "not up" for want of an answer', async () => {
      let failing = false;
      const one = deployment(
        {},
        {
          wrap: (real) => ({
            ...real,
            query: (...question) =>
              failing
                ? Promise.resolve({ rcode: 'SERVFAIL', authoritative: false, records: [] })
                : real.query(...question),
          }),
        },
      );
      await one.up();
      failing = true;
      const says = /^127\.0\.0\.1 answers SERVFAIL when asked for \S+ \w+\.$/;
      await refused(firstAttempt(dns.activities.updateDns)(one.deps, one.input), 'DNS_ERROR', says);
      await refused(firstAttempt(dns.undo)(one.deps, one.input), 'DNS_ERROR', says);
      await refused(
        firstAttempt(verify.activities.verifyConsole)(one.deps, one.input),
        'DNS_ERROR',
        /SERVFAIL when asked for dev\.example\.com A\.$/,
      );
      failing = false;
      assert.equal(await one.down(), true);
    });

    it('C13: what it knows nothing of outside the zone is asked elsewhere', async () => {
      const one = deployment({}, { addressName: 'euca-{dashed}.elsewhere.test' });
      await one.up();
      await refused(
        firstAttempt(verify.activities.verifyConsole)(one.deps, one.input),
        'CONSOLE_NOT_UP',
        /does not resolve to 203\.0\.113\.77 yet/,
      );
      assert.equal(await one.down(), true);
    });
  });

  describe('taking back beside others', () => {
    const at = `dev.${ZONE}`;
    const own = `_stackato-deploy.${at}. 600 IN TXT "${ownerOf(NAMESPACE, 'dev')}"`;
    const held = async (): Promise<readonly string[]> =>
      (await named.zone(ZONE)).filter((line) => line.includes(`${at}.`));
    const plant = (...lines: readonly string[]): Promise<void> => named.plant(ZONE, KEY, ...lines);
    afterEach(() => plant(`update delete ${at}.`, `update delete *.${at}.`, `update delete _stackato-deploy.${at}.`));

    /** What somebody does after `up`; what then stays; what the note says of it. `replace` where something stood there before. */
    const cases: readonly (readonly [
      what: string,
      before: readonly string[],
      doing: readonly string[],
      stays: readonly string[],
      note: string,
    ])[] = [
      [
        'an address in place of ours',
        [],
        [`update delete ${at}. A`, `update add ${at}. 60 A 198.51.100.7`],
        [`${at}. 60 IN A 198.51.100.7`],
        `; somebody else's stay: ${at} A 198.51.100.7`,
      ],
      [
        'an address beside ours',
        [],
        [`update add ${at}. 600 A 198.51.100.7`],
        [`${at}. 600 IN A 198.51.100.7`],
        `; somebody else's stay: ${at} A 198.51.100.7`,
      ],
      [
        'an alias in place of ours',
        [],
        [`update delete ${at}. A`, `update add ${at}. 60 CNAME www.example.net.`],
        [`${at}. 60 IN CNAME www.example.net.`],
        `; somebody else's stay: ${at} CNAME www.example.net`,
      ],
      [
        'another wildcard',
        [],
        [`update delete *.${at}. CNAME`, `update add *.${at}. 60 CNAME www.example.net.`],
        [`*.${at}. 60 IN CNAME www.example.net.`],
        `; somebody else's stay: *.${at} CNAME www.example.net`,
      ],
      [
        'a second owner',
        [],
        [`update add _stackato-deploy.${at}. 600 TXT "somebody"`],
        [`_stackato-deploy.${at}. 600 IN TXT "somebody"`],
        `; somebody else's stay: _stackato-deploy.${at} TXT "somebody"`,
      ],
      [
        'mail',
        [],
        [`update add ${at}. 60 MX 10 mx.example.net.`],
        [`${at}. 60 IN MX 10 mx.example.net.`],
        `; somebody else's stay: ${at} MX 10 mx.example.net`,
      ],
      [
        'nothing',
        [`update add ${at}. 60 A 198.51.100.1`, `update add ${at}. 60 A 198.51.100.2`],
        [],
        [`${at}. 60 IN A 198.51.100.1`, `${at}. 60 IN A 198.51.100.2`],
        '',
      ],
      [
        'what we replaced, by hand',
        [`update add ${at}. 60 A 198.51.100.1`],
        [`update delete ${at}. A`, `update add ${at}. 60 A 198.51.100.1`],
        [`${at}. 60 IN A 198.51.100.1`],
        `; somebody else's stay: ${at} A 198.51.100.1`,
      ],
      [
        'another address than what we replaced',
        [`update add ${at}. 60 A 198.51.100.1`, `update add ${at}. 60 MX 10 mx.example.net.`],
        [`update delete ${at}. A`, `update add ${at}. 60 A 198.51.100.7`],
        [`${at}. 60 IN A 198.51.100.7`, `${at}. 60 IN MX 10 mx.example.net.`],
        `; somebody else's stay: ${at} A 198.51.100.7; not put back: ${at} A 198.51.100.1`,
      ],
      [
        'an alias where addresses were replaced',
        [`update add ${at}. 60 A 198.51.100.1`],
        [`update delete ${at}. A`, `update add ${at}. 60 CNAME www.example.net.`],
        [`${at}. 60 IN CNAME www.example.net.`],
        `; somebody else's stay: ${at} CNAME www.example.net; not put back: ${at} A 198.51.100.1`,
      ],
      [
        'mail where an alias was replaced',
        [`update add ${at}. 60 CNAME www.example.net.`],
        [`update add ${at}. 60 MX 10 mx.example.net.`],
        [`${at}. 60 IN MX 10 mx.example.net.`],
        `; somebody else's stay: ${at} MX 10 mx.example.net; not put back: ${at} CNAME www.example.net`,
      ],
    ];
    for (const [what, before, doing, stays, note] of cases) {
      it(`17c: with ${what}, only what we wrote goes, and the rest is named`, async () => {
        if (before.length > 0) await plant(...before);
        const one = deployment({ replace: before.length > 0 });
        await one.up();
        assert.ok((await held()).includes(own));
        if (doing.length > 0) await plant(...doing);
        const outcome = await one.takeBack();
        assert.deepEqual(await held(), stays);
        assert.deepEqual([outcome.changed, outcome.note], [true, `DNS records of ${at}${note}`]);
        assert.deepEqual(await one.takeBack(), { changed: false, note: '', known: {} });
        assert.deepEqual(await held(), stays);
      });
    }

    it('17c: a target that was written before another was chosen is still ours', async () => {
      const one = deployment();
      await one.up();
      one.known.address = { publicIp: '203.0.113.78', allocated: true };
      // Noted, and never written: the worker was lost in between.
      await one.observe();
      assert.equal((await one.takeBack()).note, `DNS records of ${at}`);
      assert.deepEqual(await held(), []);
    });

    it('17c: where all was forgotten, the ownership record speaks for the one record there, and that is named', async () => {
      const one = deployment();
      await one.up();
      const forgetful = deployment();
      assert.equal(
        (await forgetful.takeBack()).note,
        `DNS records of ${at}; by its ownership record alone: ${at} A ${IP}`,
      );
      assert.deepEqual(await held(), []);
      await one.up();
      const moved = deployment();
      moved.known.address = { publicIp: '203.0.113.78', allocated: true };
      assert.equal(await moved.up(), true);
      assert.deepEqual(await held(), [`*.${at}. 600 IN CNAME ${at}.`, own, `${at}. 600 IN A 203.0.113.78`]);
      await moved.down();
      assert.deepEqual(await held(), []);
    });

    it('17c: what old versions remembered is enough', async () => {
      const one = deployment({ replace: true });
      await plant(`update add ${at}. 60 A 198.51.100.1`);
      await one.up();
      one.known.dns = { target: one.known.dns!.target, replaced: one.known.dns!.replaced };
      await plant(`update add ${at}. 60 MX 10 mx.example.net.`);
      assert.equal(
        (await one.takeBack()).note,
        `DNS records of ${at}; somebody else's stay: ${at} MX 10 mx.example.net`,
      );
      assert.deepEqual(await held(), [`${at}. 60 IN A 198.51.100.1`, `${at}. 60 IN MX 10 mx.example.net.`]);
    });

    it('17c: what stood in the place of ours when it was mended comes back in the end', async () => {
      const one = deployment();
      await one.up();
      await plant(`update delete ${at}. A`, `update add ${at}. 60 CNAME www.example.net.`);
      assert.equal(await one.up(), true);
      assert.deepEqual(await held(), [`*.${at}. 600 IN CNAME ${at}.`, own, `${at}. 600 IN A ${IP}`]);
      await one.down();
      assert.deepEqual(await held(), [`${at}. 60 IN CNAME www.example.net.`]);
    });

    it('17c: what comes between the look and the update is never deleted', async () => {
      for (const [planted, stays] of [
        [`${at}. 600 A 198.51.100.7`, 'A 198.51.100.7'],
        [`${at}. 60 CERT PKIX 1 1 AAAA`, 'CERT PKIX 1 RSAMD5 AAAA'],
      ] as const) {
        const racing = (real: Dns): Dns => ({
          ...real,
          update: async (script, key) => {
            if (script.includes('update delete')) await plant(`update add ${planted}`);
            await real.update(script, key);
          },
        });
        const one = deployment();
        await one.up();
        const beaten = new NameDeployment('dev', {
          dns: one.spec.dns,
          key: KEY,
          publicIp: '203.0.113.78',
          cloud: { addressName: undefined as never },
          wrap: racing,
        });
        beaten.known = { ...one.known, address: { publicIp: '203.0.113.78', allocated: true } };
        await beaten.up().catch((error: unknown) => assert.ok(error instanceof DeployError));
        assert.ok(
          (await held()).some((line) => line.endsWith(stays)),
          (await held()).join('\n'),
        );
        const last = deployment();
        last.known = beaten.known;
        await last.takeBack();
        assert.deepEqual(
          (await held()).map((line) => line.split(' ').slice(3).join(' ')),
          [stays],
        );
        await plant(`update delete ${at}.`);
      }
    });
  });
});
