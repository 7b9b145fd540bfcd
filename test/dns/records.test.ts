import assert from 'node:assert/strict';
import {
  formatRecords,
  nameStateOf,
  ownRecords,
  pointsTo,
  possiblePointers,
  recordsToRestore,
  splitRestorable,
  takesOurPlace,
  without,
  writtenPointers,
} from '../../src/dns/records';
import type { DnsMemory } from '../../src/deployment/facts';
import type { DnsRecord, DnsSpec } from '../../src/deployment/spec';

const DNS: DnsSpec = {
  server: '10.1.1.254',
  port: 53,
  zone: 'example.com',
  name: 'dev.example.com',
  ttl: 600,
  replace: false,
};
const OWNER = 'stackato-deploy/default/dev';
const record = (type: string, data: string, name = DNS.name): DnsRecord => ({ name, ttl: 600, type, data });
const TXT = record('TXT', `"${OWNER}"`, '_stackato-deploy.dev.example.com');
const A = record('A', '10.1.1.103');
const WILDCARD = record('CNAME', 'dev.example.com', '*.dev.example.com');
const TARGET = { type: 'A', value: '10.1.1.103', from: 'address' } as const;
const memory = (more: Partial<DnsMemory> = {}): DnsMemory => ({ target: TARGET, replaced: [], ...more });

describe('records at a name', () => {
  it('are ours if the ownership TXT has our mark and they point where we can have pointed them', () => {
    const mail = record('MX', '10 mail.example.com');
    const state = nameStateOf([TXT], [A, mail, WILDCARD]);
    assert.deepEqual(ownRecords(state, DNS, OWNER, [TARGET]), [TXT, A, WILDCARD]);
    assert.deepEqual(ownRecords(state, DNS, OWNER, [{ type: 'A', value: '10.1.1.104' }]), [TXT, WILDCARD]);
    assert.deepEqual(ownRecords(state, DNS, 'stackato-deploy/default/other', [TARGET]), []);
  });

  it('count without a memory only if the base name leads to one place', () => {
    const other = record('A', '10.1.1.104');
    assert.deepEqual(ownRecords(nameStateOf([TXT], [A]), DNS, OWNER, undefined), [TXT, A]);
    assert.deepEqual(ownRecords(nameStateOf([TXT], [A, other]), DNS, OWNER, undefined), [TXT]);
  });

  it('tell the owner from every string of the TXT, escapes and all', () => {
    const split = record('TXT', '"stackato-deploy/" "default/d\\101v \\"x\\""', TXT.name);
    assert.deepEqual(nameStateOf([split, record('CNAME', 'elsewhere.example.com', TXT.name)], []).owners, [
      'stackato-deploy/default/dev "x"',
    ]);
  });

  it('point at the target only if nothing else there does', () => {
    assert.equal(pointsTo([A, WILDCARD, record('MX', '10 mail.example.com')], DNS, TARGET), true);
    assert.equal(pointsTo([A], DNS, TARGET), false);
    assert.equal(pointsTo([A, WILDCARD, record('AAAA', '2001:db8::1')], DNS, TARGET), false);
  });

  it('take our place if they have our type and name', () => {
    const answers = [A, record('AAAA', '2001:db8::1'), WILDCARD, record('A', '10.1.1.9', WILDCARD.name), TXT];
    assert.deepEqual(
      answers.filter((one) => takesOurPlace(one, DNS)),
      [A, WILDCARD],
    );
  });

  it('are listed for a message', () => {
    assert.equal(formatRecords([A, WILDCARD]), 'dev.example.com A 10.1.1.103; *.dev.example.com CNAME dev.example.com');
    assert.deepEqual(without([A, WILDCARD], [{ ...A, ttl: 1 }]), [WILDCARD]);
  });
});

describe('what a deployment remembers of its name', () => {
  it('is where it has pointed the name, each place once', () => {
    const written = [{ type: 'A', value: '10.1.1.104' }] as const;
    assert.equal(possiblePointers(undefined), undefined);
    assert.deepEqual(possiblePointers(memory({ written }), TARGET), [...written, { type: 'A', value: '10.1.1.103' }]);
    assert.deepEqual(writtenPointers(memory({ written }), [TXT, A, WILDCARD], DNS), [
      ...written,
      { type: 'A', value: '10.1.1.103' },
    ]);
  });

  it('is put back where the name is ours, or was', () => {
    const replaced = [record('A', '10.1.1.9'), record('TXT', '"mine"', WILDCARD.name)];
    const written = [TARGET];
    assert.deepEqual(recordsToRestore(undefined, true, []), []);
    assert.deepEqual(recordsToRestore(memory({ replaced }), false, []), []);
    assert.deepEqual(recordsToRestore(memory({ replaced }), true, [A]), replaced);
    assert.deepEqual(recordsToRestore(memory({ replaced, written }), false, [A]), [replaced[1]]);
  });

  it('is put back only where it fits beside what is there', () => {
    const cname = record('CNAME', 'elsewhere.example.com');
    const mail = record('MX', '10 mail.example.com');
    assert.deepEqual(splitRestorable([cname], []), { restore: [cname], blocked: [] });
    assert.deepEqual(splitRestorable([cname], [mail]), { restore: [], blocked: [cname] });
    assert.deepEqual(splitRestorable([mail, record('MX', '20 other.example.com')], []).blocked, []);
    assert.deepEqual(splitRestorable([mail], [record('MX', '20 other.example.com')]), { restore: [], blocked: [mail] });
    assert.deepEqual(splitRestorable([mail], [mail]), { restore: [], blocked: [] });
  });
});
