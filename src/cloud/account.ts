/** The name of an account that does not tell its access key. */

import { createHash } from 'node:crypto';
import type { CloudSpec } from '../deployment/types';

/** What `ec2.<region>` stands for and what is spelt out are the same account: its address desk must be the same one. */
export function accountOf(spec: Pick<CloudSpec, 'endpoint' | 'region'>, accessKey: string): string {
  const { protocol, host, pathname } = new URL(endpointOf(spec));
  const endpoint = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  return createHash('sha256').update(`${endpoint}\n${accessKey}`).digest('hex').slice(0, 16);
}

/** For messages, too. */
export function endpointOf({ endpoint, region }: Pick<CloudSpec, 'endpoint' | 'region'>): string {
  return endpoint ?? `https://ec2.${region}.amazonaws.com`;
}
