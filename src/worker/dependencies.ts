/** Gives the activities the real adapters. The only file that knows them all. */

import { createAddressDesk } from '../activities/address-desk-client';
import { createPublisher } from '../activities/image-publisher';
import type { Dependencies } from '../steps/dependencies';
import { KnownSecrets } from '../activities/known-secrets';
import { createDns } from '../adapters/dns';
import { createHttp } from '../adapters/http';
import { createImageFiles } from '../adapters/image-files';
import { createSecrets } from '../adapters/secrets';
import { createRemote } from '../adapters/ssh';
import { createClouds } from '../cloud';

export function createDependencies(
  namespace: string,
  { taskQueue, identity }: { readonly taskQueue: string; readonly identity: string },
): Dependencies {
  const secrets = new KnownSecrets(createSecrets());
  return {
    secrets,
    clouds: createClouds(secrets),
    dns: createDns(),
    remote: createRemote(secrets),
    http: createHttp(),
    desk: createAddressDesk(taskQueue),
    files: createImageFiles(),
    publisher: createPublisher(taskQueue),
    worker: identity,
    namespace,
  };
}
