/** One run of bench/image.ts: packs `image.raw` of a folder, with its kernel and ramdisk, into an archive; prints time and memory used. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openFile, pack } from '../src/image';

async function main(): Promise<void> {
  const folder = process.argv[2] ?? '.';
  const [kernel, ramdisk, machine] = await Promise.all([
    openFile({ path: join(folder, 'vmlinuz') }),
    openFile({ path: join(folder, 'initrd') }),
    openFile({ path: join(folder, 'image.raw') }),
  ]);
  const { size, path } = await pack({ name: 'bench', sources: { kernel, ramdisk, machine }, folder });
  rmSync(path);
  rmSync(join(folder, '.bench.journal'));
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stdout.write(
    JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, rssMiB: maxRSS / 1024, size, sent: size }),
  );
}

void main();
