/** How the appliance is reached and set up: sections `ssh`, `network`, `admin`, `access` and `console`. */

import { z } from 'zod';
import { cidrFault, reachableAddressFault, netmaskFault } from './addresses';
import { nameFault, tidyName } from './dns-names';
import { choice, list, mapping, port, shaped, text, wrongType } from './fields';
import { withHint } from './problems';
import { secret } from './references';

export const DEFAULT_PORT = { ssh: 22, http: 80, https: 443 } as const;

const EVERYBODY = '0.0.0.0/0';

const REACHES = ['core', 'public'] as const;

export const ssh = mapping(
  {
    user: text({
      about: 'Account on the appliance.',
      expects: 'the name of an account',
      example: 'stackato',
      fault: userFault,
    }).default('stackato'),
    port: port('Port of the appliance’s ssh.', '22').default(DEFAULT_PORT.ssh),
    password: secret(
      'Password for the login and for sudo. With neither password nor key the appliance’s factory password is used.',
    ).optional(),
    key: secret('Private key, without a passphrase.').optional(),
    hostKey: text({
      about:
        'Fingerprint of the host key, as ssh-keygen -l prints it. console: one of those that the machine prints on its console. Left out: the key of the first sight is pinned.',
      expects: 'SHA256: and 43 characters, or console',
      example: 'SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s',
      fault: hostKeyFault,
      tidy: (value) => value.replace(/=$/, ''),
      pattern: '^(console|SHA256:[A-Za-z0-9+/]{43}=?)$',
    }).optional(),
    reach: choice(REACHES, {
      about:
        'How the nodes of a cluster are reached. core (if left out): through the core. public: at a public address that the cloud gives each of them.',
    }).optional(),
  },
  {
    about: 'How to log in to the appliance.',
    expects: 'a mapping',
    example: '{ password: { env: STACKATO_PASSWORD } }',
  },
).prefault({});

const NETWORK_MODES = ['static', 'dhcp'] as const;
const networkWords = {
  about: 'static: the address of the machine is fixed by `kato op static_ip`. dhcp: it stays as it is.',
  expects: 'static, dhcp, or a mapping with mode',
  example: 'static',
};
const mode = choice(NETWORK_MODES, networkWords);
const addressList = { expects: 'IPv4 addresses', example: '[10.0.0.2]' };
export const network = z
  .union(
    [
      mode,
      mapping(
        {
          mode,
          netmask: text({
            about: 'Netmask; read on the machine where it is left out. static only.',
            expects: 'a netmask',
            example: '255.255.255.0',
            fault: netmaskFault,
          }).optional(),
          gateway: text({
            about: 'Default gateway; read on the machine where it is left out. static only.',
            expects: 'an IPv4 address',
            example: '10.0.0.1',
            fault: reachableAddressFault,
          }).optional(),
          nameservers: list(
            text({
              about: 'A resolver.',
              expects: 'an IPv4 address',
              example: '10.0.0.2',
              fault: reachableAddressFault,
            }),
            { about: 'Resolvers; read on the machine where they are left out. static only.', ...addressList, most: 3 },
          ).optional(),
          search: list(
            text({
              about: 'A search domain.',
              expects: 'a domain',
              example: 'example.com',
              fault: nameFault,
              tidy: tidyName,
            }),
            {
              about: 'Search domains; read on the machine where they are left out. static only.',
              expects: 'domains',
              example: '[example.com]',
              most: 6,
            },
          ).optional(),
        },
        networkWords,
      ),
    ],
    { error: wrongType(networkWords, 'text') },
  )
  .default('static')
  .meta({ description: networkWords.about });

const adminWord = (about: string, example: string) =>
  shaped({
    about,
    expects: 'up to 100 letters, digits, spaces and @ . _ + -',
    example,
    shape: /^[A-Za-z0-9]([A-Za-z0-9 @._+-]{0,98}[A-Za-z0-9])?$/,
    refusal: 'is not a name',
  }).optional();

export const admin = mapping(
  {
    email: shaped({
      about: 'Email address of the administrator, with which to log in.',
      expects: 'an email address',
      example: 'admin@example.com',
      shape:
        /^(?=.{3,254}$)[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$/,
      refusal: 'is not an email address',
    }),
    password: secret('Password of the administrator; the appliance gives it to the account stackato, too.'),
    username: adminWord('Name of the administrator; left out: the email address. From 3.0 on.', 'admin'),
    organization: adminWord('Their organization; left out: default. From 3.0 on.', 'example'),
    space: adminWord('A space in it; left out: default. From 3.0 on.', 'dev'),
  },
  {
    about: 'First administrator. Left out: whoever opens the console first becomes it.',
    expects: 'email and password',
    example: '{ email: admin@example.com, password: { env: ADMIN_PASSWORD } }',
  },
).optional();

const cidr = text({
  about: 'An IPv4 network.',
  expects: 'an IPv4 network in CIDR form',
  example: EVERYBODY,
  fault: cidrFault,
});
const networks = (about: string) =>
  list(cidr, { about, expects: 'networks', example: `[${EVERYBODY}]`, most: 50 }).default([EVERYBODY]);

export const access = mapping(
  {
    ssh: networks('Who may reach ssh. The worker must be among them.'),
    console: networks(
      'Who may reach the console and the applications, once all is set up. The worker must be among them.',
    ),
  },
  {
    about: 'What the security group lets in.',
    expects: 'a mapping with ssh and console',
    example: '{ console: [10.0.0.0/8] }',
  },
).prefault({});

export const console = mapping(
  {
    httpPort: port('Port of plain HTTP.', '80').default(DEFAULT_PORT.http),
    httpsPort: port('Port of HTTPS.', '443').default(DEFAULT_PORT.https),
  },
  {
    about: 'Ports of the console, as seen from outside.',
    expects: 'a mapping with httpPort and httpsPort',
    example: '{ httpPort: 80, httpsPort: 443 }',
  },
).prefault({});

function userFault(value: string): string | undefined {
  // The 3.4 administrator's guide warns against it; kato expects to be run by the account it was installed for.
  if (value === 'root')
    return withHint('kato must not be run as root', 'give the account stackato, or another with sudo');
  return /^[a-z_][a-z0-9_-]{0,31}$/.test(value)
    ? undefined
    : withHint(
        'is not the name of an account',
        'give lower-case letters, digits, hyphens and underscores, such as stackato',
      );
}

function hostKeyFault(value: string): string | undefined {
  if (/^(console|SHA256:[A-Za-z0-9+/]{43})$/.test(value)) return undefined;
  return withHint(
    'is neither a SHA-256 fingerprint nor the word console',
    'give what `ssh-keygen -l -E sha256` prints: SHA256: and 43 characters',
  );
}
