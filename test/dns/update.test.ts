import assert from 'node:assert/strict';
import { RECORD_TYPES } from '../../src/dns/records';
import { exists, pointAt, probe, takeBack } from '../../src/dns/update';
import type { DnsTarget } from '../../src/deployment/facts';
import type { DnsRecord, DnsSpec } from '../../src/deployment/spec';

const DNS: DnsSpec = {
  server: '10.1.1.254',
  port: 53,
  zone: 'example.com',
  name: 'dev.example.com',
  ttl: 600,
  replace: false,
};
const CNAME: DnsTarget = { type: 'CNAME', value: 'euca-192-168-55-103.wu-tang.example.net', from: 'cloud.addressName' };
const A: DnsTarget = { type: 'A', value: '192.168.55.103', from: 'address' };
const OWNER = 'stackato-deploy/default/dev';
const NOTHING = { ownership: [], records: [] };
const back = (restore: readonly DnsRecord[]): string => takeBack({ dns: DNS, observed: NOTHING, ours: [], restore });

const record = (type: string, data: string, name = 'dev.example.com', ttl = 3600): DnsRecord => ({
  name,
  ttl,
  type,
  data,
});
const HEAD = ['server 10.1.1.254 53', 'zone example.com.'];
const script = (...lines: readonly string[]): string => [...HEAD, ...lines, 'send', ''].join('\n');
const OWN_TXT = record('TXT', `"${OWNER}"`, '_stackato-deploy.dev.example.com');
const WRITES = [
  'update add dev.example.com. 600 CNAME euca-192-168-55-103.wu-tang.example.net.',
  'update add *.dev.example.com. 600 CNAME dev.example.com.',
  'update add _stackato-deploy.dev.example.com. 600 TXT "stackato-deploy/default/dev"',
];

