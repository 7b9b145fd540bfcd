/**
 * The machine's serial console: each boot prints a few lines, among them the host key in the format of Ubuntu 12.04's
 * cloud-init.
 */

import { createHash } from 'node:crypto';

export interface Boot {
  readonly hostname: string;
  /** The public key in ssh wire format; undefined: not printed yet. */
  readonly hostKey: Buffer | undefined;
}

export class SerialConsole {
  private printed = '';

  get text(): string {
    return this.printed;
  }

  boot({ hostname, hostKey }: Boot): void {
    this.print([...START, ...hostKeyLines(hostname, hostKey), ...greeting(hostname)].join('\r\n'));
  }

  /** cloud-init prints the host keys, then its last message. */
  firstBootOver(hostname: string, hostKey: Buffer | undefined): void {
    this.print(
      [
        ...hostKeyLines(hostname, hostKey),
        `cloud-init boot finished at ${new Date().toUTCString()}. Up 42.00 seconds`,
        '',
      ].join('\r\n'),
    );
  }

  print(text: string): void {
    this.printed += text;
  }
}

const START = [
  '[    0.000000] Linux version 3.2.0-53-virtual (buildd@allspice) (gcc version 4.6.3) #81-Ubuntu SMP',
  '[    0.000000] Command line: root=/dev/sda1 ro console=ttyS0',
  '[    1.214801] EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)',
  ' * Starting OpenSSH server                                               [ OK ]',
];
const RULE = '#############################################################';

/**
 * ssh-keygen of that time prints MD5 fingerprints, here with a syslog tag in front. The keys that follow have no tag.
 */
function hostKeyLines(hostname: string, hostKey: Buffer | undefined): string[] {
  if (hostKey === undefined) return [];
  const who = `root@${hostname.split('.')[0] ?? ''}`;
  const md5 = createHash('md5')
    .update(hostKey)
    .digest('hex')
    .replace(/..(?!$)/g, '$&:');
  const prints = [
    '',
    RULE,
    '-----BEGIN SSH HOST KEY FINGERPRINTS-----',
    `256 ${md5}  ${who} (ECDSA)`,
    '-----END SSH HOST KEY FINGERPRINTS-----',
    RULE,
  ];
  return [
    ...prints.map((line) => `ec2: ${line}`),
    '-----BEGIN SSH HOST KEY KEYS-----',
    `ecdsa-sha2-nistp256 ${hostKey.toString('base64')} ${who}`,
    '-----END SSH HOST KEY KEYS-----',
  ];
}

function greeting(hostname: string): string[] {
  return ['', `Stackato Management Console at https://${hostname}`, '', `${hostname.split('.')[0] ?? ''} login: `];
}
