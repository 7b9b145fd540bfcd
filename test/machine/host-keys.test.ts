import assert from 'node:assert/strict';
import { printedHostKeys } from '../../src/machine/host-keys';

/** GitHub's, which it publishes both ways. */
const ED25519 = {
  print: 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
  line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
};
const ECDSA = {
  print: 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM',
  line: 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=',
};
const MD5 = '256 7b:99:81:1e:4c:91:a5:0d:5a:2e:2e:80:13:3f:24:ca  root@stackato (ECDSA)';

const block = (kind: 'FINGERPRINTS' | 'KEYS', ...lines: readonly string[]): readonly string[] => [
  `-----BEGIN SSH HOST KEY ${kind}-----`,
  ...lines,
  `-----END SSH HOST KEY ${kind}-----`,
];
const prints = (...keys: readonly { print: string }[]): readonly string[] =>
  block('FINGERPRINTS', ...keys.map(({ print }) => `256 ${print} root@stackato (X)`));
const keys = (...all: readonly { line: string }[]): readonly string[] =>
  block('KEYS', ...all.map(({ line }) => `${line} root@stackato`));
const output = (...lines: readonly (string | readonly string[])[]): string =>
  `[    0.000000] Linux version 3.2.0\n${lines.flat().join('\n')}\n\nstackato login: `;
const told = (...all: readonly { print: string }[]): readonly string[] => all.map(({ print }) => print);

describe('host keys on a console', () => {
  const BOTH = told(ED25519, ECDSA);
  const CASES: readonly [what: string, text: string, found: readonly string[]][] = [
    ['fingerprints', output(prints(ED25519, ECDSA)), BOTH],
    ['whole keys', output(keys(ED25519, ECDSA)), BOTH],
    ['fingerprints of MD5 and the keys, as of 12.04', output(block('FINGERPRINTS', MD5), keys(ECDSA)), told(ECDSA)],
    ['a key without a comment', output(block('KEYS', ECDSA.line)), told(ECDSA)],
    ['one twice', output(prints(ED25519, ED25519)), told(ED25519)],
    ['the name of the logger before each line', output(prints(ED25519, ECDSA).map((line) => `ec2: ${line}`)), BOTH],
    [
      'all of syslog before each line',
      output(keys(ED25519, ECDSA).map((line) => `<14>Nov 24 12:00:00 ec2: ${line}`)),
      BOTH,
    ],
    [
      'the kernel in between',
      output(prints(ED25519, ECDSA).flatMap((line) => [line, '[   12.345678] random: crng init done'])),
      BOTH,
    ],
    ["a terminal's line ends", output(prints(ED25519), keys(ED25519, ECDSA)).replaceAll('\n', '\r\n'), BOTH],
    ['line ends that two terminals made', output(keys(ED25519, ECDSA)).replaceAll('\n', '\r\r\n'), BOTH],
    ['several boots: the last', output(keys(ED25519), 'stackato login: ', keys(ECDSA)), told(ECDSA)],
    ['a boot that has not printed its end', output(keys(ED25519), prints(ECDSA).slice(0, -1)), told(ED25519)],
    ['a boot that was cut off in it', output(prints(ED25519).slice(0, -1), prints(ECDSA)), told(ECDSA)],
    ['a beginning that is no longer shown', output(prints(ED25519).slice(1)), []],
    ['one block that ends as the other', output(prints(ED25519).slice(0, -1), keys(ECDSA).slice(-1)), []],
    ['a second boot that so far printed MD5 only', output(keys(ED25519), block('FINGERPRINTS', MD5)), []],
    ['an empty block', output(keys()), []],
    ['a fingerprint that is cut off', output(prints({ print: ED25519.print.slice(0, -1) })), []],
    [
      'a key that another line tore',
      output(block('KEYS', `ssh-ed25519 ${ECDSA.line.split(' ')[1] ?? ''}`, 'ssh-rsa AAAA', 'ssh-rsa')),
      [],
    ],
    ['fingerprints outside of any block', `256 ${ED25519.print} a (X)\n${ECDSA.line}`, []],
    ['a fingerprint in the block of keys', output(block('KEYS', `256 ${ED25519.print} a (X)`)), []],
    ['nothing', '', []],
  ];
  for (const [what, text, found] of CASES) {
    it(`${found.length === 0 ? 'are not known' : 'are known'} by ${what}`, () => {
      assert.deepEqual(printedHostKeys(text), found);
    });
  }
});
