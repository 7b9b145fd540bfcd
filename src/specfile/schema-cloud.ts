/** What the cloud has to be told: sections `cloud`, `instance` and `address`. */

import { reachableAddressFault } from './addresses';
import { addressNameFault, tidyName } from './dns-names';
import { choice, flag, list, mapping, shaped, text } from './fields';
import { withHint } from './problems';
import { filePath, secret } from './references';
import { CLOUD_KIND_NAMES } from '../deployment/cloud-kinds';

/** What clouds call regions, zones and types. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const cloud = mapping(
  {
    kind: choice(CLOUD_KIND_NAMES, {
      about: 'Which cloud, and of which release: decides signatures, parameters and how addresses behave.',
    }),
    endpoint: text({
      about: 'EC2 endpoint. Needed unless kind is aws, where the region decides.',
      expects: 'a URL',
      example: 'http://clc:8773/services/Eucalyptus',
      fault: endpointFault,
      pattern: '^[Hh][Tt][Tt][Pp][Ss]?://',
    }).optional(),
    region: shaped({
      about: 'Region. Needed for aws; otherwise eucalyptus.',
      expects: 'the name of a region',
      example: 'us-east-1',
      shape: WORD,
      refusal: 'is not the name of a region',
    }).optional(),
    credentials: mapping(
      {
        accessKey: secret('Access key id of the account.'),
        secretKey: secret('Secret key of the account.'),
        sessionToken: secret('Session token, where the keys are temporary ones.').optional(),
      },
      {
        about: 'Where the keys of the account are.',
        expects: 'accessKey and secretKey',
        example: '{ accessKey: { env: EC2_ACCESS_KEY }, secretKey: { env: EC2_SECRET_KEY } }',
      },
    ).default({ accessKey: { env: 'EC2_ACCESS_KEY' }, secretKey: { env: 'EC2_SECRET_KEY' } }),
    ca: filePath(
      'PEM file with the authority that signed the certificate of the endpoint; relative to the folder of this spec.',
      '/etc/stackato/cloud-ca.pem',
    ).optional(),
    addressName: text({
      about:
        'Public DNS name of an address, {dashed} standing for 192-168-55-103. The base name becomes a CNAME to it.',
      expects: 'a name with {dashed} in it',
      example: 'euca-{dashed}.wu-tang.example.com',
      fault: addressNameFault,
      tidy: tidyName,
      pattern: '\\{[Dd][Aa][Ss][Hh][Ee][Dd]\\}',
    }).optional(),
    storage: text({
      about: 'S3 endpoint. Needed to publish an image, unless kind is aws, where the region decides.',
      expects: 'a URL',
      example: 'http://walrus:8773/services/Walrus',
      fault: storageFault,
      pattern: '^[Hh][Tt][Tt][Pp][Ss]?://',
    }).optional(),
  },
  {
    about: 'The cloud and the account.',
    expects: 'a mapping with kind and endpoint',
    example: '{ kind: eucalyptus-4.4, endpoint: "http://ec2.cloud.example.com:8773/" }',
  },
);

const cloudInit = mapping(
  {
    passwords: flag(
      'Set ssh.password on the machine. It is then in the user data, which every process on the machine can read.',
    ).default(false),
    authorizedKeys: list(
      shaped({
        about: 'A public key, as in a .pub file.',
        expects: 'a public key',
        example: 'ssh-rsa AAAAB3NzaC1yc2E= ops',
        shape: /^(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]{16,}={0,3}( [\x20-\x7e]{1,200})?$/,
        refusal: 'is not a public key',
      }),
      {
        about: 'Public keys that may log in as ssh.user.',
        expects: 'public keys',
        example: '["ssh-rsa AAAAB3NzaC1yc2E= ops"]',
        most: 50,
      },
    ).optional(),
    bootcmd: list(
      text({
        about: 'A command, run by sh as root.',
        expects: 'a command',
        example: 'echo hello',
        fault: (value) =>
          /^[^\0-\x08\x0b-\x1f\x7f]*\S[^\0-\x08\x0b-\x1f\x7f]*$/.test(value)
            ? undefined
            : withHint('is empty or has control characters in it', 'give a command'),
      }),
      {
        about: 'Commands that cloud-init runs early at every boot. No secrets: the spec is readable in the history.',
        expects: 'commands',
        example: '["echo hello"]',
        most: 50,
      },
    ).optional(),
  },
  {
    about: 'More of what is put into the user data for an image with cloud-init.',
    expects: 'a mapping',
    example: '{ passwords: true }',
  },
).optional();

export const instance = mapping(
  {
    type: shaped({
      about:
        'Instance type, with 2 GiB of memory or more (from Stackato 3.4 on 3.75): Stackato behaves oddly with less.',
      expects: 'an instance type',
      example: 'm1.large',
      shape: WORD,
      refusal: 'is not the name of an instance type',
    }),
    zone: shaped({
      about: 'Availability zone; the cloud chooses where it is left out.',
      expects: 'the name of a zone',
      example: 'PARTI00',
      shape: WORD,
      refusal: 'is not the name of a zone',
    }).optional(),
    key: shaped({
      about: 'Name of a key pair known to the cloud. The appliance does not need one.',
      expects: 'the name of a key pair',
      example: 'ops',
      shape: /^[A-Za-z0-9][A-Za-z0-9._@+=:-]{0,254}$/,
      refusal: 'is not the name of a key pair',
    }).optional(),
    userData: secret('User data for the instance: a reference, because it may carry secrets.').optional(),
    cloudInit,
  },
  { about: 'The virtual machine.', expects: 'a mapping with type', example: '{ type: m1.large }' },
);

export const address = text({
  about:
    'allocate: a new elastic IP, released by down. An IPv4 address: that one of the account, left allocated by down.',
  expects: '`allocate` or an IPv4 address',
  example: 'allocate',
  fault: (value) =>
    value === 'allocate'
      ? undefined
      : /^[\d.]+$/.test(value)
        ? reachableAddressFault(value)
        : withHint(
            'is neither `allocate` nor an IPv4 address',
            'write allocate, or an address of the account: 10.1.1.103',
          ),
}).default('allocate');

function endpointFault(value: string): string | undefined {
  return serviceFault(value, 'write it like http://clc:8773/services/Eucalyptus; keys go into cloud.credentials');
}

function storageFault(value: string): string | undefined {
  return serviceFault(value, 'write it like http://walrus:8773/services/Walrus; the bucket goes into image.bucket');
}

function serviceFault(value: string, remedy: string): string | undefined {
  const url = /^[\x21-\x7e]+$/.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return withHint('is not an http or https URL', remedy);
  if (url.username !== '' || url.password !== '') return withHint('has a user or a password in it', remedy);
  if (/[?#]/.test(value)) return withHint('has a query or a fragment', remedy);
  return undefined;
}