describe('nsupdate scripts', () => {
  it('point a free name at a name', () => {
    assert.equal(
      pointAt({ dns: DNS, target: CNAME, owner: OWNER, observed: NOTHING }),
      script(
        'prereq nxrrset _stackato-deploy.dev.example.com. CNAME',
        'prereq nxrrset _stackato-deploy.dev.example.com. TXT',
        'prereq nxdomain dev.example.com.',
        'prereq nxdomain *.dev.example.com.',
        ...WRITES,
      ),
    );
  });

  it('point a free name at an address', () => {
    const lines = pointAt({ dns: { ...DNS, ttl: 0, port: 5353 }, target: A, owner: OWNER, observed: NOTHING }).split(
      '\n',
    );
    assert.equal(lines[0], 'server 10.1.1.254 5353');
    assert.ok(lines.includes('update add dev.example.com. 0 A 192.168.55.103'));
    assert.ok(!lines.some((line) => line.includes('wu-tang')));
  });

  it('17c: insist on what was seen being there still and on no other type, and delete that only', () => {
    const observed = {
      ownership: [record('TXT', '"somebody"', '_stackato-deploy.dev.example.com')],
      records: [
        record('A', '10.1.1.103'),
        record('A', '10.1.1.104'),
        record('MX', '10 mail.example.com'),
        record('CNAME', 'dev.example.com', '*.dev.example.com'),
      ],
    };
    assert.equal(
      pointAt({ dns: DNS, target: CNAME, owner: OWNER, observed }),
      script(
        'prereq yxrrset _stackato-deploy.dev.example.com. TXT "somebody"',
        'prereq nxrrset _stackato-deploy.dev.example.com. CNAME',
        'prereq yxrrset dev.example.com. A 10.1.1.103',
        'prereq yxrrset dev.example.com. A 10.1.1.104',
        'prereq yxrrset dev.example.com. MX 10 mail.example.com',
        ...RECORD_TYPES.filter((type) => type !== 'A' && type !== 'MX').map(
          (type) => `prereq nxrrset dev.example.com. ${type}`,
        ),
        'prereq yxrrset *.dev.example.com. CNAME dev.example.com',
        'update delete dev.example.com. A 10.1.1.103',
        'update delete dev.example.com. A 10.1.1.104',
        'update delete dev.example.com. MX 10 mail.example.com',
        'update delete *.dev.example.com. CNAME dev.example.com',
        'update delete _stackato-deploy.dev.example.com. TXT "somebody"',
        ...WRITES,
      ),
    );
  });

  it('17c: take back what is ours and nothing else, and put back what stood there', () => {
    const mx = record('MX', '10 mail.example.com');
    const ours = [OWN_TXT, record('A', '192.168.55.103'), record('CNAME', 'dev.example.com', '*.dev.example.com')];
    const restore = [record('A', '10.1.1.103', 'dev.example.com', 7200)];
    const observed = { ownership: [OWN_TXT], records: [...ours.slice(1), mx] };
    assert.equal(
      takeBack({ dns: DNS, observed, ours, restore }),
      script(
        'prereq yxrrset _stackato-deploy.dev.example.com. TXT "stackato-deploy/default/dev"',
        'prereq nxrrset _stackato-deploy.dev.example.com. CNAME',
        'prereq yxrrset dev.example.com. A 192.168.55.103',
        'prereq yxrrset dev.example.com. MX 10 mail.example.com',
        ...RECORD_TYPES.filter((type) => type !== 'A' && type !== 'MX').map(
          (type) => `prereq nxrrset dev.example.com. ${type}`,
        ),
        'update delete _stackato-deploy.dev.example.com. TXT "stackato-deploy/default/dev"',
        'update delete dev.example.com. A 192.168.55.103',
        'update delete *.dev.example.com. CNAME dev.example.com',
        'update add dev.example.com. 7200 A 10.1.1.103',
      ),
    );
  });

  it('A5: ask whether a name holds records of its own', () => {
    assert.equal(exists(DNS, '*.dev.example.com'), script('prereq yxdomain *.dev.example.com.'));
    assert.equal(
      exists(DNS, '_stackato-deploy.dev.example.com', 'TXT'),
      script('prereq yxrrset _stackato-deploy.dev.example.com. TXT'),
    );
    for (const name of ['example.com', 'x.dev.example.com', '', 'dev.example.com\nsend'])
      assert.throws(() => exists(DNS, name), RangeError);
  });

  it('probe with what is never there', () => {
    assert.equal(
      probe(DNS),
      script(
        'update delete dev.example.com. CNAME stackato-deploy-probe.invalid.',
        'update delete *.dev.example.com. CNAME stackato-deploy-probe.invalid.',
        'update delete _stackato-deploy.dev.example.com. TXT "stackato-deploy-probe"',
      ),
    );
  });

  it('escape quotes and backslashes of the owner', () => {
    assert.match(pointAt({ dns: DNS, target: CNAME, owner: 'a"b\\c', observed: NOTHING }), / TXT "a\\"b\\\\c"\n/);
  });

  it('take every shape of data that a server can give', () => {
    const shapes: readonly (readonly [type: string, data: string])[] = [
      ['AAAA', '2001:db8::1'],
      ['SRV', '0 5 443 x.example.com'],
      ['CAA', '0 issue "ca.example.net; a=b"'],
      ['TYPE65280', '\\# 3 010203'],
      ['TYPE65280', '\\# 0'],
      ['MX', '0 .'],
      ['CNAME', 'od\\;d\\032.example.com'],
      ['TXT', '""'],
      ['TXT', '"\\200\\\\" "("'],
      ['NAPTR', '1 2 "u" "" "!^.*$!x!" .'],
    ];
    for (const [type, data] of shapes) {
      assert.ok(back([record(type, data)]).includes(`update add dev.example.com. 3600 ${type} ${data}\n`), data);
    }
  });
});

describe('injection into nsupdate scripts', () => {
  const EVIL = [
    '',
    ' ',
    'a b',
    'a\nsend',
    'a\r',
    'a\tb',
    'a;b',
    'a"b',
    "a'b",
    'a(b',
    'a\\b',
    'a\0b',
    'a..b',
    '.a',
    'a.',
    'ünï.example.com',
    '*',
    '$a',
    '@',
    'a'.repeat(64),
    `${'a.'.repeat(127)}com`,
  ];
  const dnsWith = (change: Partial<DnsSpec>): DnsSpec => ({ ...DNS, ...change });
  const at = (observed: Partial<Parameters<typeof pointAt>[0]>): string =>
    pointAt({ dns: DNS, target: CNAME, owner: OWNER, observed: NOTHING, ...observed });
  const builders: Readonly<Record<string, (evil: string) => string>> = {
    server: (server) => probe(dnsWith({ server })),
    zone: (zone) => probe(dnsWith({ zone, name: `dev.${zone}` })),
    name: (evil) => probe(dnsWith({ name: `${evil}.example.com` })),
    'name, taking back': (evil) =>
      takeBack({ dns: dnsWith({ name: `${evil}.example.com` }), observed: NOTHING, ours: [], restore: [] }),
    'CNAME target': (value) => at({ target: { ...CNAME, value } }),
    'A target': (value) => at({ target: { ...A, value } }),
    'name of a record put back': (name) => back([record('A', '10.0.0.1', name)]),
    'name of a record below ours put back': (evil) => back([record('A', '10.0.0.1', `${evil}.dev.example.com`)]),
    type: (evil) => back([record(`A${evil === '' ? '\n' : evil}`, '10.0.0.1')]),
  };
  for (const [what, build] of Object.entries(builders)) {
    it(`is refused in the ${what}`, () => {
      // A wildcard is a name that may be put back.
      for (const evil of EVIL.filter((each) => !(each === '*' && what.includes('below'))))
        assert.throws(() => build(evil), RangeError, JSON.stringify(evil));
    });
  }

  it('is refused in the data of records', () => {
    const evil = [
      '',
      ' ',
      '10.0.0.1\nsend',
      '10.0.0.1\r\nsend',
      '"a\nb"',
      '"a',
      'a"',
      '"a"b"',
      '"a\\',
      'a\\',
      '(a',
      'a)',
      'a ; b',
      'a;b',
      'a\tb',
      'a  b',
      ' a',
      'a ',
      '"\0"',
      '"ü"',
      'ü',
      '"a\x7f"',
      '"a\\\n"',
    ];
    for (const data of evil) {
      const bad = [record('TXT', data)];
      assert.throws(() => back(bad), RangeError, JSON.stringify(data));
      assert.throws(
        () => takeBack({ dns: DNS, observed: NOTHING, ours: bad, restore: [] }),
        RangeError,
        JSON.stringify(data),
      );
      assert.throws(() => at({ observed: { ownership: [], records: bad } }), RangeError, JSON.stringify(data));
      assert.throws(
        () =>
          at({
            observed: {
              ownership: bad.map((each) => ({ ...each, name: '_stackato-deploy.dev.example.com' })),
              records: [],
            },
          }),
        RangeError,
        JSON.stringify(data),
      );
    }
  });

  it('is refused in the owner', () => {
    for (const owner of ['', 'a\nb', 'a\rb', 'a\0b', 'ü', 'a\x7f', 'x'.repeat(256)]) {
      assert.throws(() => at({ owner }), RangeError, JSON.stringify(owner));
    }
  });

  it('is refused in numbers', () => {
    for (const bad of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
      assert.throws(() => probe(dnsWith({ port: bad })), RangeError);
      assert.throws(() => at({ dns: dnsWith({ ttl: bad }) }), RangeError);
      assert.throws(() => back([record('A', '10.0.0.1', DNS.name, bad)]), RangeError);
    }
    for (const port of [0, 65_536]) assert.throws(() => probe(dnsWith({ port })), RangeError);
  });

  it('is refused where name and zone do not go together', () => {
    for (const name of ['example.com', 'dev.example.org', 'devexample.com'])
      assert.throws(() => probe(dnsWith({ name })), RangeError, name);
  });
});
