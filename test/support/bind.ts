/** The lab's BIND, for a test file. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DNS_HOST, DnsServer, ZONE } from '../../lab/dns';
import { ChildProcesses } from '../../lab/child-processes';
import { choosePorts, claimNet } from '../../lab/ports';
import type { TsigKey } from '../../src/steps/ports';
import type { DnsSpec } from '../../src/deployment/spec';

export interface Bind {
  readonly dir: string;
  readonly processes: ChildProcesses;
  /** Second byte of the elastic IPs whose names it knows. */
  readonly net: number;
  readonly port: number;
  readonly key: TsigKey;
  /** The zone, sorted, without the SOA. */
  zone(): Promise<readonly string[]>;
  /** As somebody else would. */
  plant(...lines: readonly string[]): Promise<void>;
  dns(name: string, change?: Partial<DnsSpec>): DnsSpec;
  stop(): Promise<void>;
}

export async function startBind(): Promise<Bind> {
  const dir = mkdtempSync(join(tmpdir(), 'stackato-bind-'));
  const processes = new ChildProcesses(dir);
  const net = await claimNet(undefined);
  const { dns: port } = await choosePorts(undefined, net.number);
  const server = new DnsServer(processes, dir, port, net.number);
  await server.start();
  const { name, algorithm, secret } = server.tsig;
  return {
    dir,
    processes,
    net: net.number,
    port,
    key: { name, algorithm, secret: { reveal: () => secret } },
    zone: () => server.zone(),
    plant: (...lines) => server.update([`zone ${ZONE}`, ...lines].join('\n')),
    dns: (label, change = {}) => ({
      server: DNS_HOST,
      port,
      zone: ZONE,
      name: `${label}.${ZONE}`,
      ttl: 600,
      replace: false,
      tsig: { name, algorithm, secret: { env: 'TSIG' } },
      ...change,
    }),
    stop: async () => {
      await processes.endAll();
      net.release();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
