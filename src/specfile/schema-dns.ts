/** Where the name of the appliance is kept: section `dns`. */

import { ipv4Fault } from './addresses';
import { baseNameFault, keyNameFault, nameFault, tidyName } from './dns-names';
import { choice, flag, mapping, port, text, whole } from './fields';
import { withHint } from './problems';
import { secret } from './references';
import type { TsigAlgorithm } from '../deployment/spec';

const TSIG_ALGORITHMS = [
  'hmac-md5',
  'hmac-sha1',
  'hmac-sha224',
  'hmac-sha256',
  'hmac-sha384',
  'hmac-sha512',
] as const satisfies readonly TsigAlgorithm[];

export const dns = mapping(
  {
    server: text({
      about: 'Name server that takes the updates: an IPv4 address or a host name.',
      expects: 'an address or a host name',
      example: '192.168.1.1',
      fault: serverFault,
      tidy: tidyName,
    }),
    port: port('Port of the name server, for updates and questions.', '53').default(53),
    zone: text({
      about: 'Zone that is updated, as the server knows it.',
      expects: 'the name of a zone',
      example: 'example.com',
      fault: nameFault,
      tidy: tidyName,
    }),
    name: text({
      about: 'Base name of the appliance, inside the zone: the console’s host; applications get names below it.',
      expects: 'a name inside the zone',
      example: 'dev.example.com',
      fault: baseNameFault,
      tidy: tidyName,
    }),
    ttl: whole(
      { least: 0, most: 2 ** 31 - 1 },
      { about: 'Seconds resolvers may keep the records.', expects: 'seconds', example: '600' },
    ).default(600),
    replace: flag('Take over records at the name that are not ours; down puts them back.').default(false),
    tsig: mapping(
      {
        name: text({
          about: 'Name of the key, as the server knows it.',
          expects: 'the name of a key',
          example: 'stackato-key.',
          fault: keyNameFault,
          tidy: tidyName,
        }),
        algorithm: choice(TSIG_ALGORITHMS, { about: 'Algorithm of the key.' }).default('hmac-sha256'),
        secret: secret('The secret of the key, in base64.'),
      },
      {
        about: 'Key that signs updates and questions. Left out: the server lets this machine update by its address.',
        expects: 'name, algorithm and secret',
        example: '{ name: stackato-key., secret: { env: TSIG_SECRET } }',
      },
    ).optional(),
  },
  {
    about: 'Where the name of the appliance is kept.',
    expects: 'a mapping with server, zone and name',
    example: '{ server: 192.168.1.1, zone: example.com, name: dev.example.com }',
  },
);

function serverFault(value: string): string | undefined {
  if (value.includes(':'))
    return withHint('is neither an IPv4 address nor a host name', 'a port goes into dns.port; IPv6 is not supported');
  if (/^0+(\.0+)*$/.test(value)) return withHint('is the unspecified address', 'give the address of the name server');
  return /^[\d.]+$/.test(value) ? ipv4Fault(value) : nameFault(value);
}
