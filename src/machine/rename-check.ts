/** Whether `kato rename` has worked. Its output does not tell, so the places where it writes the name are read. */

import { wildcardNameOf } from '../deployment/names';
import { inSections } from './shell';
import type { Sections } from './shell';

export const READ_NAMES = inSections({
  hostname: 'hostname',
  file: 'cat /etc/hostname',
  hosts: 'cat /etc/hosts',
  certificate: 'openssl x509 -noout -subject -in /etc/ssl/certs/stackato.crt',
});

/** Which of the places have the name. */
export interface NameCheck {
  readonly hostname: boolean;
  readonly hosts: boolean;
  /** Absent if no certificate could be read: that is not held against it. */
  readonly certificate?: boolean;
}

/** The host name is the base name or, on some releases, its first label. */
export function checkNames(sections: Sections, baseName: string): NameCheck {
  const hostnames = [baseName, baseName.split('.')[0]];
  const subject = sections['certificate'] ?? '';
  const commonName = /CN\s*=\s*([^\s,/]+)/.exec(subject)?.[1]?.toLowerCase();
  return {
    hostname: [sections['hostname'], sections['file']].every((text) => hostnames.includes(text?.trim().toLowerCase())),
    hosts: namesInHosts(sections['hosts'] ?? '').includes(baseName),
    ...(commonName === undefined
      ? {}
      : { certificate: commonName === baseName || commonName === wildcardNameOf(baseName) }),
  };
}

export function isRenamed({ hostname, hosts, certificate }: NameCheck): boolean {
  return hostname && hosts && certificate !== false;
}

function namesInHosts(text: string): string[] {
  return text.split('\n').flatMap((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/).slice(1));
}
