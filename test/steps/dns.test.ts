import assert from 'node:assert/strict';
import { authorityOf } from '../../src/steps/zone/authority';
import { addressesOf, namesNotLeadingTo, observeName } from '../../src/steps/zone/queries';
import { findProblems } from '../../src/steps/preflight';
import type { Dns } from '../../src/steps/ports';
import { DeployError } from '../../src/deployment/errors';
import { ownerOf } from '../../src/deployment/names';
import type { DnsRecord, DnsSpec } from '../../src/deployment/spec';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { NameDeployment, NAMESPACE } from './dns-support';
import type { NameOptions } from './dns-support';

describe('the name', function () {
  this.timeout(30_000);
  let bind: Bind;
  before(async () => void (bind = await startBind()));
  after(() => bind.stop());

  const ip = (): string => `127.${bind.net}.1.9`;
  const cloudName = (): string => `euca-127-${bind.net}-1-9.eucalyptus.cloud.test`;
  /** What the zone holds of a deployment. */
  const held = async (label: string): Promise<readonly string[]> =>
    (await bind.zone()).filter((line) => line.includes(`${label}.stackato.test.`));
  const ours = (label: string): readonly string[] => [
    `*.${label}.stackato.test. 600 IN CNAME ${label}.stackato.test.`,
    `_stackato-deploy.${label}.stackato.test. 600 IN TXT "${ownerOf(NAMESPACE, label)}"`,
    `${label}.stackato.test. 600 IN CNAME ${cloudName()}.`,
  ];

  class Deployment extends NameDeployment {
    constructor(
      label: string,
      { dns = {}, ...options }: Partial<Omit<NameOptions, 'dns'>> & { dns?: Partial<DnsSpec> } = {},
    ) {
      super(label, { dns: bind.dns(label, dns), key: bind.key, publicIp: ip(), ...options });
    }
  }

  const refused = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      return true;
    });

  it('is pointed at the address by its own name, found so, and taken back', async () => {
    const before = await bind.zone();
    const one = new Deployment('fresh');
    assert.equal(await one.observe(), `CNAME ${cloudName()}`);
    assert.deepEqual(await held('fresh'), []);
    assert.equal(await one.update(), true);
    assert.deepEqual(await held('fresh'), ours('fresh'));
    assert.deepEqual(
      (await bind.zone()).filter((line) => !line.includes('fresh')),
      before,
    );

    assert.equal(await one.up(), false);
    assert.equal(one.updates, 1);
    for (const host of ['fresh', 'api.fresh', 'anything.fresh']) {
      assert.deepEqual(await addressesOf(await authorityOf(one.deps, one.spec), `${host}.stackato.test`), [ip()]);
    }

    assert.equal(await one.down(), true);
    assert.deepEqual(await bind.zone(), before);
    assert.equal(await one.down(), false);
    assert.equal(one.updates, 2);
  });

  describe('that holds a stale A record', () => {
    const stale = 'update add stale.stackato.test. 3600 A 10.1.1.103';
    before(() =>
      bind.plant(
        stale,
        'update add neighbour.stackato.test. 3600 A 10.1.1.104',
        'update add below.stale.stackato.test. 77 TXT "mine"',
      ),
    );
    after(() =>
      bind.plant(
        'update delete stale.stackato.test.',
        'update delete neighbour.stackato.test.',
        'update delete below.stale.stackato.test.',
      ),
    );

    it('is refused, with what it holds, and left as it is', async () => {
      const before = await bind.zone();
      const one = new Deployment('stale');
      await refused(
        one.up(),
        'DNS_FOREIGN',
        /^stale\.stackato\.test already holds: stale\.stackato\.test A 10\.1\.1\.103\.$/,
      );
      assert.deepEqual([await bind.zone(), one.updates], [before, 0]);
      const finding = (
        await findProblems(
          {
            ...one.deps,
            clouds: { ...one.deps.clouds, open: () => Promise.reject(new DeployError('CLOUD_ERROR', 'none')) },
          },
          { spec: one.spec },
        )
      ).at(-1);
      assert.deepEqual([finding?.check, finding?.ok, finding?.code], ['DNS name', false, 'DNS_FOREIGN']);
      assert.deepEqual(await bind.zone(), before);
    });

    it('is replaced where that is wished, and restored with its TTL; the neighbours stay', async () => {
      const before = await bind.zone();
      const one = new Deployment('stale', { dns: { replace: true } });
      assert.equal(await one.up(), true);
      const [below, ...rest] = ['below.stale.stackato.test. 77 IN TXT "mine"', ...ours('stale')];
      assert.deepEqual(await held('stale'), [...rest, below].sort());
      assert.deepEqual(one.known.dns?.replaced, [
        { name: 'stale.stackato.test', ttl: 3600, type: 'A', data: '10.1.1.103' },
      ]);
      assert.equal(await one.up(), false);
      assert.equal(one.known.dns?.replaced.length, 1);
      assert.equal(await one.down(), true);
      assert.deepEqual(await bind.zone(), before);
    });
  });

  it('of another deployment is refused, and with replace given back to it', async () => {
    const before = await bind.zone();
    const first = new Deployment('shared');
    await first.up();
    const withFirst = await bind.zone();
    const second = new Deployment('second', { dns: { name: 'shared.stackato.test' } });
    await refused(second.up(), 'DNS_FOREIGN', /It says it belongs to stackato-deploy\/testing\/shared\.$/);
    assert.equal(await second.down(), false);
    assert.deepEqual(await bind.zone(), withFirst);

    const third = new Deployment('third', { dns: { name: 'shared.stackato.test', replace: true } });
    assert.equal(await third.up(), true);
    assert.ok(
      (await bind.zone()).includes(
        `_stackato-deploy.shared.stackato.test. 600 IN TXT "${ownerOf(NAMESPACE, 'third')}"`,
      ),
    );
    assert.equal(await first.down(), false);
    assert.equal(await third.down(), true);
    assert.deepEqual(await bind.zone(), withFirst);
    assert.equal(await first.down(), true);
    assert.deepEqual(await bind.zone(), before);
  });

  describe('under a wildcard', () => {
    const wild = ['*.stackato.test. 60 A 10.9.9.9', '*.stackato.test. 60 TXT "wild"'];
    before(() => bind.plant(...wild.map((line) => `update add ${line}`)));
    after(() => bind.plant('update delete *.stackato.test.', 'update delete same.stackato.test.'));

    it('is free all the same', async () => {
      const before = await bind.zone();
      const one = new Deployment('under');
      assert.equal(await one.up(), true);
      assert.deepEqual(await held('under'), ours('under'));
      assert.equal(await one.up(), false);
      assert.equal(await one.down(), true);
      assert.deepEqual(await bind.zone(), before);
    });

    it('is taken where it holds by itself what the wildcard says', async () => {
      await bind.plant('update add same.stackato.test. 60 A 10.9.9.9');
      await refused(new Deployment('same').up(), 'DNS_FOREIGN', /same\.stackato\.test A 10\.9\.9\.9/);
    });
  });

  describe('that somebody changes meanwhile', () => {
    afterEach(() =>
      bind.plant(
        'update delete moving.stackato.test.',
        'update delete *.moving.stackato.test.',
        'update delete _stackato-deploy.moving.stackato.test.',
      ),
    );

    it('is not overwritten between the look and the update', async () => {
      let raced = false;
      const wrap = (real: Dns): Dns => ({
        ...real,
        update: async (script, key) => {
          if (!raced) await bind.plant('update add moving.stackato.test. 60 A 10.0.0.7');
          raced = true;
          return real.update(script, key);
        },
      });
      const one = new Deployment('moving', { dns: { replace: true }, wrap });
      await refused(one.up(), 'DNS_CHANGED', /YXDOMAIN/);
      assert.deepEqual(await held('moving'), ['moving.stackato.test. 60 IN A 10.0.0.7']);
      // A new attempt of the second half alone must not replace what was never noted.
      await refused(one.update(), 'DNS_CHANGED', /moving\.stackato\.test A 10\.0\.0\.7/);
      assert.equal(await one.up(), true);
      assert.equal(await one.down(), true);
      assert.deepEqual(await held('moving'), ['moving.stackato.test. 60 IN A 10.0.0.7']);
    });

    it('is put right where it is ours', async () => {
      const one = new Deployment('moving');
      await one.up();
      await bind.plant(
        'update delete moving.stackato.test. CNAME',
        'update add moving.stackato.test. 60 CNAME elsewhere.example.com.',
      );
      assert.equal(await one.up(), true);
      assert.deepEqual(await held('moving'), ours('moving'));
    });

    it('keeps what stands beside our address, now and after', async () => {
      const one = new Deployment('moving', { cloud: { addressName: undefined as never } });
      assert.equal(await one.observe(), `A ${ip()}`);
      await one.update();
      await bind.plant('update add moving.stackato.test. 60 MX 10 mx.example.com.');
      assert.equal(await one.up(), false);
      one.known.address = { publicIp: `127.${bind.net}.1.10`, allocated: true };
      await refused(
        one.up(),
        'DNS_FOREIGN',
        /^moving\.stackato\.test already holds: moving\.stackato\.test MX 10 mx\.example\.com\.$/,
      );
      assert.equal(await one.down(), true);
      assert.deepEqual(await held('moving'), ['moving.stackato.test. 60 IN MX 10 mx.example.com.']);
    });

    it('is not "free" because nobody answers for it', async () => {
      for (const [rcode, code] of [
        ['SERVFAIL', 'DNS_ERROR'],
        ['REFUSED', 'DNS_ERROR'],
        ['NOERROR', 'DNS_NOT_ZONE'],
      ] as const) {
        const one = new Deployment('moving', {
          wrap: (real) => ({ ...real, query: () => Promise.resolve({ rcode, authoritative: false, records: [] }) }),
        });
        await refused(one.up(), code, /127\.0\.0\.1/);
        await refused(one.down(), code, /127\.0\.0\.1/);
      }
    });
  });

  it('that a record below shadows is not taken for good', async () => {
    await bind.plant('update add api.shadowed.stackato.test. 60 A 10.0.0.8');
    const one = new Deployment('shadowed');
    await refused(one.up(), 'DNS_NOT_SEEN', /does not lead api\.shadowed\.stackato\.test to euca/);
    assert.deepEqual(await namesNotLeadingTo(await authorityOf(one.deps, one.spec), one.known.dns!.target), [
      'api.shadowed.stackato.test',
    ]);
    assert.equal(await one.down(), true);
    assert.deepEqual(await held('shadowed'), ['api.shadowed.stackato.test. 60 IN A 10.0.0.8']);
    await bind.plant('update delete api.shadowed.stackato.test.');
  });

  describe('points', () => {
    const target = async (publicDnsName: string): Promise<string> => {
      const cloud = { addressName: undefined as never };
      return new Deployment('target', {
        cloud,
        instances: [
          { id: 'i-2', publicDnsName: 'other.example' },
          { id: 'i-1', publicDnsName },
        ],
      }).observe();
    };

    it("at the instance's own name where that leads to the address", async () => {
      assert.equal(await target(cloudName()), `CNAME ${cloudName()}`);
      assert.equal(await target(`${cloudName().toUpperCase()}.`), `CNAME ${cloudName()}`);
    });

    it('at the address where the name leads elsewhere, nowhere, or is no name', async () => {
      for (const name of [
        cloudName().replace('-9.', '-8.'),
        'nowhere.invalid',
        '',
        '0.0.0.0',
        'a b',
        'a\nsend',
        `${'a'.repeat(64)}.example`,
      ])
        assert.equal(await target(name), `A ${ip()}`, name);
    });
  });

  it('is read with all its types, whatever strings are in its TXT', async () => {
    const records: readonly string[] = [
      'odd.stackato.test. 5 TXT "a" "b"',
      'odd.stackato.test. 6 MX 10 mx.example.com.',
      '*.odd.stackato.test. 7 AAAA 2001:db8::1',
      '_stackato-deploy.odd.stackato.test. 8 TXT "so\\"me" "bo\\\\d\\200y"',
    ];
    await bind.plant(...records.map((line) => `update add ${line}`));
    const odd = new Deployment('odd');
    const state = await observeName(await authorityOf(odd.deps, odd.spec));
    assert.deepEqual(state.owners, ['so"mebo\\d\u00c8y']);
    const shown = ({ name, ttl, type, data }: DnsRecord): string => `${name}. ${ttl} ${type} ${data}`;
    assert.deepEqual(
      [...state.records, ...state.ownership].map(shown).sort(),
      records.map((line) => line.replace('.com.', '.com')).sort(),
    );
    await bind.plant(
      'update delete odd.stackato.test.',
      'update delete *.odd.stackato.test.',
      'update delete _stackato-deploy.odd.stackato.test.',
    );
  });
});
