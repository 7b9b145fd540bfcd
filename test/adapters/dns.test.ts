import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { choosePorts } from '../../lab/ports';
import { findProgram } from '../../lab/programs';
import { untilReady } from '../../lab/wait';
import { createDns } from '../../src/adapters/dns';
import { pointAt, probe, RECORD_TYPES, takeBack } from '../../src/commands/nsupdate';
import { DeployError } from '../../src/spec/errors';
import type { TsigKey } from '../../src/activities/ports';
import type { DnsRecord, DnsSpec, DnsTarget } from '../../src/spec/types';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { eventually } from '../support/wait';

const dns = createDns();
const NOTHING = { ownership: [], records: [] };
const OWNER = 'stackato-deploy/test/dev';
const HOST = '127.0.0.1';

describe('DNS', function () {
  this.timeout(30_000);
  let bind: Bind;
  let target: DnsTarget;
  before(async () => {
    bind = await startBind();
    target = { type: 'CNAME', value: `euca-127-${bind.net}-1-9.eucalyptus.cloud.test`, from: 'cloud.addressName' };
  });
  after(() => bind.stop());

  const fails = (work: Promise<unknown>, code: string, words = /./): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DeployError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      assert.ok(!error.message.includes(bind.key.secret.reveal()));
      return true;
    });
  const keyWith = (change: Partial<TsigKey>): TsigKey => ({ ...bind.key, ...change });
  const secretOf = (text: string): Partial<TsigKey> => ({ secret: { reveal: () => text } });
  const point = (spec: DnsSpec, observed: Parameters<typeof pointAt>[0]['observed'] = NOTHING): Promise<void> =>
    dns.update(pointAt({ dns: spec, target, owner: OWNER, observed }), bind.key);
  const recordsAt = async (spec: DnsSpec, name: string, type: string): Promise<readonly DnsRecord[]> => (await dns.query(spec, name, type)).records;

  describe('updates', () => {
    const serial = async (): Promise<string> => (await recordsAt(bind.dns('x'), 'stackato.test', 'SOA'))[0]!.data.split(' ')[2]!;

    it('are accepted with the right key, and a probe changes nothing', async () => {
      const [zone, before] = [await bind.zone(), await serial()];
      await dns.update(probe(bind.dns('probed')), bind.key);
      assert.deepEqual([await bind.zone(), await serial()], [zone, before]);
    });

    it('are refused with another key', async () => {
      const spec = bind.dns('probed');
      const wrong = Buffer.alloc(32, 7).toString('base64');
      await fails(dns.update(probe(spec), keyWith(secretOf(wrong))), 'DNS_KEY_REFUSED', /BADSIG/);
      await fails(dns.update(probe(spec), keyWith({ name: 'nobody' })), 'DNS_KEY_REFUSED', /BADKEY/);
      await fails(dns.update(probe(spec), keyWith({ algorithm: 'hmac-sha512' })), 'DNS_KEY_REFUSED', /BADKEY/);
      await fails(dns.update(probe(spec), undefined), 'DNS_REFUSED', /127\.0\.0\.1, port \d+, refuses the update/);
    });

    it('are not even tried with what is no key', async () => {
      for (const secret of ['', 'hunter2!', `${bind.key.secret.reveal()}\n`, 'abc', '"; };']) {
        await fails(dns.update(probe(bind.dns('probed')), keyWith(secretOf(secret))), 'DNS_KEY_REFUSED', /^The secret of the key stackato-lab is not base64\.$/);
      }
      await fails(dns.update(probe(bind.dns('probed')), keyWith({ name: 'a" { };' })), 'DNS_KEY_REFUSED', /no name/);
    });

    it('are refused in a zone that the key may not update', async () => {
      await fails(dns.update(probe(bind.dns('x', { zone: 'cloud.test', name: 'x.cloud.test' })), bind.key), 'DNS_REFUSED');
    });

    it('are refused in a zone that is not there', async () => {
      await fails(dns.update(probe(bind.dns('x', { zone: 'elsewhere.test', name: 'x.elsewhere.test' })), bind.key), 'DNS_NOT_ZONE', /NOTAUTH/);
      const outside = probe(bind.dns('x')).replace('zone stackato.test.', 'zone test.');
      await fails(dns.update(outside, bind.key), 'DNS_NOT_ZONE');
      await fails(dns.update(`server ${HOST} ${bind.port}\nzone stackato.test.\nupdate delete a.b.test. A\nsend\n`, bind.key), 'DNS_NOT_ZONE', /NOTZONE/);
    });

    it('fail where no server is', async () => {
      await fails(dns.update(probe(bind.dns('x', { port: 1 })), bind.key), 'DNS_UNREACHABLE', /port 1, does not answer/);
      await fails(dns.update(probe(bind.dns('x', { server: 'nowhere.invalid' })), bind.key), 'DNS_UNREACHABLE', /nowhere\.invalid/);
    });

    it('fail with its words where nsupdate does not understand', async () => {
      await fails(dns.update(`server ${HOST} ${bind.port}\nupdate add x.stackato.test. 60 FOO bar\nsend\n`, bind.key), 'DNS_ERROR', /FOO.*not a valid class or type/);
    });

    it('need nsupdate', async () => {
      const { PATH } = process.env;
      process.env.PATH = '/nonexistent';
      await fails(dns.update(probe(bind.dns('x')), bind.key), 'TOOL_MISSING', /ENOENT/).finally(() => (process.env.PATH = PATH));
    });
  });

  describe('a key with rights name by name', () => {
    it('is probed at the names it will write', async () => {
      const port = await startPolicyServer(bind);
      const key = { name: 'limited', algorithm: 'hmac-sha256', secret: { reveal: () => POLICY_SECRET } } as const;
      const spec = (name: string): DnsSpec => bind.dns('x', { port, zone: 'policy.test', name: `${name}.policy.test` });
      await dns.update(probe(spec('dev')), key);
      await fails(dns.update(probe(spec('other')), key), 'DNS_REFUSED');
    });
  });

  describe('pointing and taking back', () => {
    it('makes base, wildcard and ownership, and leaves nothing of them', async () => {
      const spec = bind.dns('plain');
      const before = await bind.zone();
      await point(spec);
      assert.deepEqual((await bind.zone()).filter((line) => !before.includes(line)), [
        `*.plain.stackato.test. 600 IN CNAME plain.stackato.test.`,
        `_stackato-deploy.plain.stackato.test. 600 IN TXT "${OWNER}"`,
        `plain.stackato.test. 600 IN CNAME ${target.value}.`,
      ]);
      const answer = await dns.query(spec, 'any.plain.stackato.test', 'A');
      assert.deepEqual([answer.authoritative, answer.rcode, answer.records], [true, 'NOERROR', [
        { name: 'any.plain.stackato.test', ttl: 600, type: 'CNAME', data: 'plain.stackato.test' },
        { name: 'plain.stackato.test', ttl: 600, type: 'CNAME', data: target.value },
      ]]);
      await dns.update(takeBack({ dns: spec, owner: OWNER, restore: [] }), bind.key);
      assert.deepEqual(await bind.zone(), before);
    });

    it('replaces every type and restores it, record for record', async () => {
      const spec = bind.dns('full');
      const at = 'full.stackato.test.';
      await bind.plant(
        `update add ${at} 111 A 192.0.2.1`, `update add ${at} 111 A 192.0.2.2`, `update add ${at} 222 AAAA 2001:db8::1`, `update add ${at} 333 MX 10 Mail.Example.COM.`,
        `update add ${at} 444 TXT "plain" "with \\"quotes\\"; and \\\\ \\200 \\010"`, `update add ${at} 444 TXT ""`, `update add ${at} 1 SRV 1 2 3 x.example.com.`,
        `update add ${at} 1 CAA 0 issue "ca.example.net; policy=ev"`, `update add ${at} 1 SSHFP 1 1 ${'ab'.repeat(20)}`, `update add ${at} 1 TLSA 3 1 1 ${'cd'.repeat(32)}`,
        `update add ${at} 1 URI 10 1 "https://example.com/"`, `update add ${at} 1 NAPTR 1 2 "u" "sip" "!^.*$!sip:x@y!" .`, `update add ${at} 1 HINFO "a b" "c"`,
        `update add ${at} 1 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`, `update add ${at} 1 RP a.example.com. b.example.com.`, `update add ${at} 1 SPF "v=spf1"`,
        `update add ${at} 1 PTR x.example.com.`, `update add ${at} 1 TYPE65 \\# 3 000100`, `update add *.${at} 55 TXT "wild"`,
      );
      const before = await bind.zone();
      assert.equal(before.filter((line) => line.includes('full.stackato.test.')).length, 19);
      const seen = await Promise.all(RECORD_TYPES.map((type) => recordsAt(spec, spec.name, type)));
      const records = [...seen.flat(), ...(await recordsAt(spec, `*.${spec.name}`, 'TXT'))];
      await point(spec, { ownership: [], records });
      assert.deepEqual((await recordsAt(spec, spec.name, 'MX')).map(({ type }) => type), ['CNAME']);
      await dns.update(takeBack({ dns: spec, owner: OWNER, restore: records }), bind.key);
      assert.deepEqual(await bind.zone(), before);
    });

    it('stops where something else stands there than what was seen', async () => {
      const spec = bind.dns('race');
      const changes: readonly (readonly [planted: string, observed: readonly DnsRecord[]])[] = [
        ['race.stackato.test. 60 A 192.0.2.7', []],
        ['race.stackato.test. 60 CERT PKIX 1 1 AAAA', []],
        ['race.stackato.test. 60 A 192.0.2.8', [{ name: spec.name, ttl: 60, type: 'A', data: '192.0.2.7' }]],
        ['race.stackato.test. 60 AAAA 2001:db8::7', [{ name: spec.name, ttl: 60, type: 'A', data: '192.0.2.7' }]],
        ['*.race.stackato.test. 60 A 192.0.2.7', []],
        ['_stackato-deploy.race.stackato.test. 60 TXT "somebody"', []],
      ];
      for (const [planted, records] of changes) {
        await bind.plant(`update add ${planted}`, ...(planted.includes(' AAAA 2001') ? ['update add race.stackato.test. 60 A 192.0.2.7'] : []));
        const before = await bind.zone();
        await fails(point(spec, { ownership: [], records }), 'DNS_CHANGED', /update failed: [NY]X(DOMAIN|RRSET)/);
        assert.deepEqual(await bind.zone(), before, planted);
        await bind.plant('update delete race.stackato.test.', 'update delete *.race.stackato.test.', 'update delete _stackato-deploy.race.stackato.test.');
      }
    });

    it('takes nothing back that is not ours, and only our types', async () => {
      const spec = bind.dns('shared');
      await dns.update(pointAt({ dns: spec, target: { type: 'A', value: '127.0.0.9', from: 'address' }, owner: OWNER, observed: NOTHING }), bind.key);
      await bind.plant('update add shared.stackato.test. 60 MX 10 mail.example.com.');
      await fails(dns.update(takeBack({ dns: spec, owner: `${OWNER}-2`, restore: [] }), bind.key), 'DNS_CHANGED');
      assert.equal((await recordsAt(spec, spec.name, 'A')).length, 1);
      await dns.update(takeBack({ dns: spec, owner: OWNER, restore: [] }), bind.key);
      assert.deepEqual((await bind.zone()).filter((line) => line.includes('shared')), ['shared.stackato.test. 60 IN MX 10 mail.example.com.']);
    });
  });

  describe('the key', () => {
    let dir: string;
    const { PATH, TMPDIR } = process.env;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'stackato-key-'));
      mkdirSync(join(dir, 'tmp'));
    });
    afterEach(() => {
      Object.assign(process.env, { PATH });
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
      delete process.env.TEST_DNS_SECRET;
      rmSync(dir, { recursive: true });
    });

    it('is in a private file while nsupdate runs, in no argument and no variable, and gone after', async () => {
      const real = findProgram('nsupdate');
      const script = `#!/bin/sh\necho $$ > ${dir}/pid\nwhile [ ! -e ${dir}/go ]; do sleep 0.05; done\nexec ${real} "$@"\n`;
      writeFileSync(join(dir, 'nsupdate'), script);
      chmodSync(join(dir, 'nsupdate'), 0o755);
      const secret = bind.key.secret.reveal();
      Object.assign(process.env, { PATH: `${dir}${delimiter}${PATH}`, TMPDIR: join(dir, 'tmp'), TEST_DNS_SECRET: secret });
      const update = dns.update(probe(bind.dns('keyed')), bind.key);
      const pid = await eventually('nsupdate runs', () => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8').trim());
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      assert.ok(words.includes('-k'), words.join(' '));
      const file = words[words.indexOf('-k') + 1]!;
      assert.ok(file.startsWith(join(dir, 'tmp')));
      for (const seen of ['cmdline', 'environ']) assert.ok(!readFileSync(`/proc/${pid}/${seen}`, 'utf8').includes(secret), seen);
      assert.equal(readFileSync(file, 'utf8'), `key "stackato-lab" { algorithm hmac-sha256; secret "${secret}"; };\n`);
      assert.deepEqual([file, join(file, '..')].map((path) => statSync(path).mode & 0o777), [0o600, 0o700]);
      writeFileSync(join(dir, 'go'), '');
      await update;
      assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
    });

    it('is gone after a failure, and not in its message', async () => {
      Object.assign(process.env, { TMPDIR: join(dir, 'tmp') });
      await fails(dns.update(probe(bind.dns('keyed', { port: 1 })), bind.key), 'DNS_UNREACHABLE');
      assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
      const secret = bind.key.secret.reveal();
      writeFileSync(join(dir, 'nsupdate'), `#!/bin/sh\ncat "$5" >&2\nexit 3\n`);
      chmodSync(join(dir, 'nsupdate'), 0o755);
      Object.assign(process.env, { PATH: `${dir}${delimiter}${PATH}` });
      await fails(dns.update(probe(bind.dns('keyed')), bind.key), 'DNS_ERROR', /secret "\[secret\]"/);
      assert.ok(secret.length > 20);
    });
  });
});

