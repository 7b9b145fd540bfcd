/** One run of bench/image.ts: bundles `image.raw` of a folder, discards the parts, prints time and memory used. */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBundle, openFile, openJournal, readIdentity } from '../src/image';

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { journal: { type: 'boolean', default: false }, 'kill-after': { type: 'string' } },
  });
  const folder = positionals[0] ?? '.';
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const identity = readIdentity({
    privateKey: read('user-key.pem'),
    certificate: read('user-cert.pem'),
    cloudCertificate: read('cloud-cert.pem'),
  });
  const source = await openFile({ path: join(folder, 'image.raw') });
  const facts = { prefix: 'bench', kind: 'machine', architecture: 'x86_64', account: '123456789012' } as const;
  const bundle = await openBundle(
    { source, facts, identity },
    values.journal ? { journal: openJournal(join(folder, 'journal')) } : {},
  );
  // Simulates the bucket: digests of the parts sent so far.
  const sent = join(folder, 'sent');
  const there = new Set(existsSync(sent) ? readFileSync(sent, 'utf8').split('\n') : []);
  let [size, made, bytes] = [0, 0, 0];
  for await (const part of bundle.parts(({ md5 }) => there.has(md5))) {
    size += part.size;
    bytes += part.bytes?.length ?? 0;
    if (part.bytes === undefined || !values.journal) continue;
    if (++made > Number(values['kill-after'] ?? Infinity)) process.kill(process.pid, 'SIGKILL');
    appendFileSync(sent, `${part.md5}\n`);
  }
  bundle.manifest();
  await source.close();
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stdout.write(
    JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, rssMiB: maxRSS / 1024, size, sent: bytes }),
  );
}

void main();
