/** User data for cloud-init, read back by two other programs: the lab's reader, and Python's email and PyYAML's rules of 0.6.3. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { mergedConfig } from '../../lab/appliance/cloud-init/config';
import { partsOf } from '../../lab/appliance/cloud-init/user-data';
import { DeployError } from '../../src/deployment/errors';
import { maskSecrets } from '../../src/deployment/mask';
import {
  cloudConfigOf,
  refuseTooBig,
  refuseUnsettablePassword,
  replacedKeys,
  tellingWords,
  userDataOf,
  USER_DATA_LIMIT,
} from '../../src/machine/user-data';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { specNamed } from '../support/specs';

const KEY = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB ops@example';
const ALL: Partial<DeploymentSpec> = {
  image: { id: 'emi-12345678', cloudInit: true },
  instance: { type: 'm1.large', cloudInit: { passwords: true, authorizedKeys: [KEY], bootcmd: ['echo "a: b" # c'] } },
};
const config = cloudConfigOf(specNamed('dev', ALL), 'p"w: #1\\');

/** cloud-init 0.6.3's process_includes, in the words of Python's email: each part's type and its decoded body, in base64. */
const WITNESS = `
import sys, email, json, base64, gzip
def seen(data):
    if data[:2] == b'\\x1f\\x8b': data = gzip.decompress(data)
    parts = [p for p in email.message_from_bytes(data).walk() if p.get_content_maintype() != 'multipart']
    return [[p.get_content_type(), base64.b64encode(p.get_payload(decode=True)).decode()] for p in parts]
print(json.dumps([seen(base64.b64decode(each)) for each in json.load(sys.stdin)]))
`;

/** Python takes a while to start, so many are read at once. */
function seenByPython(...all: readonly Buffer[]): [string, Buffer][][] {
  const input = JSON.stringify(all.map((bytes) => bytes.toString('base64')));
  const printed = execFileSync('python3', ['-c', WITNESS], { input }).toString();
  return (JSON.parse(printed) as [string, string][][]).map((parts) =>
    parts.map(([type, body]) => [type, Buffer.from(body, 'base64')]),
  );
}

const refusal = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof DeployError && error.code === code && message.test(error.message);

