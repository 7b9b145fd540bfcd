/**
 * The machine's EC2 metadata service, at 169.254.169.254. QEMU starts metadata.sh for every connection that the guest
 * opens; that serves the files written here, so that the service lives exactly as long as the machine.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplianceOptions } from '../types';

/** The paths below `/<version>/`. A path that ends with a slash lists what is below it. */
type Tree = Readonly<Record<string, string | Buffer>>;

/** Stands for a slash in the names of the files. */
const SLASH = '+';

export function writeMetadata(dir: string, options: ApplianceOptions): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const [path, value] of Object.entries(treeOf(options)))
    writeFileSync(join(dir, path.replaceAll('/', SLASH)), value, { mode: 0o600 });
}

function treeOf({ instanceId, privateIp, knobs, userData, ephemeral = 0 }: ApplianceOptions): Tree {
  const name = `ip-${privateIp.replaceAll('.', '-')}`;
  const values: Readonly<Record<string, string>> = {
    'ami-id': 'emi-00000000',
    'ami-launch-index': '0',
    'block-device-mapping/ami': 'vda',
    'block-device-mapping/root': '/dev/vda',
    ...(ephemeral > 0 ? { 'block-device-mapping/ephemeral0': 'vdb' } : {}),
    hostname: `${name}.cloud.internal`,
    'instance-id': instanceId,
    'instance-type': 'm1.medium',
    'local-hostname': `${name}.cloud.internal`,
    'local-ipv4': privateIp,
    'placement/availability-zone': 'lab',
    ...(knobs.authorizedKey === '' ? {} : { 'public-keys/0/openssh-key': knobs.authorizedKey }),
    'security-groups': 'default',
  };
  return {
    ...Object.fromEntries(Object.entries(values).map(([path, value]) => [`meta-data/${path}`, value])),
    ...Object.fromEntries(foldersOf(values).map((folder) => [`meta-data/${folder}`, listing(values, folder)])),
    ...(userData === undefined ? {} : { 'user-data': userData }),
  };
}

function foldersOf(values: object): string[] {
  const folders = Object.keys(values).flatMap((path) => {
    const parts = path.split('/').slice(0, -1);
    return parts.map((_, depth) => `${parts.slice(0, depth + 1).join('/')}/`);
  });
  return [...new Set(['', ...folders])];
}

/** Folders end with a slash. Keys are listed by number and name, as EC2 does. */
function listing(values: object, folder: string): string {
  if (folder === 'public-keys/') return '0=lab';
  const below = Object.keys(values).filter((path) => path.startsWith(folder));
  const names = below.map((path) => path.slice(folder.length).replace(/\/.*/, '/'));
  return [...new Set(names)].join('\n');
}
