import assert from 'node:assert/strict';
import {
  addressesIn,
  endOfCnames,
  furtherTypes,
  leadsTo,
  mayBeWildcardAnswer,
  ownershipRecords,
} from '../../src/dns/answers';
import type { DnsAnswer } from '../../src/dns/answers';
import type { DnsRecord } from '../../src/deployment/spec';

const record = (name: string, type: string, data: string): DnsRecord => ({ name, ttl: 600, type, data });
const answer = (...records: readonly DnsRecord[]): DnsAnswer => ({ rcode: 'NOERROR', authoritative: true, records });

describe('DNS answers', () => {
  const chain = answer(
    record('api.dev.example.com', 'CNAME', 'dev.example.com'),
    record('dev.example.com', 'CNAME', 'EUCA-1.Example.net'),
    record('euca-1.example.net', 'A', '10.1.1.103'),
  );

  it('are followed from CNAME to CNAME, to the addresses at the end', () => {
    assert.equal(endOfCnames(chain, 'api.dev.example.com'), 'euca-1.example.net');
    assert.deepEqual(addressesIn(chain, 'api.dev.example.com'), ['10.1.1.103']);
    assert.deepEqual(addressesIn(chain, 'other.example.com'), []);
  });

  it('are not followed round a loop', () => {
    const loop = answer(
      record('a.example.com', 'CNAME', 'b.example.com'),
      record('b.example.com', 'CNAME', 'a.example.com'),
    );
    assert.equal(endOfCnames(loop, 'a.example.com'), 'b.example.com');
  });

  it('lead to the target by name or by address, if the server has authority', () => {
    const byName = { type: 'CNAME', value: 'euca-1.example.net' } as const;
    const byAddress = { type: 'A', value: '10.1.1.103' } as const;
    assert.ok(leadsTo(chain, 'api.dev.example.com', byName) && leadsTo(chain, 'api.dev.example.com', byAddress));
    assert.equal(leadsTo({ ...chain, authoritative: false }, 'api.dev.example.com', byName), false);
    assert.equal(leadsTo(chain, 'api.dev.example.com', { type: 'A', value: '10.1.1.104' }), false);
    assert.equal(leadsTo(undefined, 'api.dev.example.com', byName), false);
  });

  it('may come from a wildcard if a made-up name gets the same', () => {
    const own = record('dev.example.com', 'A', '10.1.1.9');
    const madeUp = record('probe-1.example.com', 'A', '10.1.1.9');
    assert.equal(mayBeWildcardAnswer([own], [madeUp]), true);
    assert.equal(mayBeWildcardAnswer([own, { ...own, data: '10.1.1.8' }], [madeUp]), false);
    assert.equal(mayBeWildcardAnswer([], [madeUp]), false);
  });

  it('hold the ownership TXT or the CNAME that hides it, and types that nobody asks for by name', () => {
    const name = '_stackato-deploy.dev.example.com';
    const [txt, cname] = [record(name, 'TXT', '"x"'), record(name, 'CNAME', 'elsewhere.example.com')];
    assert.deepEqual(ownershipRecords(name, answer(txt, cname, record('elsewhere.example.com', 'TXT', '"y"'))), [
      txt,
      cname,
    ]);
    assert.deepEqual(furtherTypes(answer(txt, record(name, 'RRSIG', 'x'), record(name, 'TYPE99', 'x'))), ['TYPE99']);
  });
});
