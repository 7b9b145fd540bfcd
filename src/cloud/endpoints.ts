/** Where a cloud's EC2 and S3 are, and through which proxy. The URLs also appear in messages. */

import type { CloudSpec } from '../deployment/spec';
import { CloudFailure } from './failures';
import type { Service } from './failures';
import { proxyFor } from './proxy';
import type { Proxy } from './proxy';

export interface Endpoint {
  readonly url: string;
  readonly service: Service;
  readonly proxy?: Proxy;
}

export function endpointAt(url: string, service: Service): Endpoint {
  const proxy = proxyFor(url);
  return { url, service, ...(proxy === undefined ? {} : { proxy }) };
}

export function ec2EndpointOf({ endpoint, region }: Pick<CloudSpec, 'endpoint' | 'region'>): string {
  return endpoint ?? `https://ec2.${region}.amazonaws.com`;
}

export function s3EndpointOf({ storage, region, kind }: Pick<CloudSpec, 'storage' | 'region' | 'kind'>): string {
  if (storage !== undefined) return storage;
  if (kind !== 'aws')
    throw new CloudFailure(
      'IMAGE_CONFIGURATION',
      'cloud.storage, the S3 endpoint that an image is uploaded to, is not set.',
    );
  return `https://s3.${region}.amazonaws.com`;
}
