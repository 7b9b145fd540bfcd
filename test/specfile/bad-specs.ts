/** Specs that are wrong in one way each: what is changed in a good one, and what shall be said of it, where. */

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

/** The same with an image to publish, which is lines 7 to 14. */
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

/** Stands where a secret could stand, so no problem may repeat it. */
export const SECRET = 'hunter2-Xq9';

export interface BadSpec {
  readonly what: string;
  readonly text: string;
  /** Of every problem, in order, with its line: `3 cloud.kind`. */
  readonly at: readonly string[];
  /** In message or hint of the first. */
  readonly says: RegExp;
  /** Of the issue that it is a case of. */
  readonly point?: 'F22' | 'F23';
}

/** In the good spec, the line that begins so (indentation aside) becomes this; every line of the new text is indented alike. */
function line(begins: string, becomes: string, good = GOOD): string {
  const lines = good.split('\n');
  const i = lines.findIndex((each) => each.trimStart().startsWith(begins));
  const indent = /^ */.exec(lines[i] ?? '')?.[0] ?? '';
  const text = becomes === '' ? [] : becomes.split('\n').map((each) => indent + each);
  if (i < 0) throw new Error(`no line begins with ${begins}`);
  return [...lines.slice(0, i), ...text, ...lines.slice(i + 1)].join('\n');
}

const published = (
  what: string,
  begins: string,
  becomes: string,
  at: string | readonly string[],
  says: RegExp,
): BadSpec => row(what, line(begins, becomes, PUBLISHES), at, says);
const row = (what: string, text: string, at: string | readonly string[], says: RegExp): BadSpec => ({
  what,
  text,
  at: [at].flat(),
  says,
});
const more = (what: string, text: string, at: string | readonly string[], says: RegExp): BadSpec =>
  row(what, GOOD + text, at, says);
const of = (point: 'F22' | 'F23', spec: BadSpec): BadSpec => ({ ...spec, point });
/** A name that must not come into any script, command, URL or certificate. */
const evilNames: readonly (readonly [what: string, yaml: string, says: RegExp])[] = [
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
  ['a part too long', `${'a'.repeat(64)}.example.com`, /more than 63/],
  ['more than a certificate holds', `${'a'.repeat(60)}.example.com`, /longer than 64/],
];

