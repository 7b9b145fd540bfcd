/** Whether `kato rename` took: it says nothing of use, so the places where it writes the name are looked at. */

import { observe } from './observe';
import type { Sections } from './observe';

export const OBSERVE_IDENTITY = observe({
  hostname: 'hostname',
  file: 'cat /etc/hostname',
  hosts: 'cat /etc/hosts',
  certificate: 'openssl x509 -noout -subject -in /etc/ssl/certs/stackato.crt',
});

export interface Identity {
  readonly hostname: boolean;
  readonly hosts: boolean;
  /** Absent where no certificate could be read: then nothing is known against it. */
  readonly certificate?: boolean;
}

/** Releases differ in whether the host name is the whole name or its first label. */
export function identityOf(sections: Sections, name: string): Identity {
  const names = [name, name.split('.')[0]];
  const subject = sections['certificate'] ?? '';
  const common = /CN\s*=\s*([^\s,/]+)/.exec(subject)?.[1]?.toLowerCase();
  return {
    hostname: [sections['hostname'], sections['file']].every((text) => names.includes(text?.trim().toLowerCase())),
    hosts: hostsOf(sections['hosts'] ?? '').includes(name),
    ...(common === undefined ? {} : { certificate: common === name || common === `*.${name}` }),
  };
}

export function isNamed({ hostname, hosts, certificate }: Identity): boolean {
  return hostname && hosts && certificate !== false;
}

function hostsOf(text: string): string[] {
  return text.split('\n').flatMap((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/).slice(1));
}
