/** Specs with one mistake each: how each differs from a good one, and what must be reported, and where. */

export const GOOD = `name: dev
release: 2.6.6
cloud:
  kind: eucalyptus-3.2
  endpoint: http://clc:8773/services/Eucalyptus
image: emi-12345678
instance:
  type: m1.large
dns:
  server: 10.1.1.254
  zone: example.com
  name: dev.example.com
`;

const GOOD_AWS = GOOD.replace('eucalyptus-3.2', 'aws')
  .replace('endpoint: http://clc:8773/services/Eucalyptus', 'region: us-east-1')
  .replace('emi-', 'ami-');

/** The same with an image to publish, in lines 7 to 14. */
export const PUBLISHES = GOOD.replace(
  'Eucalyptus\n',
  'Eucalyptus\n  storage: http://walrus:8773/services/Walrus\n',
).replace(
  'image: emi-12345678',
  `image:
  name: stackato-v2.6.6
  bucket: stackato-images
  kernel: vmlinuz
  ramdisk: initrd
  root: { url: "https://images.example.com/stackato.zip", sha256: ${'0123456789abcdef'.repeat(4)}, inside: stackato.img }
  signing: { account: "123456789012", certificate: cert.pem, privateKey: { file: pk.pem }, cloudCertificate: cloud-cert.pem }`,
);

/** Used wherever a secret could be, so no message may repeat it. */
export const SECRET = 'hunter2-Xq9';

export interface BadSpec {
  readonly what: string;
  readonly text: string;
  /** Line and path of every problem, in order: `3 cloud.kind`. */
  readonly at: readonly string[];
  /** Matches the message or the hint of the first problem. */
  readonly says: RegExp;
  /** The point of issue 11 that the case belongs to. */
  readonly point?: 'F22' | 'F23';
}

/** The good spec with the first line that begins so replaced. The new lines get the old one's indentation. */
function replaceLine(begins: string, becomes: string, good = GOOD): string {
  const lines = good.split('\n');
  const i = lines.findIndex((each) => each.trimStart().startsWith(begins));
  const indent = /^ */.exec(lines[i] ?? '')?.[0] ?? '';
  const text = becomes === '' ? [] : becomes.split('\n').map((each) => indent + each);
  if (i < 0) throw new Error(`no line begins with ${begins}`);
  return [...lines.slice(0, i), ...text, ...lines.slice(i + 1)].join('\n');
}

/** The image from a catalogue instead of files; what is given begins in line 10. */
export function fromCatalog(lines: string): string {
  return PUBLISHES.replace(/ {2}kernel:.*\n {2}ramdisk:.*\n {2}root:.*\n/, `  ${lines}\n`);
}

const badImage = (
  what: string,
  begins: string,
  becomes: string,
  at: string | readonly string[],
  says: RegExp,
): BadSpec => bad(what, replaceLine(begins, becomes, PUBLISHES), at, says);
const bad = (what: string, text: string, at: string | readonly string[], says: RegExp): BadSpec => ({
  what,
  text,
  at: [at].flat(),
  says,
});
const badWith = (what: string, text: string, at: string | readonly string[], says: RegExp): BadSpec =>
  bad(what, GOOD + text, at, says);
const caseOf = (point: 'F22' | 'F23', spec: BadSpec): BadSpec => ({ ...spec, point });
/** With more machines; `nodes` begins in line 13. */
const badNodes = (
  what: string,
  groups: readonly string[],
  at: string | readonly string[],
  says: RegExp,
  release = '2.10.6',
): BadSpec => {
  const text = GOOD.replace('2.6.6', release) + ['nodes:', ...groups].join('\n  ') + '\n';
  return bad(what, text, at, says);
};
const DEA = 'dea: { roles: [dea] }';
/** Names that must never reach a script, a command, a URL or a certificate. */
const BAD_NAMES: readonly (readonly [what: string, yaml: string, says: RegExp])[] = [
  ['a line break', '"dev\\nsend.example.com"', /not allowed/],
  ['a space', '"dev update.example.com"', /not allowed/],
  ['a quote', `'dev".example.com'`, /not allowed/],
  ['an apostrophe', `"dev'.example.com"`, /not allowed/],
  ['a semicolon', 'dev;x.example.com', /not allowed/],
  ['a shell expansion', '$(reboot).example.com', /not allowed/],
  ['backquotes', '"`id`.example.com"', /not allowed/],
  ['a backslash', "'dev\\032.example.com'", /not allowed/],
  ['a slash', 'dev/x.example.com', /not allowed/],
  ['a NUL', '"dev\\0.example.com"', /not allowed/],
  ['a tab', '"dev\\tx.example.com"', /not allowed/],
  ['a zero-width space', '"dev\\u200b.example.com"', /not allowed/],
  ['a letter that is not ASCII', 'dév.example.com', /punycode/],
  ['a Kelvin sign, which lower case makes a k', '"\\u212Aev.example.com"', /not allowed/],
  ['an asterisk', '"*.example.com"', /not allowed/],
  ['an underscore', 'my_dev.example.com', /not allowed/],
  ['an empty part', 'dev..example.com', /empty part/],
  ['a leading dot', '.dev.example.com', /empty part/],
  ['a leading hyphen', '-v.example.com', /hyphen/],
  ['a part that is too long', `${'a'.repeat(64)}.example.com`, /more than 63/],
  ['more characters than a certificate can hold', `${'a'.repeat(60)}.example.com`, /longer than 64/],
];