export const BAD_SPECS: readonly BadSpec[] = [
  // The file as a whole.
  row('nothing', '', '1 ', /is empty/),
  row('only comments', '# nothing\n', '1 ', /is empty/),
  row('a list', '- name: dev\n', '1 ', /not a mapping/),
  row('plain text', `${SECRET}\n`, '1 ', /not a mapping/),
  row('two documents', `${GOOD}---\nname: other\n`, '13 ', /more than one document/),
  row(
    'nothing but an empty mapping',
    '{}\n',
    ['1 name', '1 release', '1 cloud', '1 image', '1 instance', '1 dns'],
    /is missing/,
  ),
  // YAML's traps.
  row('a key twice', `${GOOD}name: ${SECRET.toLowerCase()}\n`, '13 name', /twice/),
  row('a tab as indentation', GOOD.replace('  kind', '\tkind'), '4 ', /tab/),
  row('an unclosed bracket', `${GOOD}access: { ssh: [10.0.0.0/8\n`, '14 ', /not valid YAML/),
  row('an unclosed quote', `${GOOD}ssh: { user: "${SECRET}\n`, '14 ', /not valid YAML/),
  row('an alias without an anchor', line('image', 'image: *nowhere'), '6 ', /alias/),
  row(
    'an alias bomb',
    `${GOOD}a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
    '16 ',
    /too many/,
  ),
  row('a tag', line('image', `image: !!python/object ${SECRET}`), ['6 ', '6 image'], /tag/),
  of(
    'F22',
    row('a merge key', `${GOOD}ssh:\n  <<: { user: ops }\n`, '14 ssh.<<', /merge keys are not known — write it out/),
  ),
  of(
    'F22',
    row(
      'a merge key that brings what is needed',
      `common: &common { zone: example.com }\n${line('zone', '<<: *common')}`,
      ['1 common', '12 dns.<<'],
      /unknown key common/,
    ),
  ),
  of(
    'F22',
    row(
      'a merge key at the top',
      `<<: { release: 2.6.6 }\n${line('release', '')}`,
      '1 <<',
      /merge keys are not known — write it out/,
    ),
  ),
  of(
    'F22',
    row(
      'a merge key in a reference',
      `${GOOD}ssh: { password: { <<: { env: A } } }\n`,
      '13 ssh.password.<<',
      /merge keys are not known/,
    ),
  ),
  of(
    'F22',
    row(
      'a merge key of several',
      `${GOOD}ssh:\n  <<: [{ user: ops }, { port: 23 }]\n`,
      '14 ssh.<<',
      /merge keys are not known/,
    ),
  ),
  of('F23', row('a key of JavaScript', `${GOOD}__proto__: { admin: 1 }\n`, '13 __proto__', /unknown key __proto__/)),
  of(
    'F23',
    row(
      'a key of JavaScript below',
      `${GOOD}ssh:\n  __proto__: { user: ops }\n`,
      '14 ssh.__proto__',
      /unknown key __proto__/,
    ),
  ),
  of(
    'F23',
    row('a key twice in a section', line('zone', 'zone: example.org\nzone: example.com'), '12 dns.zone', /twice/),
  ),
  of(
    'F23',
    row(
      'a secret twice where a key should be',
      `${GOOD}ssh: { ${SECRET}, ${SECRET} }\n`,
      ['13 ssh', '13 ssh'],
      /unknown key/,
    ),
  ),
  of('F22', row('an empty document between two', `${GOOD}---\n---\nname: other\n`, '14 ', /more than one document/)),
  of(
    'F22',
    row(
      'a template',
      line('server', 'server: {{ dns_server }}'),
      '10 dns.server',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  of(
    'F22',
    row(
      'a template without spaces',
      line('server', 'server: {{dns_server}}'),
      '10 dns.server',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  of(
    'F22',
    row(
      'a template with more behind it',
      line('name: dev.', 'name: {{ name }}.example.com'),
      '12 dns.name',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  of(
    'F22',
    row(
      'a template in a list',
      `${GOOD}access: { ssh: [{{ office }}] }\n`,
      '13 access.ssh',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  of(
    'F22',
    row(
      'a template in a reference',
      `${GOOD}ssh:\n  password: { env: {{ variable | upper }} }\n`,
      '14 ssh.password.env',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  of(
    'F22',
    row(
      'a template of statements',
      `{% if lab %}\n${GOOD}{% endif %}\n`,
      '1 ',
      /a value that begins with \{ must be quoted/,
    ),
  ),
  row('a key that is a mapping', `${GOOD}{ a: b }: c\n`, '13 ', /plain text/),
  row('too deep a nesting', `${GOOD}x: ${'['.repeat(20_000)}\n`, '13 ', /nested too deeply|not valid YAML/),
  row(
    'a release that YAML reads as a number',
    line('release', 'release: 2.10'),
    '2 release',
    /read as a number by YAML.*quote it/,
  ),
  row('a name that YAML reads as a number', line('name: dev', 'name: 0123'), '1 name', /read as a number/),
  row('a name that YAML reads as a hexadecimal number', line('name: dev', 'name: 0x1F'), '1 name', /read as a number/),
  row('a name that YAML reads as an infinite number', line('name: dev', 'name: .inf'), '1 name', /read as a number/),
  row('a name that YAML reads as true', line('name: dev', 'name: true'), '1 name', /not true or false/),
  row('a name that YAML reads as nothing', line('name: dev', 'name: ~'), '1 name', /has no value/),
  more('a flag that only YAML 1.1 knows', 'ssh: { user: stackato }\ndns2: yes\n', '14 dns2', /did you mean dns\?/),
  row(
    'replace: yes',
    line('name: dev.', 'name: dev.example.com\nreplace: yes'),
    '13 dns.replace',
    /true or false, not text/,
  ),
  // Unknown keys suggest the nearest.
  more('a misspelt section', 'acces: { ssh: [10.0.0.0/8] }\n', '13 acces', /did you mean access\?/),
  row('a misspelt key that was needed', line('zone', 'zonne: example.com'), '11 dns.zonne', /did you mean zone\?/),
  row('another case', line('endpoint', 'endPoint: http://clc:8773/'), '5 cloud.endPoint', /did you mean endpoint\?/),
  more(
    'another way to write it',
    'ssh: { host-key: SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s }\n',
    '13 ssh.host-key',
    /did you mean hostKey\?/,
  ),
  more('a key like no other', 'kubernetes: 1\n', '13 kubernetes', /known here: name, release, cloud/),
  more('a secret where a key should be', `ssh: { ${SECRET} }\n`, '13 ssh', /unknown key/),
  // Name, release, image, instance, address.
  row('no name', line('name: dev', ''), '1 name', /is missing/),
  ...['Dev', '-dev', 'dev-', 'a_b', 'a b', '"dev\\n"', 'd'.repeat(41), '""', 'dev/../x'].map((name) =>
    row(`the name ${name}`, line('name: dev', `name: ${name}`), '1 name', /not a deployment name/),
  ),
  row('an unknown release', line('release', 'release: 2.6.5'), '2 release', /did you mean 2\.6\.[67]\?/),
  row('a release far away', line('release', `release: ${SECRET}`), '2 release', /one of 2\.6\.6, 2\.6\.7/),
  row('an image name', line('image', 'image: stackato-v2.6.6'), '6 image', /not an image id/),
  row('a kernel for an image', line('image', 'image: { id: eki-12345678 }'), '6 image.id', /not an image id/),
  of(
    'F23',
    row(
      'an image of Eucalyptus on aws',
      line('image', 'image: emi-12345678', GOOD_AWS),
      '6 image',
      /on Eucalyptus, and cloud\.kind is aws — give an id that begins with ami-/,
    ),
  ),
  of(
    'F23',
    row(
      'the id of an image of Eucalyptus on aws',
      line('image', 'image: { id: emi-0a1b2c3d4e5f60718 }', GOOD_AWS),
      '6 image.id',
      /on Eucalyptus, and cloud\.kind is aws/,
    ),
  ),
  of(
    'F23',
    row(
      'an image of AWS on Eucalyptus',
      line('image', 'image: ami-12345678'),
      '6 image',
      /is the id of an image on AWS: eucalyptus-3\.2 has none/,
    ),
  ),
  row('an image of another shape', line('image', 'image: [emi-12345678]'), '6 image', /not a list/),
  row('an image made of nothing', line('image', 'image: {}'), '6 image.id', /id of an image, or what to make one of/),
  row(
    'an image of an id and a kernel',
    line('image', 'image: { id: emi-12345678, kernel: vmlinuz }'),
    '6 image.kernel',
    /no meaning beside image\.id/,
  ),
  published('an image without a ramdisk', 'ramdisk:', '', '7 image.ramdisk', /is missing, and an image is made of it/),
  published('an image without a name', 'name: stackato', '', '7 image.name', /is missing/),
  published('an image without what signs it', 'signing:', '', '7 image.signing', /is missing/),
  published('no place for an image', 'storage:', '', '3 cloud.storage', /eucalyptus-3\.2 needs it to publish/),
  published(
    'a place that is none',
    'storage:',
    `storage: http://me:${SECRET}@walrus/`,
    '6 cloud.storage',
    /a user or a password/,
  ),
  ...['vmlinuz-2.6', 'Windows-10'].map((name) =>
    published(
      `the image name ${name}`,
      'name: stackato',
      `name: ${name}`,
      '8 image.name',
      /would not take it for a machine image/,
    ),
  ),
  ...['a', 'a b', 'a/b', '-abc', `"${'a'.repeat(92)}"`, '"abc\\n"'].map((name) =>
    published(`the image name ${name}`, 'name: stackato', `name: ${name}`, '8 image.name', /not a name for an image/),
  ),
  published(
    'an image named like a kernel',
    'name: stackato',
    'name: stackato-kernel',
    '8 image.name',
    /names of kernels/,
  ),
  ...['AB', 'Stackato', 'a..b', '10.1.1.1', 'a/b', 'ab-'].map((bucket) =>
    published(`the bucket ${bucket}`, 'bucket:', `bucket: ${bucket}`, '9 image.bucket', /not the name of a bucket/),
  ),
  published(
    'another architecture',
    'bucket:',
    'bucket: stackato-images\narchitecture: x86-64',
    '10 image.architecture',
    /did you mean x86_64\?/,
  ),
  published(
    'a kernel in two places',
    'kernel:',
    `kernel: { file: vmlinuz, url: "http://a/b" }`,
    '10 image.kernel',
    /exactly one of file and url/,
  ),
  published(
    'a kernel nowhere',
    'kernel:',
    'kernel: { inside: vmlinuz }',
    '10 image.kernel',
    /exactly one of file and url/,
  ),
  published(
    'a kernel from anybody',
    'kernel:',
    'kernel: { url: "http://a/vmlinuz" }',
    '10 image.kernel.sha256',
    /url needs it/,
  ),
  published(
    'a kernel with a short SHA-256',
    'kernel:',
    'kernel: { file: vmlinuz, sha256: abc }',
    '10 image.kernel.sha256',
    /not a SHA-256/,
  ),
  published(
    'a signed address',
    'kernel:',
    `kernel: { url: "http://a/b?Signature=${SECRET}", sha256: ${'ab'.repeat(32)} }`,
    '10 image.kernel.url',
    /a query/,
  ),
  published(
    'an address of another scheme',
    'kernel:',
    `kernel: { url: "ftp://a/b", sha256: ${'ab'.repeat(32)} }`,
    '10 image.kernel.url',
    /not an http or https URL/,
  ),
  published('a kernel in a home folder', 'kernel:', 'kernel: ~/vmlinuz', '10 image.kernel', /no shell expands/),
  published(
    'the root of an archive',
    'kernel:',
    'kernel: { file: a.zip, inside: /boot/vmlinuz }',
    '10 image.kernel.inside',
    /name of a file in an archive/,
  ),
  published(
    'a number for an account',
    'signing:',
    'signing: { account: 123456789012, certificate: a, privateKey: { env: A }, cloudCertificate: b }',
    '13 image.signing.account',
    /quote it/,
  ),
  published(
    'an account with dashes',
    'signing:',
    'signing: { account: 1234-5678-9012, certificate: a, privateKey: { env: A }, cloudCertificate: b }',
    '13 image.signing.account',
    /not an account number/,
  ),
  published(
    'a private key in plain',
    'signing:',
    `signing: { account: "123456789012", certificate: a, privateKey: ${SECRET}, cloudCertificate: b }`,
    '13 image.signing.privateKey',
    /never written here/,
  ),
  published(
    'a misspelt part of an image',
    'ramdisk:',
    'ram-disk: initrd',
    '11 image.ram-disk',
    /did you mean ramdisk\?/,
  ),
  row('an instance without a type', line('type', 'zone: one'), '7 instance.type', /is missing/),
  row('a type with a space', line('type', 'type: "m1 large"'), '8 instance.type', /not the name of an instance type/),
  row(
    'plain user data',
    line('type', `type: m1.large\nuserData: "#!/bin/sh ${SECRET}"`),
    '9 instance.userData',
    /never written here/,
  ),
  more('an address that is none', 'address: 10.1.1.300\n', '13 address', /not an IPv4 address/),
  more('an address with a leading zero', 'address: 010.1.1.3\n', '13 address', /leading zeros/),
  more('an address of this machine', 'address: 127.0.0.1\n', '13 address', /loopback/),
  of(
    'F23',
    more(
      "an address in the containers' network",
      'address: 192.168.3.200\n',
      '13 address',
      /containers use — give an address in another network/,
    ),
  ),
  more('a word for an address', 'address: elastic\n', '13 address', /neither/),
  // Cloud.
  row('an unknown kind', line('kind', 'kind: eucalyptus-4.3'), '4 cloud.kind', /did you mean eucalyptus-4\.4\?/),
  row('no endpoint', line('endpoint', ''), '3 cloud.endpoint', /is missing, and eucalyptus-3\.2 needs it/),
  row('aws without a region', line('kind', 'kind: aws').replace('emi-', 'ami-'), '3 cloud.region', /aws needs it/),
  row(
    'an endpoint with a key in it',
    line('endpoint', `endpoint: http://me:${SECRET}@clc:8773/`),
    '5 cloud.endpoint',
    /a user or a password/,
  ),
  row(
    'an endpoint with a query',
    line('endpoint', `endpoint: http://clc:8773/?key=${SECRET}`),
    '5 cloud.endpoint',
    /query/,
  ),
  row(
    'an endpoint without a scheme',
    line('endpoint', 'endpoint: clc:8773'),
    '5 cloud.endpoint',
    /not an http or https URL/,
  ),
  row(
    'an endpoint of another scheme',
    line('endpoint', 'endpoint: file:///etc/passwd'),
    '5 cloud.endpoint',
    /not an http or https URL/,
  ),
  row(
    'a CA that is never used',
    line('endpoint', 'endpoint: http://clc:8773/\nca: ca.pem'),
    '6 cloud.ca',
    /never be used/,
  ),
  row(
    'credentials in plain',
    line('endpoint', `endpoint: http://clc:8773/\ncredentials: { accessKey: ${SECRET}, secretKey: { env: B } }`),
    '6 cloud.credentials.accessKey',
    /never written here/,
  ),
  row(
    'half of the credentials',
    line('endpoint', 'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: A } }'),
    '6 cloud.credentials.secretKey',
    /is missing/,
  ),
  row(
    'a reference to two places',
    line(
      'endpoint',
      'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: A, file: b }, secretKey: { env: B } }',
    ),
    '6 cloud.credentials.accessKey',
    /exactly one key/,
  ),
  row(
    'a reference with a value in it',
    line(
      'endpoint',
      `endpoint: http://clc:8773/\ncredentials: { accessKey: { value: ${SECRET} }, secretKey: { env: B } }`,
    ),
    '6 cloud.credentials.accessKey',
    /exactly one key/,
  ),
  row(
    'a variable with a $',
    line('endpoint', 'endpoint: http://clc:8773/\ncredentials: { accessKey: { env: $A }, secretKey: { env: B } }'),
    '6 cloud.credentials.accessKey.env',
    /without \$/,
  ),
  row(
    'an address name without the address',
    line('endpoint', 'endpoint: http://clc:8773/\naddressName: euca.example.com'),
    '6 cloud.addressName',
    /must contain \{dashed\} once/,
  ),
  row(
    'an address name with a line break',
    line('endpoint', 'endpoint: http://clc:8773/\naddressName: "{dashed}.example.com\\nsend"'),
    '6 cloud.addressName',
    /not allowed/,
  ),
  row(
    'an address name below the name',
    line('endpoint', 'endpoint: http://clc:8773/\naddressName: euca-{dashed}.DEV.example.com.'),
    '6 cloud.addressName',
    /a loop/,
  ),
  // DNS.
  ...evilNames.map(([what, yaml, says]) =>
    row(`a DNS name with ${what}`, line('name: dev.', `name: ${yaml}`), '12 dns.name', says),
  ),
  ...evilNames
    .slice(0, 19)
    .filter(([what]) => !/asterisk|too long/.test(what))
    .map(([what, yaml, says]) => row(`a DNS zone with ${what}`, line('zone', `zone: ${yaml}`), '11 dns.zone', says)),
  row('a name outside the zone', line('name: dev.', 'name: dev.example.org'), '12 dns.name', /not inside dns\.zone/),
  row(
    'a name that only ends like the zone',
    line('name: dev.', 'name: devexample.com'),
    '12 dns.name',
    /not inside dns\.zone/,
  ),
  row('the zone itself', line('name: dev.', 'name: Example.com.'), '12 dns.name', /apex/),
  row('an address for a zone', line('zone', 'zone: 10.1.1.1'), '11 dns.zone', /IP address/),
  row('a server with its port', line('server', 'server: 10.1.1.254:53'), '10 dns.server', /dns\.port/),
  row(
    'a server with a command',
    line('server', 'server: "10.1.1.254\\nupdate delete x"'),
    '10 dns.server',
    /not allowed/,
  ),
  row('a server of IPv6', line('server', 'server: "::1"'), '10 dns.server', /IPv6 is not supported/),
  row('a server that is everywhere', line('server', 'server: 0.0.0.0'), '10 dns.server', /unspecified/),
  ...['0', '65536', '53.5', '"53"', '-1', '[53]'].map((port) =>
    row(
      `the port ${port}`,
      line('server', `server: 10.1.1.254\nport: ${port}`),
      '11 dns.port',
      /port number|whole number/,
    ),
  ),
  ...['-1', '2147483648', '1.5', '10m'].map((ttl) =>
    row(`the TTL ${ttl}`, line('server', `server: 10.1.1.254\nttl: ${ttl}`), '11 dns.ttl', /seconds/),
  ),
  row(
    'an unknown algorithm',
    line('server', 'server: 10.1.1.254\ntsig: { name: k, algorithm: hmac-sha-256, secret: { env: A } }'),
    '11 dns.tsig.algorithm',
    /did you mean hmac-sha256\?/,
  ),
  row(
    'a TSIG secret in plain',
    line('server', `server: 10.1.1.254\ntsig: { name: k, secret: "${SECRET}==" }`),
    '11 dns.tsig.secret',
    /never written here/,
  ),
  row(
    'a key name that ends a statement',
    line('server', `server: 10.1.1.254\ntsig: { name: 'k" { };', secret: { env: A } }`),
    '11 dns.tsig.name',
    /not allowed/,
  ),
  row(
    'a key without a name',
    line('server', 'server: 10.1.1.254\ntsig: { secret: { env: A } }'),
    '11 dns.tsig.name',
    /is missing/,
  ),
  // The appliance.
  more('root', 'ssh: { user: root }\n', '13 ssh.user', /must not be run as root/),
  more('a user with a command', 'ssh: { user: "a; reboot" }\n', '13 ssh.user', /not the name of an account/),
  more('a password in plain', `ssh: { password: ${SECRET} }\n`, '13 ssh.password', /never written here/),
  more(
    'a pasted key',
    `ssh:\n  key:\n    file: |\n      -----BEGIN KEY-----\n      ${SECRET}\n`,
    '15 ssh.key.file',
    /not what is in it/,
  ),
  more('a home folder', 'ssh: { key: { file: ~/.ssh/id } }\n', '13 ssh.key.file', /no shell expands/),
  more(
    'a fingerprint of MD5',
    'ssh: { hostKey: "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48" }\n',
    '13 ssh.hostKey',
    /ssh-keygen/,
  ),
  more('another word for a host key', 'ssh: { hostKey: Console }\n', '13 ssh.hostKey', /nor the word console/),
  more('an unknown network', 'network: statik\n', '13 network', /did you mean static\?/),
  more('a mask with holes', 'network: { mode: static, netmask: 255.0.255.0 }\n', '13 network.netmask', /one block/),
  more('a prefix for a mask', 'network: { mode: static, netmask: /24 }\n', '13 network.netmask', /dotted/),
  more(
    "the containers' network",
    'network: { mode: static, gateway: 192.168.3.1 }\n',
    '13 network.gateway',
    /containers/,
  ),
  of(
    'F23',
    more(
      'a network for a gateway',
      'network: { mode: static, netmask: 255.255.255.0, gateway: 10.0.0.0 }\n',
      '13 network.gateway',
      /is the network address by network\.netmask/,
    ),
  ),
  of(
    'F23',
    more(
      'a broadcast address for a gateway',
      'network:\n  mode: static\n  netmask: 255.255.254.0\n  gateway: 10.0.1.255\n',
      '16 network.gateway',
      /is the broadcast address by network\.netmask/,
    ),
  ),
  of(
    'F23',
    more(
      'the network of a small net for a gateway',
      'network: { mode: static, netmask: 255.255.255.252, gateway: 10.0.0.4 }\n',
      '13 network.gateway',
      /network address/,
    ),
  ),
  of(
    'F23',
    more(
      'a broadcast address for a name server',
      'network: { mode: static, netmask: 255.255.0.0, gateway: 10.1.0.1, nameservers: [10.2.255.255, 10.1.255.255] }\n',
      '13 network.nameservers[1]',
      /broadcast address/,
    ),
  ),
  more('a mask of the whole world', 'network: { mode: static, netmask: 0.0.0.0 }\n', '13 network.netmask', /no room/),
  more(
    'a mask of one machine',
    'network: { mode: static, netmask: 255.255.255.255 }\n',
    '13 network.netmask',
    /no room/,
  ),
  more(
    'name servers in one text',
    'network: { mode: static, nameservers: "10.0.0.2, 10.0.0.3" }\n',
    '13 network.nameservers',
    /put it in brackets/,
  ),
  more(
    'an empty text for name servers',
    'network: { mode: static, nameservers: "" }\n',
    '13 network.nameservers',
    /put it in brackets/,
  ),
  more(
    'too many name servers',
    'network: { mode: static, nameservers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4] }\n',
    '13 network.nameservers',
    /more than 3/,
  ),
  more(
    'the machine as its own name server',
    'network: { mode: static, nameservers: [127.0.0.1] }\n',
    '13 network.nameservers[0]',
    /loopback/,
  ),
  more(
    'a gateway by DHCP',
    'network:\n  mode: dhcp\n  gateway: 10.0.0.1\n',
    '15 network.gateway',
    /no meaning with mode: dhcp/,
  ),
  more(
    'no email address',
    `admin: { email: ${SECRET}, password: { env: A } }\n`,
    '13 admin.email',
    /not an email address/,
  ),
  more(
    'an email address with a line break',
    'admin: { email: "a@example.com\\n", password: { env: A } }\n',
    '13 admin.email',
    /not an email address/,
  ),
  more('an administrator without a password', 'admin: { email: a@example.com }\n', '13 admin.password', /is missing/),
  more(
    'a network with bits behind its prefix',
    'access: { ssh: [10.0.0.1/8] }\n',
    '13 access.ssh[0]',
    /write the network itself: 10\.0\.0\.0\/8/,
  ),
  more('a network without a prefix', 'access: { console: [10.0.0.1] }\n', '13 access.console[0]', /no prefix length/),
  more('a network twice', 'access:\n  ssh:\n    - 10.0.0.0/8\n    - 10.0.0.0/8\n', '16 access.ssh[1]', /listed twice/),
  more('nobody', 'access: { ssh: [] }\n', '13 access.ssh', /empty list/),
  more(
    'one port for two things',
    'console: { httpPort: 443 }\n',
    '13 console.httpPort',
    /same port as console\.httpsPort/,
  ),
  more('a duration without its unit', 'timing: { poll: 5 }\n', '13 timing.poll', /no unit/),
  more('a duration in words', 'timing: { rebootWait: one minute }\n', '13 timing.rebootWait', /not a duration/),
  more('a duration out of range', 'timing: { poll: 11m }\n', '13 timing.poll', /out of range/),
  more(
    'a deadline shorter than a look',
    'timing: { poll: 1m, deadline: { dns: 30s } }\n',
    '13 timing.poll',
    /not shorter than timing\.deadline\.dns/,
  ),
  more(
    'an unknown deadline',
    'timing: { deadline: { boot: 1m } }\n',
    '13 timing.deadline.boot',
    /did you mean reboot\?/,
  ),
];