const POLICY_SECRET = Buffer.alloc(32, 3).toString('base64');

/** A BIND that gives its key rights for single names. */
async function startPolicyServer({ household, dir, net }: Bind): Promise<number> {
  const { dns: port } = await choosePorts(undefined, net);
  const home = join(dir, 'policy');
  mkdirSync(home);
  writeFileSync(join(home, 'zone'), '$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 5\n@ IN NS ns\nns IN A 127.0.0.1\n');
  writeFileSync(join(home, 'named.conf'), `
key "limited" { algorithm hmac-sha256; secret "${POLICY_SECRET}"; };
options { directory "${home}"; pid-file none; session-keyfile "${home}/session.key"; listen-on port ${port} { ${HOST}; }; listen-on-v6 { none; }; recursion no; empty-zones-enable no; notify no; };
controls { };
zone "policy.test" { type master; file "${home}/zone"; update-policy { grant limited subdomain dev.policy.test. CNAME A TXT; }; };
`);
  // A copy, because AppArmor confines the original (see lab/dns.ts).
  copyFileSync(findProgram('named'), join(home, 'named'));
  const child = household.start({ name: 'policy-named', program: join(home, 'named'), args: ['-g', '-n', '1', '-c', join(home, 'named.conf')] });
  const server = { server: HOST, port, zone: 'policy.test' };
  await untilReady(child, async () => (await dns.query(server, 'policy.test', 'SOA')).authoritative);
  return port;
}
