import assert from 'node:assert/strict';
import { printedHostKeys } from '../../src/machine/host-keys';

/** GitHub's host keys, which it publishes in both forms. */
const ED25519 = {
  fingerprint: 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
};
const ECDSA = {
  fingerprint: 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM',
  line: 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=',
};
const MD5 = '256 7b:99:81:1e:4c:91:a5:0d:5a:2e:2e:80:13:3f:24:ca  root@stackato (ECDSA)';

const block = (kind: 'FINGERPRINTS' | 'KEYS', ...lines: readonly string[]): readonly string[] => [
  `-----BEGIN SSH HOST KEY ${kind}-----`,
  ...lines,
  `-----END SSH HOST KEY ${kind}-----`,
];
const fingerprintBlock = (...keys: readonly { fingerprint: string }[]): readonly string[] =>
  block('FINGERPRINTS', ...keys.map(({ fingerprint }) => `256 ${fingerprint} root@stackato (X)`));
const keyBlock = (...all: readonly { line: string }[]): readonly string[] =>
  block('KEYS', ...all.map(({ line }) => `${line} root@stackato`));
const output = (...lines: readonly (string | readonly string[])[]): string =>
  `[    0.000000] Linux version 3.2.0\n${lines.flat().join('\n')}\n\nstackato login: `;
const fingerprintsOf = (...all: readonly { fingerprint: string }[]): readonly string[] =>
  all.map(({ fingerprint }) => fingerprint);

describe('host keys on a console', () => {
  const BOTH = fingerprintsOf(ED25519, ECDSA);
  const CASES: readonly [what: string, text: string, found: readonly string[]][] = [
    ['fingerprints', output(fingerprintBlock(ED25519, ECDSA)), BOTH],
    ['whole keys', output(keyBlock(ED25519, ECDSA)), BOTH],
    [
      'MD5 fingerprints and whole keys, as on 12.04',
      output(block('FINGERPRINTS', MD5), keyBlock(ECDSA)),
      fingerprintsOf(ECDSA),
    ],
    ['a key without a comment', output(block('KEYS', ECDSA.line)), fingerprintsOf(ECDSA)],
    ['a fingerprint printed twice', output(fingerprintBlock(ED25519, ED25519)), fingerprintsOf(ED25519)],
    [
      'lines that start with the name of the logger',
      output(fingerprintBlock(ED25519, ECDSA).map((line) => `ec2: ${line}`)),
      BOTH,
    ],
    [
      'lines that start with a syslog prefix',
      output(keyBlock(ED25519, ECDSA).map((line) => `<14>Nov 24 12:00:00 ec2: ${line}`)),
      BOTH,
    ],
    [
      'lines with kernel messages in between',
      output(fingerprintBlock(ED25519, ECDSA).flatMap((line) => [line, '[   12.345678] random: crng init done'])),
      BOTH,
    ],
    [
      "a terminal's line endings",
      output(fingerprintBlock(ED25519), keyBlock(ED25519, ECDSA)).replaceAll('\n', '\r\n'),
      BOTH,
    ],
    ['line endings of two terminals in a row', output(keyBlock(ED25519, ECDSA)).replaceAll('\n', '\r\r\n'), BOTH],
    [
      'the last of several boots',
      output(keyBlock(ED25519), 'stackato login: ', keyBlock(ECDSA)),
      fingerprintsOf(ECDSA),
    ],
    [
      'the previous boot while the current one has not printed a whole block',
      output(keyBlock(ED25519), fingerprintBlock(ECDSA).slice(0, -1)),
      fingerprintsOf(ED25519),
    ],
    [
      'the boot after one that was cut off in a block',
      output(fingerprintBlock(ED25519).slice(0, -1), fingerprintBlock(ECDSA)),
      fingerprintsOf(ECDSA),
    ],
    ['a block whose beginning is no longer shown', output(fingerprintBlock(ED25519).slice(1)), []],
    [
      'a block that ends like the other kind',
      output(fingerprintBlock(ED25519).slice(0, -1), keyBlock(ECDSA).slice(-1)),
      [],
    ],
    ['a second boot that has only printed MD5 so far', output(keyBlock(ED25519), block('FINGERPRINTS', MD5)), []],
    ['an empty block', output(keyBlock()), []],
    ['a fingerprint that is cut off', output(fingerprintBlock({ fingerprint: ED25519.fingerprint.slice(0, -1) })), []],
    [
      'a key torn apart by another line',
      output(block('KEYS', `ssh-ed25519 ${ECDSA.line.split(' ')[1] ?? ''}`, 'ssh-rsa AAAA', 'ssh-rsa')),
      [],
    ],
    ['fingerprints outside of any block', `256 ${ED25519.fingerprint} a (X)\n${ECDSA.line}`, []],
    ['a fingerprint in a block of keys', output(block('KEYS', `256 ${ED25519.fingerprint} a (X)`)), []],
    ['nothing', '', []],
  ];
  for (const [what, text, found] of CASES) {
    it(`${found.length === 0 ? 'are not known' : 'are known'} by ${what}`, () => {
      assert.deepEqual(printedHostKeys(text), found);
    });
  }
});
