/** The machine's name, where `kato rename` puts it: host name, hosts file, and a certificate of its own making. */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Place } from './place';
import type { State } from './state';

const run = promisify(execFile);

const CERTIFICATE = '/etc/ssl/certs/stackato.crt';
const KEY = '/etc/ssl/private/stackato.key';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const DAYS = '3650';

export function newBootId({ place }: State): void {
  place.write(BOOT_ID, `${randomUUID()}\n`);
}

export async function writeName(state: State): Promise<void> {
  const { place, hostname } = state;
  await makeCertificate(place, hostname);
  place.write('/etc/hostname', `${hostname}\n`);
  place.write('/proc/sys/kernel/hostname', `${hostname}\n`);
  writeHosts(state);
}

export function writeHosts({ place, hostname, mbusIp }: State): void {
  const [short = ''] = hostname.split('.');
  place.write('/etc/hosts', `127.0.0.1\tlocalhost ${short}\n${mbusIp}\t${hostname} api.${hostname}\n`);
}

export function certificateOf(place: Place): { key: string; cert: string } {
  return { key: place.read(KEY) ?? '', cert: place.read(CERTIFICATE) ?? '' };
}

/** Aside first: whoever looks meanwhile finds the old one, whole. */
async function makeCertificate(place: Place, name: string): Promise<void> {
  const [key, cert] = [place.host(KEY), place.host(CERTIFICATE)];
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
