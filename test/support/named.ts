/** A BIND of a test's own configuration, beside the lab's. It ends with that one. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../lab/programs';
import { choosePorts } from '../../lab/ports';
import { untilReady } from '../../lab/wait';
import type { TsigKey } from '../../src/steps/ports';
import type { DnsSpec } from '../../src/deployment/spec';
import type { Bind } from './bind';

const run = promisify(execFile);
const HOST = '127.0.0.1';

export interface Named {
  readonly port: number;
  /** Records of a zone as dig shows them, sorted, without the SOA: this program's own code has no part in it. */
  zone(name: string, key?: TsigKey): Promise<readonly string[]>;
  /** As somebody else with the key would, by nsupdate. */
  plant(zone: string, key: TsigKey, ...lines: readonly string[]): Promise<void>;
  dns(change: Pick<DnsSpec, 'zone' | 'name'> & Partial<DnsSpec>, key?: TsigKey): DnsSpec;
}

export const ZONE_HEAD = '$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 86400 60\n@ IN NS ns1\nns1 IN A 127.0.0.1\n';

export function keyNamed(name: string, algorithm: TsigKey['algorithm'] = 'hmac-sha256'): TsigKey {
  const secret = createHash('sha256').update(name).digest('base64');
  return { name, algorithm, secret: { reveal: () => secret } };
}

export function keyStatement({ name, algorithm, secret }: TsigKey): string {
  return `key "${name}" { algorithm ${algorithm}; secret "${secret.reveal()}"; };\n`;
}

/** @param ready a zone that it has loaded when it is up, and the key that opens it */
export async function startNamed(
  bind: Bind,
  name: string,
  {
    config,
    files,
    ready,
  }: {
    config: string;
    files: Readonly<Record<string, string>>;
    ready: { zone: string; key?: TsigKey };
  },
): Promise<Named> {
  const { dns: port } = await choosePorts(undefined, bind.net);
  const home = join(bind.dir, name);
  mkdirSync(home);
  const options = `options { directory "${home}"; pid-file none; session-keyfile "${home}/session.key"; listen-on port ${port} { ${HOST}; }; listen-on-v6 { none; };
  recursion no; empty-zones-enable no; dnssec-validation no; notify no; allow-transfer { any; }; };
controls { };
`;
  for (const [file, text] of Object.entries({ ...files, 'named.conf': options + config }))
    writeFileSync(join(home, file), text, { mode: 0o600 });
  // A copy, because AppArmor confines the original (see lab/dns.ts).
  copyFileSync(findProgram('named'), join(home, 'named'));
  const child = bind.processes.start({
    name: `named-${name}`,
    program: join(home, 'named'),
    args: ['-g', '-n', '1', '-c', join(home, 'named.conf')],
  });
  const keyFile = (key: TsigKey): string => {
    writeFileSync(join(home, `${key.name}.key`), keyStatement(key), { mode: 0o600 });
    return join(home, `${key.name}.key`);
  };
  const dig = async (words: readonly string[], key: TsigKey | undefined): Promise<string> =>
    (
      await run(findProgram('dig'), [
        `@${HOST}`,
        '-p',
        String(port),
        ...(key === undefined ? [] : ['-k', keyFile(key)]),
        ...words,
        '+nocmd',
        '+noall',
        '+answer',
        '+tcp',
        '+tries=1',
        '+time=2',
      ])
    ).stdout;
  await untilReady(child, async () => (await dig([ready.zone, 'SOA'], ready.key)).includes('SOA'));
  return {
    port,
    zone: async (zone, key) => {
      const lines = (await dig([zone, 'AXFR'], key))
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => line.replace(/\s+/g, ' '));
      const failure = lines.find((line) => line.startsWith(';') && !line.includes('TSIG'));
      if (failure !== undefined || lines.length === 0)
        throw new Error(`The zone ${zone} was not transferred: ${failure ?? 'no answer'}`);
      return lines.filter((line) => !['SOA', 'TSIG'].includes(line.split(' ')[3]!) && !line.startsWith(';')).sort();
    },
    plant: async (zone, key, ...lines) => {
      const pending = run(findProgram('nsupdate'), ['-k', keyFile(key)]);
      pending.child.stdin?.end([`server ${HOST} ${port}`, `zone ${zone}`, ...lines, 'send', ''].join('\n'));
      await pending;
    },
    dns: (change, key) => ({
      server: HOST,
      port,
      ttl: 600,
      replace: false,
      ...(key === undefined ? {} : { tsig: { name: key.name, algorithm: key.algorithm, secret: { env: 'TSIG' } } }),
      ...change,
    }),
  };
}
