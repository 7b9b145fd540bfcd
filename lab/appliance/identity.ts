/**
 * The machine's name, wherever `kato rename` writes it: host name, hosts file and self-signed certificate. Also its
 * boot id.
 */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { MachineFiles } from './machine-files';
import type { State } from './state';

const run = promisify(execFile);

const CERTIFICATE = '/etc/ssl/certs/stackato.crt';
const KEY = '/etc/ssl/private/stackato.key';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const DAYS = '3650';

export function newBootId({ files }: State): void {
  files.write(BOOT_ID, `${randomUUID()}\n`);
}

export async function writeName(state: State): Promise<void> {
  const { files, hostname } = state;
  await makeCertificate(files, hostname);
  files.write('/etc/hostname', `${hostname}\n`);
  files.write('/proc/sys/kernel/hostname', `${hostname}\n`);
  writeHosts(state);
}

export function writeHosts({ files, hostname, mbusIp }: State): void {
  const [short = ''] = hostname.split('.');
  files.write('/etc/hosts', `127.0.0.1\tlocalhost ${short}\n${mbusIp}\t${hostname} api.${hostname}\n`);
}

export function certificateOf(files: MachineFiles): { key: string; cert: string } {
  return { key: files.read(KEY) ?? '', cert: files.read(CERTIFICATE) ?? '' };
}

/** Written to other files first, so that a reader never sees half a certificate. */
async function makeCertificate(files: MachineFiles, name: string): Promise<void> {
  const [key, cert] = [files.hostPath(KEY), files.hostPath(CERTIFICATE)];
  for (const path of [key, cert]) mkdirSync(dirname(path), { recursive: true });
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    DAYS,
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=DNS:${name},DNS:*.${name}`,
    '-keyout',
    `${key}.new`,
    '-out',
    `${cert}.new`,
  ]);
  renameSync(`${key}.new`, key);
  renameSync(`${cert}.new`, cert);
}