export const BAD_SPECS: readonly BadSpec[] = [
  // The file as a whole.
  bad('an empty file', '', '1 ', /is empty/),
  bad('only comments', '# nothing\n', '1 ', /is empty/),
  bad('a list', '- name: dev\n', '1 ', /not a mapping/),
  bad('plain text', `${SECRET}\n`, '1 ', /not a mapping/),
  bad('two documents', `${GOOD}---\nname: other\n`, '13 ', /more than one document/),
  bad('an empty mapping', '{}\n', ['1 name', '1 release', '1 cloud', '1 image', '1 instance', '1 dns'], /is missing/),
  // YAML's traps.
  bad('a key twice', `${GOOD}name: ${SECRET.toLowerCase()}\n`, '13 name', /twice/),
  bad('a tab as indentation', GOOD.replace('  kind', '\tkind'), '4 ', /tab/),
  bad('an unclosed bracket', `${GOOD}access: { ssh: [10.0.0.0/8\n`, '14 ', /not valid YAML/),
  bad('an unclosed quote', `${GOOD}ssh: { user: "${SECRET}\n`, '14 ', /not valid YAML/),
  bad('an alias without an anchor', replaceLine('image', 'image: *nowhere'), '6 ', /alias/),
  bad(
    'an alias bomb',
    `${GOOD}a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
    '16 ',
    /too many/,
  ),
  bad('a tag', replaceLine('image', `image: !!python/object ${SECRET}`), ['6 ', '6 image'], /tag/),
  caseOf(
    'F22',
    bad('a merge key', `${GOOD}ssh:\n  <<: { user: ops }\n`, '14 ssh.<<', /merge keys are not known — write it out/),
  ),
  caseOf(
    'F22',
    bad(
      'a merge key that supplies a required key',
      `common: &common { zone: example.com }\n${replaceLine('zone', '<<: *common')}`,
      ['1 common', '12 dns.<<'],
      /unknown key common/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a merge key at the top',
      `<<: { release: 2.6.6 }\n${replaceLine('release', '')}`,
      '1 <<',
      /merge keys are not known — write it out/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a merge key in a reference',
      `${GOOD}ssh: { password: { <<: { env: A } } }\n`,
      '13 ssh.password.<<',
      /merge keys are not known/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a merge key of several',
      `${GOOD}ssh:\n  <<: [{ user: ops }, { port: 23 }]\n`,
      '14 ssh.<<',
      /merge keys are not known/,
    ),
  ),
  caseOf(
    'F23',
    bad('a key of JavaScript', `${GOOD}__proto__: { admin: 1 }\n`, '13 __proto__', /unknown key __proto__/),
  ),
  caseOf(
    'F23',
    bad(
      'a key of JavaScript below',
      `${GOOD}ssh:\n  __proto__: { user: ops }\n`,
      '14 ssh.__proto__',
      /unknown key __proto__/,
    ),
  ),
  caseOf(
    'F23',
    bad(
      'a key twice in a section',
      replaceLine('zone', 'zone: example.org\nzone: example.com'),
      '12 dns.zone',
      /twice/,
    ),
  ),
  caseOf(
    'F23',
    bad(
      'a secret twice where a key should be',
      `${GOOD}ssh: { ${SECRET}, ${SECRET} }\n`,
      ['13 ssh', '13 ssh'],
      /unknown key/,
    ),
  ),
  caseOf(
    'F22',
    bad('an empty document between two', `${GOOD}---\n---\nname: other\n`, '14 ', /more than one document/),
  ),
  caseOf(
    'F22',
    bad(
      'a template',
      replaceLine('server', 'server: {{ dns_server }}'),
      '10 dns.server',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a template without spaces',
      replaceLine('server', 'server: {{dns_server}}'),
      '10 dns.server',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a template followed by text',
      replaceLine('name: dev.', 'name: {{ name }}.example.com'),
      '12 dns.name',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a template in a list',
      `${GOOD}access: { ssh: [{{ office }}] }\n`,
      '13 access.ssh',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a template in a reference',
      `${GOOD}ssh:\n  password: { env: {{ variable | upper }} }\n`,
      '14 ssh.password.env',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  caseOf(
    'F22',
    bad(
      'a template of statements',
      `{% if lab %}\n${GOOD}{% endif %}\n`,
      '1 ',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  bad('a key that is a mapping', `${GOOD}{ a: b }: c\n`, '13 ', /plain text/),
  bad('too deep a nesting', `${GOOD}x: ${'['.repeat(20_000)}\n`, '13 ', /nested too deeply|not valid YAML/),
  bad(
    'a release that YAML reads as a number',
    replaceLine('release', 'release: 2.10'),
    '2 release',
    /read as a number by YAML.*quote it/,
  ),
  bad('a name that YAML reads as a number', replaceLine('name: dev', 'name: 0123'), '1 name', /read as a number/),
  bad(
    'a name that YAML reads as a hexadecimal number',
    replaceLine('name: dev', 'name: 0x1F'),
    '1 name',
    /read as a number/,
  ),
  bad(
    'a name that YAML reads as an infinite number',
    replaceLine('name: dev', 'name: .inf'),
    '1 name',
    /read as a number/,
  ),
  bad('a name that YAML reads as true', replaceLine('name: dev', 'name: true'), '1 name', /not true or false/),
  bad('a name that YAML reads as nothing', replaceLine('name: dev', 'name: ~'), '1 name', /has no value/),
  badWith('a flag that only YAML 1.1 knows', 'ssh: { user: stackato }\ndns2: yes\n', '14 dns2', /did you mean dns\?/),
  bad(
    'replace: yes',
    replaceLine('name: dev.', 'name: dev.example.com\nreplace: yes'),
    '13 dns.replace',
    /true or false, not text/,
  ),
  // Unknown keys suggest the nearest.
  badWith('a misspelt section', 'acces: { ssh: [10.0.0.0/8] }\n', '13 acces', /did you mean access\?/),
  bad(
    'a misspelt key that is required',
    replaceLine('zone', 'zonne: example.com'),
    '11 dns.zonne',
    /did you mean zone\?/,
  ),
  bad(
    'a key in another case',
    replaceLine('endpoint', 'endPoint: http://clc:8773/'),
    '5 cloud.endPoint',
    /did you mean endpoint\?/,
  ),
  badWith(
    'a key with another spelling',
    'ssh: { host-key: SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s }\n',
    '13 ssh.host-key',
    /did you mean hostKey\?/,
  ),
  badWith('a key unlike any known one', 'kubernetes: 1\n', '13 kubernetes', /known here: name, release, cloud/),
  badWith('a secret where a key should be', `ssh: { ${SECRET} }\n`, '13 ssh', /unknown key/),
  // Name, release, image, instance, address.
  bad('no name', replaceLine('name: dev', ''), '1 name', /is missing/),
  ...['Dev', '-dev', 'dev-', 'a_b', 'a b', '"dev\\n"', 'd'.repeat(41), '""', 'dev/../x'].map((name) =>
    bad(`the name ${name}`, replaceLine('name: dev', `name: ${name}`), '1 name', /not a deployment name/),
  ),
  bad('an unknown release', replaceLine('release', 'release: 2.6.5'), '2 release', /did you mean 2\.6\.[67]\?/),
  bad(
    'a release unlike any known one',
    replaceLine('release', `release: ${SECRET}`),
    '2 release',
    /one of 2\.6\.6, 2\.6\.7/,
  ),
  bad('an image name', replaceLine('image', 'image: stackato-v2.6.6'), '6 image', /not an image id/),
  bad('a kernel for an image', replaceLine('image', 'image: { id: eki-12345678 }'), '6 image.id', /not an image id/),
  caseOf(
    'F23',
    bad(
      'an image of Eucalyptus on aws',
      replaceLine('image', 'image: emi-12345678', GOOD_AWS),
      '6 image',
      /on Eucalyptus, and cloud\.kind is aws — give an id that begins with ami-/,
    ),
  ),
  caseOf(
    'F23',
    bad(
      'the id of an image of Eucalyptus on aws',
      replaceLine('image', 'image: { id: emi-0a1b2c3d4e5f60718 }', GOOD_AWS),
      '6 image.id',
      /on Eucalyptus, and cloud\.kind is aws/,
    ),
  ),
  caseOf(
    'F23',
    bad(
      'an image of AWS on Eucalyptus',
      replaceLine('image', 'image: ami-12345678'),
      '6 image',
      /is the id of an image on AWS: eucalyptus-3\.2 has none/,
    ),
  ),
  bad('an image of another shape', replaceLine('image', 'image: [emi-12345678]'), '6 image', /not a list/),
  bad(
    'an image of an empty mapping',
    replaceLine('image', 'image: {}'),
    '6 image.id',
    /id of an image, or what to make one of/,
  ),
  bad(
    'an image of an id and a kernel',
    replaceLine('image', 'image: { id: emi-12345678, kernel: vmlinuz }'),
    '6 image.kernel',
    /no meaning beside image\.id/,
  ),
  bad(
    'a catalogue and a kernel',
    fromCatalog('catalog: store/catalog\n  kernel: vmlinuz'),
    '11 image.kernel',
    /no meaning beside image\.catalog/,
  ),
  bad(
    'a catalogue beside an id',
    fromCatalog('id: emi-12345678\n  catalog: store/catalog'),
    ['8 image.name', '9 image.bucket', '11 image.catalog', '12 image.signing'],
    /no meaning beside image\.id/,
  ),
  bad(
    'an entry without a catalogue',
    PUBLISHES.replace('  kernel:', '  entry: "0123456789"\n  kernel:'),
    '10 image.entry',
    /no meaning without image\.catalog/,
  ),
  bad(
    'a catalogue by ftp',
    fromCatalog('catalog: ftp://store/catalog'),
    '10 image.catalog',
    /not an http or https URL/,
  ),
  bad(
    'a catalogue with a password',
    fromCatalog('catalog: "http://u:p@store/catalog"'),
    '10 image.catalog',
    /has a user, a password/,
  ),
  bad(
    'an entry that YAML reads as a number',
    fromCatalog('catalog: store/catalog\n  entry: 1234567890'),
    '11 image.entry',
    /quotes|number/,
  ),
  bad(
    'another hypervisor',
    fromCatalog('catalog: store/catalog\n  hypervisor: vmware'),
    '11 image.hypervisor',
    /kvm|xen/,
  ),
  badImage('an image without a ramdisk', 'ramdisk:', '', '7 image.ramdisk', /is missing, and an image is made of it/),
  badImage('an image without a name', 'name: stackato', '', '7 image.name', /is missing/),
  badImage('an image without its signing section', 'signing:', '', '7 image.signing', /is missing/),
  badImage(
    'no storage endpoint for an image',
    'storage:',
    '',
    '3 cloud.storage',
    /eucalyptus-3\.2 needs it to publish/,
  ),
  badImage(
    'a password in the storage endpoint',
    'storage:',
    `storage: http://me:${SECRET}@walrus/`,
    '6 cloud.storage',
    /a user or a password/,
  ),
  ...['vmlinuz-2.6', 'Windows-10'].map((name) =>
    badImage(
      `the image name ${name}`,
      'name: stackato',
      `name: ${name}`,
      '8 image.name',
      /would not take it for a machine image/,
    ),
  ),
  ...['a', 'a b', 'a/b', '-abc', `"${'a'.repeat(92)}"`, '"abc\\n"'].map((name) =>
    badImage(`the image name ${name}`, 'name: stackato', `name: ${name}`, '8 image.name', /not a name for an image/),
  ),
  badImage(
    'an image named like a kernel',
    'name: stackato',
    'name: stackato-kernel',
    '8 image.name',
    /names of kernels/,
  ),
  ...['AB', 'Stackato', 'a..b', '10.1.1.1', 'a/b', 'ab-'].map((bucket) =>
    badImage(`the bucket ${bucket}`, 'bucket:', `bucket: ${bucket}`, '9 image.bucket', /not the name of a bucket/),
  ),
  badImage(
    'another architecture',
    'bucket:',
    'bucket: stackato-images\narchitecture: x86-64',
    '10 image.architecture',
    /did you mean x86_64\?/,
  ),
  badImage(
    'a kernel from both a file and a URL',
    'kernel:',
    `kernel: { file: vmlinuz, url: "http://a/b" }`,
    '10 image.kernel',
    /exactly one of file and url/,
  ),
  badImage(
    'a kernel from neither a file nor a URL',
    'kernel:',
    'kernel: { inside: vmlinuz }',
    '10 image.kernel',
    /exactly one of file and url/,
  ),
  badImage(
    'a kernel from a URL without its SHA-256',
    'kernel:',
    'kernel: { url: "http://a/vmlinuz" }',
    '10 image.kernel.sha256',
    /url needs it/,
  ),
  badImage(
    'a kernel with a short SHA-256',
    'kernel:',
    'kernel: { file: vmlinuz, sha256: abc }',
    '10 image.kernel.sha256',
    /not a SHA-256/,
  ),
  badImage(
    'a signed URL',
    'kernel:',
    `kernel: { url: "http://a/b?Signature=${SECRET}", sha256: ${'ab'.repeat(32)} }`,
    '10 image.kernel.url',
    /a query/,
  ),
  badImage(
    'a URL with another scheme',
    'kernel:',
    `kernel: { url: "ftp://a/b", sha256: ${'ab'.repeat(32)} }`,
    '10 image.kernel.url',
    /not an http or https URL/,
  ),
  badImage('a kernel in a home folder', 'kernel:', 'kernel: ~/vmlinuz', '10 image.kernel', /no shell expands/),
  badImage(
    'an absolute path in an archive',
    'kernel:',
    'kernel: { file: a.zip, inside: /boot/vmlinuz }',
    '10 image.kernel.inside',
    /name of a file in an archive/,
  ),
  badImage(
    'a number for an account',
    'signing:',
    'signing: { account: 123456789012, certificate: a, privateKey: { env: A }, cloudCertificate: b }',
    '13 image.signing.account',
    /quote it/,
  ),
  badImage(
    'an account with dashes',
    'signing:',
    'signing: { account: 1234-5678-9012, certificate: a, privateKey: { env: A }, cloudCertificate: b }',
    '13 image.signing.account',
    /not an account number/,
  ),
  badImage(
    'a private key in plain',
    'signing:',
    `signing: { account: "123456789012", certificate: a, privateKey: ${SECRET}, cloudCertificate: b }`,
    '13 image.signing.privateKey',
    /never written here/,
  ),
  badImage(
    'a misspelt part of an image',
    'ramdisk:',
    'ram-disk: initrd',
    '11 image.ram-disk',
    /did you mean ramdisk\?/,
  ),
  bad('an instance without a type', replaceLine('type', 'zone: one'), '7 instance.type', /is missing/),
  bad(
    'a type with a space',
    replaceLine('type', 'type: "m1 large"'),
    '8 instance.type',
    /not the name of an instance type/,
  ),
  bad(
    'plain user data',
    replaceLine('type', `type: m1.large\nuserData: "#!/bin/sh ${SECRET}"`),
    '9 instance.userData',
    /never written here/,
  ),
  bad(
    'more for cloud-init without an image that has it',
    replaceLine('type', 'type: m1.large\ncloudInit: { passwords: true }'),
    '9 instance.cloudInit',
    /no meaning without image\.cloudInit/,
  ),
  bad(
    'a password for cloud-init that is not there',
    replaceLine(
      'image',
      'image: { id: emi-12345678, cloudInit: true }',
      replaceLine('type', 'type: m1.large\ncloudInit: { passwords: true }'),
    ),
    '9 instance.cloudInit.passwords',
    /needs the password/,
  ),
  bad(
    'an authorized key that is none',
    replaceLine(
      'image',
      'image: { id: emi-12345678, cloudInit: true }',
      replaceLine('type', 'type: m1.large\ncloudInit: { authorizedKeys: [hello] }'),
    ),
    '9 instance.cloudInit.authorizedKeys[0]',
    /not a public key/,
  ),
  badWith('an invalid address', 'address: 10.1.1.300\n', '13 address', /not an IPv4 address/),
  badWith('an address with a leading zero', 'address: 010.1.1.3\n', '13 address', /leading zeros/),
  badWith('a loopback address', 'address: 127.0.0.1\n', '13 address', /loopback/),
  caseOf(
    'F23',
    badWith(
      "an address in the containers' network",
      'address: 192.168.3.200\n',
      '13 address',
      /containers use — give an address in another network/,
    ),
  ),
  badWith('another word for an address', 'address: elastic\n', '13 address', /neither/),
  // Cloud.
  bad('an unknown kind', replaceLine('kind', 'kind: eucalyptus-4.3'), '4 cloud.kind', /did you mean eucalyptus-4\.4\?/),
  bad('no endpoint', replaceLine('endpoint', ''), '3 cloud.endpoint', /is missing, and eucalyptus-3\.2 needs it/),
  bad(
    'aws without a region',
    replaceLine('kind', 'kind: aws').replace('emi-', 'ami-'),
    '3 cloud.region',
    /aws needs it/,
  ),
  bad(
    'an endpoint with a key in it',
    replaceLine('endpoint', `endpoint: http://me:${SECRET}@clc:8773/`),
    '5 cloud.endpoint',
    /a user or a password/,
  ),
  bad(
    'an endpoint with a query',
    replaceLine('endpoint', `endpoint: http://clc:8773/?key=${SECRET}`),
    '5 cloud.endpoint',
    /query/,
  ),
  bad(
    'an endpoint without a scheme',
    replaceLine('endpoint', 'endpoint: clc:8773'),
    '5 cloud.endpoint',
    /not an http or https URL/,
  ),
  bad(
    'an endpoint of another scheme',
    replaceLine('endpoint', 'endpoint: file:///etc/passwd'),
    '5 cloud.endpoint',
    /not an http or https URL/,
  ),
  bad(
    'a CA that is never used',
    replaceLine('endpoint', 'endpoint: http://clc:8773/\nca: ca.pem'),
    '6 cloud.ca',
    /never be used/,
  ),
  bad(
    'credentials in plain',
    replaceLine('endpoint', `endpoint: http://clc:8773/\ncredentials: { accessKey: ${SECRET}, secretKey: { env: B } }`),
    '6 cloud.credentials.accessKey',
    /never written here/,
  ),
  bad(
    'half the credentials',
    replaceLine('endpoint', 'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: A } }'),
    '6 cloud.credentials.secretKey',
    /is missing/,
  ),
  bad(
    'a reference to both a variable and a file',
    replaceLine(
      'endpoint',
      'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: A, file: b }, secretKey: { env: B } }',
    ),
    '6 cloud.credentials.accessKey',
    /exactly one key/,
  ),
  bad(
    'a reference with a value in it',
    replaceLine(
      'endpoint',
      `endpoint: http://clc:8773/\ncredentials: { accessKey: { value: ${SECRET} }, secretKey: { env: B } }`,
    ),
    '6 cloud.credentials.accessKey',
    /exactly one key/,
  ),
  bad(
    'a variable with a $',
    replaceLine(
      'endpoint',
      'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: $A }, secretKey: { env: B } }',
    ),
    '6 cloud.credentials.accessKey.env',
    /without \$/,
  ),
  bad(
    'an address name without the address',
    replaceLine('endpoint', 'endpoint: http://clc:8773/\naddressName: euca.example.com'),
    '6 cloud.addressName',
    /must contain \{dashed\} once/,
  ),
  bad(
    'an address name with a line break',
    replaceLine('endpoint', 'endpoint: http://clc:8773/\naddressName: "{dashed}.example.com\\nsend"'),
    '6 cloud.addressName',
    /not allowed/,
  ),
  bad(
    'an address name below the name',
    replaceLine('endpoint', 'endpoint: http://clc:8773/\naddressName: euca-{dashed}.DEV.example.com.'),
    '6 cloud.addressName',
    /a loop/,
  ),
  // DNS.
  ...BAD_NAMES.map(([what, yaml, says]) =>
    bad(`a DNS name with ${what}`, replaceLine('name: dev.', `name: ${yaml}`), '12 dns.name', says),
  ),
  ...BAD_NAMES.slice(0, 19)
    .filter(([what]) => !/asterisk|too long/.test(what))
    .map(([what, yaml, says]) =>
      bad(`a DNS zone with ${what}`, replaceLine('zone', `zone: ${yaml}`), '11 dns.zone', says),
    ),
  bad(
    'a name outside the zone',
    replaceLine('name: dev.', 'name: dev.example.org'),
    '12 dns.name',
    /not inside dns\.zone/,
  ),
  bad(
    'a name that only ends like the zone',
    replaceLine('name: dev.', 'name: devexample.com'),
    '12 dns.name',
    /not inside dns\.zone/,
  ),
  bad('the zone itself', replaceLine('name: dev.', 'name: Example.com.'), '12 dns.name', /apex/),
  bad('an address for a zone', replaceLine('zone', 'zone: 10.1.1.1'), '11 dns.zone', /IP address/),
  bad('a server with its port', replaceLine('server', 'server: 10.1.1.254:53'), '10 dns.server', /dns\.port/),
  bad(
    'a server with a command',
    replaceLine('server', 'server: "10.1.1.254\\nupdate delete x"'),
    '10 dns.server',
    /not allowed/,
  ),
  bad('a server of IPv6', replaceLine('server', 'server: "::1"'), '10 dns.server', /IPv6 is not supported/),
  bad('the unspecified address for a server', replaceLine('server', 'server: 0.0.0.0'), '10 dns.server', /unspecified/),
  ...['0', '65536', '53.5', '"53"', '-1', '[53]'].map((port) =>
    bad(
      `the port ${port}`,
      replaceLine('server', `server: 10.1.1.254\nport: ${port}`),
      '11 dns.port',
      /port number|whole number/,
    ),
  ),
  ...['-1', '2147483648', '1.5', '10m'].map((ttl) =>
    bad(`the TTL ${ttl}`, replaceLine('server', `server: 10.1.1.254\nttl: ${ttl}`), '11 dns.ttl', /seconds/),
  ),
  bad(
    'an unknown algorithm',
    replaceLine('server', 'server: 10.1.1.254\ntsig: { name: k, algorithm: hmac-sha-256, secret: { env: A } }'),
    '11 dns.tsig.algorithm',
    /did you mean hmac-sha256\?/,
  ),
  bad(
    'a TSIG secret in plain',
    replaceLine('server', `server: 10.1.1.254\ntsig: { name: k, secret: "${SECRET}==" }`),
    '11 dns.tsig.secret',
    /never written here/,
  ),
  bad(
    'a key name that ends a statement',
    replaceLine('server', `server: 10.1.1.254\ntsig: { name: 'k" { };', secret: { env: A } }`),
    '11 dns.tsig.name',
    /not allowed/,
  ),
  bad(
    'a key without a name',
    replaceLine('server', 'server: 10.1.1.254\ntsig: { secret: { env: A } }'),
    '11 dns.tsig.name',
    /is missing/,
  ),
  // The appliance.
  badWith('root', 'ssh: { user: root }\n', '13 ssh.user', /must not be run as root/),
  badWith('a user with a command', 'ssh: { user: "a; reboot" }\n', '13 ssh.user', /not the name of an account/),
  badWith('a password in plain', `ssh: { password: ${SECRET} }\n`, '13 ssh.password', /never written here/),
  badWith(
    'a pasted key',
    `ssh:\n  key:\n    file: |\n      -----BEGIN KEY-----\n      ${SECRET}\n`,
    '15 ssh.key.file',
    /not what is in it/,
  ),
  badWith('a home folder', 'ssh: { key: { file: ~/.ssh/id } }\n', '13 ssh.key.file', /no shell expands/),
  badWith(
    'a fingerprint of MD5',
    'ssh: { hostKey: "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48" }\n',
    '13 ssh.hostKey',
    /ssh-keygen/,
  ),
  badWith('another word for a host key', 'ssh: { hostKey: Console }\n', '13 ssh.hostKey', /nor the word console/),
  badWith('an unknown network', 'network: statik\n', '13 network', /did you mean static\?/),
  badWith('a mask with holes', 'network: { mode: static, netmask: 255.0.255.0 }\n', '13 network.netmask', /one block/),
  badWith('a prefix for a mask', 'network: { mode: static, netmask: /24 }\n', '13 network.netmask', /dotted/),
  badWith(
    "the containers' network",
    'network: { mode: static, gateway: 192.168.3.1 }\n',
    '13 network.gateway',
    /containers/,
  ),
  caseOf(
    'F23',
    badWith(
      'a network for a gateway',
      'network: { mode: static, netmask: 255.255.255.0, gateway: 10.0.0.0 }\n',
      '13 network.gateway',
      /is the network address by network\.netmask/,
    ),
  ),
  caseOf(
    'F23',
    badWith(
      'a broadcast address for a gateway',
      'network:\n  mode: static\n  netmask: 255.255.254.0\n  gateway: 10.0.1.255\n',
      '16 network.gateway',
      /is the broadcast address by network\.netmask/,
    ),
  ),
  caseOf(
    'F23',
    badWith(
      'the network of a small net for a gateway',
      'network: { mode: static, netmask: 255.255.255.252, gateway: 10.0.0.4 }\n',
      '13 network.gateway',
      /network address/,
    ),
  ),
  caseOf(
    'F23',
    badWith(
      'a broadcast address for a name server',
      'network: { mode: static, netmask: 255.255.0.0, gateway: 10.1.0.1, nameservers: [10.2.255.255, 10.1.255.255] }\n',
      '13 network.nameservers[1]',
      /broadcast address/,
    ),
  ),
  badWith('a mask for every address', 'network: { mode: static, netmask: 0.0.0.0 }\n', '13 network.netmask', /no room/),
  badWith(
    'a mask for a single address',
    'network: { mode: static, netmask: 255.255.255.255 }\n',
    '13 network.netmask',
    /no room/,
  ),
  badWith(
    'name servers in one text',
    'network: { mode: static, nameservers: "10.0.0.2, 10.0.0.3" }\n',
    '13 network.nameservers',
    /put it in brackets/,
  ),
  badWith(
    'an empty text for name servers',
    'network: { mode: static, nameservers: "" }\n',
    '13 network.nameservers',
    /put it in brackets/,
  ),
  badWith(
    'too many name servers',
    'network: { mode: static, nameservers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4] }\n',
    '13 network.nameservers',
    /more than 3/,
  ),
  badWith(
    'the machine as its own name server',
    'network: { mode: static, nameservers: [127.0.0.1] }\n',
    '13 network.nameservers[0]',
    /loopback/,
  ),
  badWith(
    'a gateway by DHCP',
    'network:\n  mode: dhcp\n  gateway: 10.0.0.1\n',
    '15 network.gateway',
    /no meaning with mode: dhcp/,
  ),
  badWith(
    'an invalid email address',
    `admin: { email: ${SECRET}, password: { env: A } }\n`,
    '13 admin.email',
    /not an email address/,
  ),
  badWith(
    'an email address with a line break',
    'admin: { email: "a@example.com\\n", password: { env: A } }\n',
    '13 admin.email',
    /not an email address/,
  ),
  badWith(
    'an administrator without a password',
    'admin: { email: a@example.com }\n',
    '13 admin.password',
    /is missing/,
  ),
  badWith(
    'an organization before there were such',
    'admin: { email: a@example.com, password: { env: A }, organization: acme, space: dev }\n',
    ['13 admin.organization', '13 admin.space'],
    /no meaning with release: 2\.6\.6/,
  ),
  bad(
    'a user name with a quote',
    `${GOOD.replace('2.6.6', '3.4.2')}admin: { email: a@example.com, password: { env: A }, username: 'a"b' }\n`,
    '13 admin.username',
    /not a name/,
  ),
  badWith(
    'a network with bits behind its prefix',
    'access: { ssh: [10.0.0.1/8] }\n',
    '13 access.ssh[0]',
    /write the network itself: 10\.0\.0\.0\/8/,
  ),
  badWith(
    'a network without a prefix',
    'access: { console: [10.0.0.1] }\n',
    '13 access.console[0]',
    /no prefix length/,
  ),
  badWith(
    'a network twice',
    'access:\n  ssh:\n    - 10.0.0.0/8\n    - 10.0.0.0/8\n',
    '16 access.ssh[1]',
    /listed twice/,
  ),
  badWith('an empty access list', 'access: { ssh: [] }\n', '13 access.ssh', /empty list/),
  badWith(
    'one port for both HTTP and HTTPS',
    'console: { httpPort: 443 }\n',
    '13 console.httpPort',
    /same port as console\.httpsPort/,
  ),
  badWith('a duration without its unit', 'timing: { poll: 5 }\n', '13 timing.poll', /no unit/),
  badWith('a duration in words', 'timing: { rebootWait: one minute }\n', '13 timing.rebootWait', /not a duration/),
  badWith('a duration out of range', 'timing: { poll: 11m }\n', '13 timing.poll', /out of range/),
  badWith(
    'a deadline shorter than the poll interval',
    'timing: { poll: 1m, deadline: { dns: 30s } }\n',
    '13 timing.poll',
    /not shorter than timing\.deadline\.dns/,
  ),
  badWith(
    'an unknown deadline',
    'timing: { deadline: { boot: 1m } }\n',
    '13 timing.deadline.boot',
    /did you mean reboot\?/,
  ),
  // Clusters.
  badNodes('nodes that are a list', [`- ${DEA}`], '13 nodes', /must be groups of nodes by name/),
  badNodes('a group without roles', ['dea: { count: 2 }'], '14 nodes.dea.roles', /is missing/),
  badNodes('a group without a value', ['dea:'], '14 nodes', /has no value/),
  badNodes('an unknown key of a group', ['dea: { role: [dea] }'], '14 nodes.dea.role', /did you mean roles\?/),
  badNodes('a count of -1', ['dea: { roles: [dea], count: -1 }'], '14 nodes.dea.count', /from 0 to 500/),
  badNodes('half a node', ['dea: { roles: [dea], count: 1.5 }'], '14 nodes.dea.count', /whole number/),
  badNodes('a key pair of the core alone', [DEA, 'core: { key: ops }'], '15 nodes.core.key', /known here/),
  badNodes('a count of cores', [DEA, 'core: { count: 2 }'], '15 nodes.core.count', /unknown key/),
  badNodes('a group with an upper-case name', ['Dea: { roles: [dea] }'], '14 nodes.Dea', /not the name of a group/),
  badNodes('a group whose name is a secret', [`${SECRET}:`, DEA], '14 nodes', /not the name of a group/),
  badNodes('a group whose name ends in a hyphen', ['dea-: { roles: [dea] }'], '14 nodes.dea-', /not the name/),
  badNodes('a group with a number at its end', ['dea-2: { roles: [dea] }'], '14 nodes.dea-2', /name of a node/),
  badNodes(
    'a group with a long name',
    [`a${'b'.repeat(30)}: { roles: [dea] }`],
    `14 nodes.a${'b'.repeat(30)}`,
    /up to 30/,
  ),
  badNodes('a bad name and what is wrong below it', ['"dea 1": { roles: 7 }', DEA], '14 nodes', /not the name/),
  bad(
    'host names of nodes that are too long',
    GOOD.replace('dev.example.com', `${'d'.repeat(43)}.example.com`) +
      'nodes:\n  workers: { roles: [dea], count: 10 }\n',
    '14 nodes.workers',
    /more than 64 characters: .*shorter by 2/,
  ),
  badNodes(
    'more than 500 nodes',
    ['a: { roles: [dea], count: 300 }', 'b: { roles: [dea], count: 201 }'],
    '13 nodes',
    /more than 500/,
  ),
  badWith('a rollout without nodes', 'rollout: { canary: 0 }\n', '13 rollout', /no meaning without nodes/),
  badWith('a way to nodes without nodes', 'ssh: { reach: public }\n', '13 ssh.reach', /no meaning without nodes/),
  badWith('another way to nodes', 'ssh: { reach: vpn }\n', '13 ssh.reach', /core, public/),
  bad(
    'a rollout of none at once',
    `${GOOD}nodes:\n  ${DEA}\nrollout: { parallel: 0 }\n`,
    '15 rollout.parallel',
    /from 1 to 100/,
  ),
  badNodes(
    'one volume for two nodes',
    ['dea: { roles: [dea], count: 2, storage: { containers: { volume: vol-3f2a1b4c } } }'],
    '14 nodes.dea.storage.containers.volume',
    /more than one machine/,
  ),
  bad(
    'the volume of the core for all',
    `${GOOD}nodes:\n  ${DEA}\nstorage: { containers: { volume: vol-3f2a1b4c } }\n`,
    '15 storage.containers.volume',
    /more than one machine/,
  ),
  badNodes(
    'a role of no release',
    ['dea: { roles: [deaa] }'],
    '14 nodes.dea.roles[0]',
    /not a role .* did you mean dea\?/,
  ),
  badNodes('a role that is no word', ['dea: { roles: ["a b"] }'], '14 nodes.dea.roles[0]', /not the name of a role/),
  badNodes('a role twice', ['dea: { roles: [dea, dea] }'], '14 nodes.dea.roles[1]', /listed twice/),
  badNodes(
    'the 2.6 name of a role in 2.10',
    [DEA, 'core: { roles: [cloud_controller] }'],
    '15 nodes.core.roles[0]',
    /from 2\.10\.4 on it is called controller/,
  ),
  badNodes(
    'the 2.10 name of a role in 2.6',
    [DEA, 'core: { roles: [controller] }'],
    '15 nodes.core.roles[0]',
    /before 2\.10\.4 it is called cloud_controller/,
    '2.6.7',
  ),
  badNodes('a stager in 3.4', [DEA, 'st: { roles: [stager] }'], '15 nodes.st.roles[0]', /every dea/, '3.4.2'),
  badNodes(
    'a group of kato that we do not know',
    [DEA, 'all: { roles: [microcloud] }'],
    '15 nodes.all.roles[0]',
    /one by one/,
  ),
  badNodes('mdns on a node', ['dea: { roles: [dea, mdns] }'], '14 nodes.dea.roles[1]', /disabled on every machine/),
  badNodes('the role base', ['dea: { roles: [base, dea] }'], '14 nodes.dea.roles[0]', /every node has it/),
  badNodes('a second primary', [DEA, 'two: { roles: [primary] }'], '15 nodes.two.roles[0]', /exactly one machine/),
  badNodes('no DEA', ['st: { roles: [stager] }'], '13 nodes', /no machine has the role dea/),
  badNodes(
    'no DEA yet',
    ['dea: { roles: [dea], count: 0 }'],
    '14 nodes.dea.count',
    /is 0, and no machine has the role dea/,
  ),
  badNodes(
    'a group of stagers without one',
    [DEA, 'st: { roles: [stager], count: 0 }'],
    '15 nodes.st.count',
    /no machine has the role stager/,
  ),
  badNodes('a second router', [DEA, 'r: { roles: [router] }'], '15 nodes.r.roles[0]', /two need a load balancer/),
  badNodes(
    'a router of its own before 2.6.7',
    [DEA, 'r: { roles: [router] }'],
    '15 nodes.r.roles[0]',
    /ssh keys made by hand .* 96225/,
    '2.6.6',
  ),
  badNodes(
    'a controller of its own before 2.6.7',
    [DEA, 'c: { roles: [cloud_controller] }'],
    '15 nodes.c.roles[0]',
    /96225/,
    '2.6.6',
  ),
  badNodes(
    'a load balancer before 2.6.7',
    [DEA, 'lb: { roles: [load_balancer] }'],
    '15 nodes.lb.roles[0]',
    /96225/,
    '2.6.6',
  ),
  badNodes(
    'a second controller',
    [DEA, 'c: { roles: [controller] }'],
    '15 nodes.c.roles[0]',
    /file system that both share/,
  ),
  badNodes(
    'a health manager without its controller',
    [DEA, 'hm: { roles: [health_manager] }'],
    '15 nodes.hm.roles[0]',
    /machine of the controller/,
  ),
  badNodes(
    'a load balancer that is not alone on its node',
    [DEA, 'lb: { roles: [load_balancer, stager] }'],
    '15 nodes.lb.roles[0]',
    /no other role/,
  ),
  badNodes(
    'a load balancer on the core',
    [DEA, 'core: { roles: [load_balancer] }'],
    '15 nodes.core.roles[0]',
    /alone on its node/,
  ),
  badNodes(
    'two load balancers',
    [DEA, 'lb: { roles: [load_balancer], count: 2 }'],
    '15 nodes.lb.count',
    /must be 1 for a load balancer/,
  ),
  badNodes(
    'routers behind a load balancer',
    [DEA, 'r: { roles: [router], count: 2 }', 'lb: { roles: [load_balancer] }'],
    ['15 nodes.r.roles[0]', '16 nodes.lb.roles[0]'],
    /needs the elastic IP on its load balancer/,
  ),
  badNodes(
    'a data service in two groups',
    [DEA, 'a: { roles: [mysql, redis] }', 'b: { roles: [data-services] }'],
    '16 nodes.b.roles',
    /nodes\.a has, too: mysql, redis/,
  ),
  badNodes(
    'a data service on the core and in a group',
    [DEA, 'core: { roles: [mysql] }', 'a: { roles: [mysql] }'],
    '16 nodes.a.roles',
    /nodes\.core has, too: mysql/,
  ),
  badNodes('data among DEAs', ['dea: { roles: [dea, redis], count: 1 }'], '14 nodes.dea.roles', /mixes data services/),
  badNodes(
    'two nodes of one data service',
    [DEA, 'data: { roles: [data-services], count: 2 }'],
    '15 nodes.data.count',
    /two nodes of one service/,
  ),
];
