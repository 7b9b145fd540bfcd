import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../lab/programs';
import { createDns } from '../../src/adapters/dns';
import { RECORD_TYPES } from '../../src/dns/records';
import { pointAt, probe, takeBack } from '../../src/dns/update';
import { DeployError } from '../../src/deployment/errors';
import type { TsigKey } from '../../src/steps/ports';
import type { DnsTarget } from '../../src/deployment/facts';
import type { DnsRecord, DnsSpec } from '../../src/deployment/spec';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';
import { keyNamed, keyStatement, startNamed, ZONE_HEAD } from '../support/named';
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
  const writtenAt = (
    spec: DnsSpec,
    { type, value }: Pick<DnsTarget, 'type' | 'value'>,
    owner = OWNER,
  ): { ownership: DnsRecord[]; records: DnsRecord[] } => ({
    ownership: [{ name: `_stackato-deploy.${spec.name}`, ttl: 600, type: 'TXT', data: `"${owner}"` }],
    records: [
      { name: spec.name, ttl: 600, type, data: value },
      { name: `*.${spec.name}`, ttl: 600, type: 'CNAME', data: spec.name },
    ],
  });
  const back = (spec: DnsSpec, observed = writtenAt(spec, target), restore: readonly DnsRecord[] = []): Promise<void> =>
    dns.update(
      takeBack({ dns: spec, observed, ours: [...observed.ownership, ...observed.records], restore }),
      bind.key,
    );
  const recordsAt = async (spec: DnsSpec, name: string, type: string): Promise<readonly DnsRecord[]> =>
    (await dns.query(spec, name, type)).records;

  describe('updates', () => {
    const serial = async (): Promise<string> =>
      (await recordsAt(bind.dns('x'), 'stackato.test', 'SOA'))[0]!.data.split(' ')[2]!;

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
        await fails(
          dns.update(probe(bind.dns('probed')), keyWith(secretOf(secret))),
          'DNS_KEY_REFUSED',
          /^The secret of the key stackato-lab is not base64\.$/,
        );
      }
      await fails(
        dns.update(probe(bind.dns('probed')), keyWith({ name: 'a" { };' })),
        'DNS_KEY_REFUSED',
        /not a domain name/,
      );
    });

    it('are refused in a zone that the key may not update', async () => {
      await fails(
        dns.update(probe(bind.dns('x', { zone: 'cloud.test', name: 'x.cloud.test' })), bind.key),
        'DNS_REFUSED',
      );
    });

    it('are refused in a zone that is not there', async () => {
      await fails(
        dns.update(probe(bind.dns('x', { zone: 'elsewhere.test', name: 'x.elsewhere.test' })), bind.key),
        'DNS_NOT_ZONE',
        /NOTAUTH/,
      );
      const outside = probe(bind.dns('x')).replace('zone stackato.test.', 'zone test.');
      await fails(dns.update(outside, bind.key), 'DNS_NOT_ZONE');
      await fails(
        dns.update(`server ${HOST} ${bind.port}\nzone stackato.test.\nupdate delete a.b.test. A\nsend\n`, bind.key),
        'DNS_NOT_ZONE',
        /NOTZONE/,
      );
    });

    it('fail where no server is', async () => {
      await fails(
        dns.update(probe(bind.dns('x', { port: 1 })), bind.key),
        'DNS_UNREACHABLE',
        /port 1, does not answer/,
      );
      await fails(
        dns.update(probe(bind.dns('x', { server: 'nowhere.invalid' })), bind.key),
        'DNS_UNREACHABLE',
        /nowhere\.invalid/,
      );
    });

    it('fail with its words where nsupdate does not understand', async () => {
      await fails(
        dns.update(`server ${HOST} ${bind.port}\nupdate add x.stackato.test. 60 FOO bar\nsend\n`, bind.key),
        'DNS_ERROR',
        /FOO.*not a valid class or type/,
      );
    });

    it('need nsupdate', async () => {
      const { PATH } = process.env;
      process.env.PATH = '/nonexistent';
      await fails(dns.update(probe(bind.dns('x')), bind.key), 'TOOL_MISSING', /ENOENT/).finally(
        () => (process.env.PATH = PATH),
      );
    });
  });

  describe('a key with rights name by name', () => {
    it('is probed at the names it will write', async () => {
      const key = keyNamed('limited');
      const { port } = await startNamed(bind, 'policy', {
        config: `${keyStatement(key)} zone "policy.test" { type master; file "zone"; update-policy { grant limited subdomain dev.policy.test. CNAME A TXT; }; };`,
        files: { zone: ZONE_HEAD },
        ready: { zone: 'policy.test' },
      });
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
      assert.deepEqual(
        (await bind.zone()).filter((line) => !before.includes(line)),
        [
          `*.plain.stackato.test. 600 IN CNAME plain.stackato.test.`,
          `_stackato-deploy.plain.stackato.test. 600 IN TXT "${OWNER}"`,
          `plain.stackato.test. 600 IN CNAME ${target.value}.`,
        ],
      );
      const answer = await dns.query(spec, 'any.plain.stackato.test', 'A');
      assert.deepEqual(
        [answer.authoritative, answer.rcode, answer.records],
        [
          true,
          'NOERROR',
          [
            { name: 'any.plain.stackato.test', ttl: 600, type: 'CNAME', data: 'plain.stackato.test' },
            { name: 'plain.stackato.test', ttl: 600, type: 'CNAME', data: target.value },
          ],
        ],
      );
      await back(spec);
      assert.deepEqual(await bind.zone(), before);
    });

    it('replaces every type and restores it, record for record', async () => {
      const spec = bind.dns('full');
      const at = 'full.stackato.test.';
      await bind.plant(
        `update add ${at} 111 A 192.0.2.1`,
        `update add ${at} 111 A 192.0.2.2`,
        `update add ${at} 222 AAAA 2001:db8::1`,
        `update add ${at} 333 MX 10 Mail.Example.COM.`,
        `update add ${at} 444 TXT "plain" "with \\"quotes\\"; and \\\\ \\200 \\010"`,
        `update add ${at} 444 TXT ""`,
        `update add ${at} 1 SRV 1 2 3 x.example.com.`,
        `update add ${at} 1 CAA 0 issue "ca.example.net; policy=ev"`,
        `update add ${at} 1 SSHFP 1 1 ${'ab'.repeat(20)}`,
        `update add ${at} 1 TLSA 3 1 1 ${'cd'.repeat(32)}`,
        `update add ${at} 1 URI 10 1 "https://example.com/"`,
        `update add ${at} 1 NAPTR 1 2 "u" "sip" "!^.*$!sip:x@y!" .`,
        `update add ${at} 1 HINFO "a b" "c"`,
        `update add ${at} 1 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`,
        `update add ${at} 1 RP a.example.com. b.example.com.`,
        `update add ${at} 1 SPF "v=spf1"`,
        `update add ${at} 1 PTR x.example.com.`,
        `update add ${at} 1 TYPE65 \\# 3 000100`,
        `update add *.${at} 55 TXT "wild"`,
      );
      const before = await bind.zone();
      assert.equal(before.filter((line) => line.includes('full.stackato.test.')).length, 19);
      const seen = await Promise.all(RECORD_TYPES.map((type) => recordsAt(spec, spec.name, type)));
      const records = [...seen.flat(), ...(await recordsAt(spec, `*.${spec.name}`, 'TXT'))];
      await point(spec, { ownership: [], records });
      assert.deepEqual(
        (await recordsAt(spec, spec.name, 'MX')).map(({ type }) => type),
        ['CNAME'],
      );
      await back(spec, writtenAt(spec, target), records);
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
        await bind.plant(
          `update add ${planted}`,
          ...(planted.includes(' AAAA 2001') ? ['update add race.stackato.test. 60 A 192.0.2.7'] : []),
        );
        const before = await bind.zone();
        await fails(point(spec, { ownership: [], records }), 'DNS_CHANGED', /update failed: [NY]X(DOMAIN|RRSET)/);
        assert.deepEqual(await bind.zone(), before, planted);
        await bind.plant(
          'update delete race.stackato.test.',
          'update delete *.race.stackato.test.',
          'update delete _stackato-deploy.race.stackato.test.',
        );
      }
    });

    it('takes nothing back that is not ours, and only our types', async () => {
      const spec = bind.dns('shared');
      const here: DnsTarget = { type: 'A', value: '127.0.0.9', from: 'address' };
      await dns.update(pointAt({ dns: spec, target: here, owner: OWNER, observed: NOTHING }), bind.key);
      await bind.plant('update add shared.stackato.test. 60 MX 10 mail.example.com.');
      await fails(back(spec, writtenAt(spec, here, `${OWNER}-2`)), 'DNS_CHANGED');
      assert.equal((await recordsAt(spec, spec.name, 'A')).length, 1);
      await back(spec, writtenAt(spec, here));
      assert.deepEqual(
        (await bind.zone()).filter((line) => line.includes('shared')),
        ['shared.stackato.test. 60 IN MX 10 mail.example.com.'],
      );
    });
  });

  it('17c: a worker without descriptors left says so, and not that the server or nsupdate is missing', async () => {
    const program = `
      const dns = require('./src/adapters/dns').createDns();
      const server = ${JSON.stringify(bind.dns('x'))};
      const code = (work) => work.then(() => 'none', (error) => error.constructor.name + ' ' + error.code);
      const held = [];
      void dns.query(server, 'stackato.test', 'SOA').then(async () => {
        try { for (;;) held.push(require('node:fs').openSync('/dev/null', 'r')); } catch {}
        const codes = [await code(dns.query(server, 'stackato.test', 'SOA')), await code(dns.update('send'))];
        for (const one of held) require('node:fs').closeSync(one);
        console.log(codes.join(', '));
      });`;
    const { stdout } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 256; exec "$0" --require tsx/cjs -e "$1"',
      process.execPath,
      program,
    ]);
    assert.equal(stdout.trim(), 'Error EMFILE, Error EMFILE');
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

    /** An nsupdate that waits for a signal to continue. */
    const slowNsupdate = (): void => {
      writeFileSync(
        join(dir, 'nsupdate'),
        `#!/bin/sh\necho $$ > ${dir}/pid\nwhile [ ! -e ${dir}/go ]; do sleep 0.05; done\nexec ${findProgram('nsupdate')} "$@"\n`,
      );
      chmodSync(join(dir, 'nsupdate'), 0o755);
    };
    const pidOfNsupdate = (): Promise<string> =>
      eventually('nsupdate runs', () => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8').trim());
    const hidesSecret = (pid: string): void => {
      for (const seen of ['cmdline', 'environ'])
        assert.ok(!readFileSync(`/proc/${pid}/${seen}`, 'utf8').includes(bind.key.secret.reveal()), seen);
    };

    it('B11: goes in by a pipe: it is in no file, no argument and no variable while nsupdate runs', async () => {
      slowNsupdate();
      Object.assign(process.env, {
        PATH: `${dir}${delimiter}${PATH}`,
        TMPDIR: join(dir, 'tmp'),
        TEST_DNS_SECRET: bind.key.secret.reveal(),
      });
      const update = dns.update(probe(bind.dns('keyed')), bind.key);
      hidesSecret(await pidOfNsupdate());
      assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
      writeFileSync(join(dir, 'go'), '');
      await update;
      assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
    });

    it('B11: is in no file after a worker was killed outright in the midst of an update', async () => {
      slowNsupdate();
      const program = `require('./src/adapters/dns').createDns().update(${JSON.stringify(probe(bind.dns('keyed')))}, { name: 'stackato-lab', algorithm: 'hmac-sha256', secret: { reveal: () => process.env.SECRET } })`;
      const env = {
        ...process.env,
        PATH: `${dir}${delimiter}${PATH}`,
        TMPDIR: join(dir, 'tmp'),
        HOME: join(dir, 'tmp'),
        SECRET: bind.key.secret.reveal(),
      };
      const worker = spawn(process.execPath, ['--require', 'tsx/cjs', '-e', program], { env, stdio: 'ignore' });
      const pid = await pidOfNsupdate();
      hidesSecret(pid);
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      const files = readdirSync(join(dir, 'tmp'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      assert.deepEqual(
        files.filter((file) => readFileSync(file, 'utf8').includes(bind.key.secret.reveal())),
        [],
      );
      writeFileSync(join(dir, 'go'), '');
      await eventually('nsupdate ends', () => !existsSync(`/proc/${pid}`));
    });

    it('is not in the message of a failure, were it at the very end of what is shown', async () => {
      await fails(dns.update(probe(bind.dns('keyed', { port: 1 })), bind.key), 'DNS_UNREACHABLE');
      Object.assign(process.env, { PATH: `${dir}${delimiter}${PATH}` });
      const saying = (script: string): void => {
        writeFileSync(join(dir, 'nsupdate'), `#!/bin/sh\n${script}\nexit 3\n`);
        chmodSync(join(dir, 'nsupdate'), 0o755);
      };
      saying('cat >&2');
      await fails(
        dns.update(probe(bind.dns('keyed')), bind.key),
        'DNS_ERROR',
        /key hmac-sha256:stackato-lab \[secret\]/,
      );
      saying(`head -c 4020 /dev/zero | tr '\\0' x >&2; cat >&2`);
      await assert.rejects(
        dns.update(probe(bind.dns('keyed')), bind.key),
        (error: Error) => !error.message.includes(bind.key.secret.reveal().slice(0, 8)),
      );
    });

    it('17c: needs no file at all, so that no full disk stops it', async () => {
      Object.assign(process.env, { TMPDIR: '/nonexistent' });
      await dns.update(probe(bind.dns('keyed')), bind.key);
    });
  });
});