describe('user data', () => {
  it('is a cloud-config of the spec, and says nothing of what it was not asked for', () => {
    assert.deepEqual(mergedConfig(partsOf(userDataOf(config).bytes), '0.6.3'), {
      ssh_pwauth: true,
      chpasswd: { expire: false, list: 'stackato:p"w: #1\\\n' },
      user: 'stackato',
      ssh_authorized_keys: [KEY],
      bootcmd: ['echo "a: b" # c'],
    });
    const bare = cloudConfigOf(specNamed('dev', { ssh: { user: 'stackato', port: 22, key: { env: 'K' } } }));
    assert.deepEqual(mergedConfig(partsOf(Buffer.from(bare)), '0.7.5'), {});
  });

  it('14: gives a node its own name, and leaves attaching to its step', () => {
    const text = cloudConfigOf(specNamed('dev', { release: '2.10.6' }), undefined, 'dea-2');
    const { stackato } = mergedConfig(partsOf(Buffer.from(text)), '0.7.5');
    assert.deepEqual(stackato, { extname: 'dea-2.dev.stackato.test' });
  });

  it("asks the vendor's module only where it works, and says why not elsewhere", () => {
    const textFor = (release: string): string =>
      cloudConfigOf({ ...specNamed('dev'), release: release as DeploymentSpec['release'] });
    const renames = (release: string): boolean => {
      const text = textFor(release);
      const { stackato } = mergedConfig(partsOf(Buffer.from(text)), '0.7.5');
      assert.equal(/^# No `stackato: extname`: .+\. The step rename does it\.$/m.test(text), stackato === undefined);
      if (stackato !== undefined) assert.deepEqual(stackato, { extname: 'dev.stackato.test' });
      return stackato !== undefined;
    };
    const all = ['2.6.6', '2.6.7', '2.8.2', '2.10.4', '2.10.6', '3.0.1', '3.2.1', '3.4.2', '3.6.2', '9.9'];
    assert.deepEqual(all.filter(renames), ['2.10.6', '3.0.1', '3.2.1', '3.4.2']);
    assert.match(textFor('2.6.6'), /whether the module renames in 2\.6\.6 is not known\./);
    assert.match(textFor('2.8.2'), /in 2\.8\.2, the module does not rename \(RN 2\.10\.6 \(bug 99220\)/);
    assert.match(textFor('3.6.2'), /in 3\.6\.2, the module does not rename \(CT README: /);
  });

  const OWN: readonly (readonly [what: string, own: Buffer, type: string])[] = [
    ['a script', Buffer.from('#!/bin/sh\necho ä\n--stackato-0\n'), 'text/x-shellscript'],
    ['a script with CRLF', Buffer.from('#!/bin/sh\r\necho\r\n'), 'text/x-shellscript'],
    ['a cloud-config', Buffer.from('#cloud-config\npackages: [git]\nx:\n  {a: 1}\n'), 'text/cloud-config'],
    ['an include', Buffer.from('#include\nhttp://example.com/ud\n'), 'text/x-include-url'],
    ['an include-once', Buffer.from('#include-once\nhttp://example.com/ud'), 'text/x-include-once-url'],
    ['a boothook', Buffer.from('#cloud-boothook\n#!/bin/sh\ntrue\n'), 'text/cloud-boothook'],
    ['a part handler', Buffer.from('#part-handler\n'), 'text/part-handler'],
    ['an upstart job', Buffer.from('#upstart-job\n'), 'text/upstart-job'],
    ['an archive', Buffer.from('#cloud-config-archive\n- type: text/x\n'), 'text/cloud-config-archive'],
    ['a jinja template', Buffer.from('## template: jinja\n#cloud-config\nruncmd: []\n'), 'text/jinja2'],
  ];
  it("13: keeps every kind of the user's own, byte for byte, after ours; gzipped or not", () => {
    const given = OWN.flatMap(([what, own, type]) => [own, gzipSync(own)].map((bytes) => ({ what, own, type, bytes })));
    const made = given.map(({ bytes }) => userDataOf(config, bytes).bytes);
    const seen = seenByPython(...made);
    given.forEach(({ what, own, type }, i) => {
      const expected = [
        ['text/cloud-config', Buffer.from(config)],
        [type, own],
      ];
      assert.deepEqual(seen[i], expected, what);
      assert.deepEqual(
        partsOf(made[i]!).map((part) => [part.type, part.body]),
        expected,
        what,
      );
    });
  });

  it("13: keeps a message of the user's own, with all of its parts", () => {
    const message = execFileSync('python3', [
      '-c',
      `
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
m = MIMEMultipart()
m.attach(MIMEText('#!/bin/sh\\necho ü\\n', 'x-shellscript', 'utf-8'))
m.attach(MIMEText('#cloud-config\\nruncmd: [ls]\\n', 'plain'))
print(m.as_string(unixfrom=True), end='')`,
    ]);
    const bodies = [config, '#!/bin/sh\necho ü\n', '#cloud-config\nruncmd: [ls]\n'];
    const { bytes } = userDataOf(config, message);
    assert.deepEqual(
      seenByPython(bytes)[0]!.map(([, body]) => body.toString()),
      bodies,
    );
    assert.deepEqual(
      partsOf(bytes).map(({ type, body }) => [type, body.toString()]),
      ['text/cloud-config', 'text/x-shellscript', 'text/cloud-config'].map((type, i) => [type, bodies[i]]),
    );
  });

  it("13: lets the user's own key replace ours, by the rules of both old and new cloud-init, and says which", () => {
    const own = Buffer.from('#cloud-config\nbootcmd:\n  - theirs\n"ssh_pwauth": false\npackages: [git]\n');
    for (const version of ['0.6.3', '0.7.5'] as const) {
      const merged = mergedConfig(partsOf(userDataOf(config, own).bytes), version);
      assert.deepEqual([merged['bootcmd'], merged['ssh_pwauth'], merged['packages']], [['theirs'], false, ['git']]);
      assert.equal(merged['user'], 'stackato');
    }
    assert.deepEqual(replacedKeys(config, own), ['ssh_pwauth', 'bootcmd']);
    assert.deepEqual(replacedKeys(config, Buffer.from('#!/bin/sh\nbootcmd: x\n')), []);
  });

  it('is the same for a launch that is repeated, and another for other content', () => {
    const own = Buffer.from('#!/bin/sh\ntrue\n');
    assert.deepEqual(userDataOf(config, own), userDataOf(config, own));
    assert.notDeepEqual(userDataOf(config, own).bytes, userDataOf(config, Buffer.from('#!/bin/sh\nfalse\n')).bytes);
  });

  it('is gzipped only if it would be too big otherwise', () => {
    assert.equal(userDataOf(config, Buffer.from('#!/bin/sh\n')).packed, false);
    const long = Buffer.from(`#!/bin/sh\n${'# a comment\n'.repeat(2_000)}`);
    const { bytes, packed, plainSize } = userDataOf(config, long);
    assert.ok(packed && bytes.length < USER_DATA_LIMIT && plainSize > long.length);
    assert.equal(gunzipSync(bytes).length, plainSize);
    assert.deepEqual(seenByPython(bytes)[0]![1], ['text/x-shellscript', long]);
  });

  it('13: is refused with its number of bytes if that does not help', () => {
    const noise = Buffer.from(`#!/bin/sh\n: ${randomBytes(20_000).toString('base64')}\n`);
    const made = userDataOf(config, noise);
    assert.throws(
      () => refuseTooBig(made),
      refusal(
        'USER_DATA_TOO_BIG',
        new RegExp(`has ${made.bytes.length} bytes \\(gzipped; ${made.plainSize} before\\); .* 16384`),
      ),
    );
    refuseTooBig({ bytes: Buffer.alloc(USER_DATA_LIMIT), plainSize: USER_DATA_LIMIT, packed: false });
    assert.throws(
      () => refuseTooBig({ bytes: Buffer.alloc(16_385), plainSize: 16_385, packed: false }),
      refusal('USER_DATA_TOO_BIG', /has 16385 bytes;/),
    );
  });

  it('is refused if cloud-init would ignore it, or cannot set the password', () => {
    for (const own of ['hello', 'echo #cloud-config', '{"a": 1}'])
      assert.throws(() => userDataOf(config, Buffer.from(own)), refusal('USER_DATA_REFUSED', /no kind/));
    for (const own of ['#cloud-config\n---\na: 1\n', '#cloud-config\n# a\n\n{a: 1}\n', '#cloud-config\na: 1\n...\n'])
      assert.throws(() => userDataOf(config, Buffer.from(own)), refusal('USER_DATA_REFUSED', /block style/), own);
    assert.throws(
      () => userDataOf(config, Buffer.from([0x1f, 0x8b, 1, 2])),
      refusal('USER_DATA_REFUSED', /cannot be unpacked/),
    );
    for (const password of ['R', 'RANDOM', 'a\nroot:x', '$6$salt$hash'])
      assert.throws(() => refuseUnsettablePassword(password), refusal('USER_DATA_REFUSED', /cannot be set/));
    refuseUnsettablePassword('RANDOMLY $6 R');
  });

  it('names the words of it that a log may not repeat', () => {
    const own =
      '#cloud-config\nchpasswd:\n  list: |\n    ops:lowercase\npassword: Hunter22\npackages: [nosuchpackage]\n';
    for (const bytes of [Buffer.from(own), gzipSync(own)]) {
      const words = tellingWords(bytes);
      assert.ok(words.includes('lowercase') && words.includes('Hunter22'));
      assert.ok(!words.includes('nosuchpackage') && !words.includes('#cloud-config'));
    }
  });

  it('masks whole passwords, whatever signs are in them', () => {
    const lines: readonly (readonly [line: string, password: string])[] = [
      ['password: correcthorse', 'correcthorse'],
      ['password: ab,cd[ef=gh:ij', 'ab,cd[ef=gh:ij'],
      ['password: ab cd # the old one', 'ab cd'],
      ['  "passwd" : "ab,cd ef"', 'ab,cd ef'],
      ['- { name: ops, passwd: correcthorse, groups: sudo }', 'correcthorse'],
      ['export DB_PASSWORD=correct=horse; ./run', 'correct=horse;'],
      ["mysql --password='ab,cd' -e x", 'ab,cd'],
      ['chpasswd: { list: "ops:ab,cd[ef\\nroot:gh=ij:kl", expire: false }', 'gh=ij:kl'],
      ['chpasswd: { list: "ops:ab,cd[ef\\nroot:gh=ij:kl", expire: false }', 'ab,cd[ef'],
      ['  list: [ops:abcd=, root:ef]gh]', 'abcd='],
      ['  list: |\n    ops:ab,cd[ef=gh:ij\n    root:x=y:zz', 'ab,cd[ef=gh:ij'],
      ['  list: |\n    ops:ab,cd[ef=gh:ij\n    root:x=y:zz', 'x=y:zz'],
      ['  list:\n    - "ops:ab, cd"\n', 'ab, cd'],
    ];
    for (const [line, password] of lines) {
      const words = tellingWords(Buffer.from(`#cloud-config\n${line}\n`));
      assert.equal(maskSecrets(`it said <${password}>`, words), 'it said <[secret]>', line);
    }
    const ordinary = tellingWords(Buffer.from('#cloud-config\nlock_passwd: false\npassword: no\n'));
    assert.equal(maskSecrets('false, and no', ordinary), 'false, and no');
  });
});
