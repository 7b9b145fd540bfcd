/**
 * BIND, run as the user who runs the lab: one zone that accepts updates signed with the lab's key, and one fixed zone
 * with the public DNS name of every elastic IP of the clouds. It answers no other queries.
 */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ChildProcesses } from './child-processes';
import { findProgram } from './programs';
import { untilReady } from './wait';

const run = promisify(execFile);

export const ZONE = 'stackato.test';
export const CLOUD_DOMAIN = 'cloud.test';
export const DNS_HOST = '127.0.0.1';
/** Elastic IPs per cloud: 127.<net>.<pool>.1 to .250. */
export const POOL_SIZE = 250;
export const POOLS = [1, 2, 3, 4, 5] as const;

const KEY = { name: 'stackato-lab', algorithm: 'hmac-sha256' } as const;
const APPARMOR_PROFILE = '/etc/apparmor.d/usr.sbin.named';

export class DnsServer {
  readonly tsig = { ...KEY, secret: randomBytes(32).toString('base64') };
  private readonly dir: string;

  constructor(
    private readonly processes: ChildProcesses,
    dir: string,
    private readonly port: number,
    private readonly net: number,
  ) {
    this.dir = join(dir, 'dns');
  }

  async start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    this.write('key.conf', keyText(this.tsig));
    this.write('named.conf', this.configuration());
    this.write(`${ZONE}.zone`, zoneHead(ZONE) + STATIC_RECORDS);
    this.write(`${CLOUD_DOMAIN}.zone`, zoneHead(CLOUD_DOMAIN) + addressNames(this.net));
    const child = this.processes.start({
      name: 'named',
      program: this.program(),
      args: ['-g', '-n', '1', '-c', join(this.dir, 'named.conf')],
    });
    await untilReady(child, async () => (await this.dig(CLOUD_DOMAIN, 'SOA')).includes('SOA'));
  }

  async zone(): Promise<readonly string[]> {
    const answer = await this.dig(ZONE, 'AXFR');
    const lines = answer
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.replace(/\s+/g, ' '));
    const failure = lines.find((line) => line.startsWith(';'));
    if (failure !== undefined || lines.length === 0)
      throw new Error(`The zone ${ZONE} could not be transferred: ${failure ?? 'no answer'}`);
    return lines.filter((line) => line.split(' ')[3] !== 'SOA').sort();
  }

  async update(script: string): Promise<void> {
    const text = `server ${DNS_HOST} ${this.port}\n${script.trimEnd()}\n${/^\s*send\s*$/m.test(script) ? '' : 'send\n'}`;
    const pending = run(findProgram('nsupdate'), ['-k', join(this.dir, 'key.conf')]);
    pending.child.stdin?.end(text);
    await pending;
  }

  private async dig(name: string, type: string): Promise<string> {
    const options = ['+nocmd', '+noall', '+answer', '+tcp', '+tries=1', '+time=2'];
    const { stdout } = await run(findProgram('dig'), [`@${DNS_HOST}`, '-p', String(this.port), name, type, ...options]);
    return stdout;
  }

  /**
   * AppArmor's profile matches named by its path and lets it read only its own folders. A copy elsewhere is not
   * confined.
   */
  private program(): string {
    const original = findProgram('named');
    if (!existsSync(APPARMOR_PROFILE)) return original;
    const copy = join(this.dir, 'named');
    copyFileSync(original, copy);
    return copy;
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text, { mode: 0o600 });
  }

  private configuration(): string {
    const file = (name: string): string => JSON.stringify(join(this.dir, name));
    return `include ${file('key.conf')};
options {
  directory ${JSON.stringify(this.dir)};
  pid-file none;
  session-keyfile ${file('session.key')};
  listen-on port ${this.port} { ${DNS_HOST}; };
  listen-on-v6 { none; };
  recursion no;
  empty-zones-enable no;
  dnssec-validation no;
  notify no;
  allow-query { 127.0.0.0/8; };
  allow-transfer { key ${KEY.name}; 127.0.0.1; };
};
controls { };
zone "${ZONE}" { type master; file ${file(`${ZONE}.zone`)}; allow-update { key ${KEY.name}; }; };
zone "${CLOUD_DOMAIN}" { type master; file ${file(`${CLOUD_DOMAIN}.zone`)}; allow-update { none; }; };
`;
  }
}

/** Records that are in the zone from the start. No deployment may change them. */
const STATIC_RECORDS = `www 3600 IN A 192.0.2.80
mail 3600 IN MX 10 mx.example.com.
note 3600 IN TXT "not a Stackato"
`;

function zoneHead(zone: string): string {
  return `$ORIGIN ${zone}.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 5
@ IN NS ns
ns IN A ${DNS_HOST}
`;
}

function addressNames(net: number): string {
  return POOLS.map(
    (pool) => `$GENERATE 1-${POOL_SIZE} euca-127-${net}-${pool}-$.eucalyptus 60 IN A 127.${net}.${pool}.$\n`,
  ).join('');
}

function keyText({ name, algorithm, secret }: DnsServer['tsig']): string {
  return `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`;
}
