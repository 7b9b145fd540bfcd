/**
 * The YAML a user writes. Each section has its own `schema-*` file. Rules about two keys at once are in rules.ts, defaults that depend on
 * another key in normalize.ts.
 */

import { z } from 'zod';
import { RELEASE_NAMES } from '../deployment/releases';
import { choice, mapping, shaped } from './fields';
import { access, admin, console, network, ssh } from './schema-appliance';
import { address, cloud, instance } from './schema-cloud';
import { dns } from './schema-dns';
import { image } from './schema-image';
import { nodes, rollout } from './schema-nodes';
import { storage } from './schema-storage';
import { timing } from './schema-timing';

export const specSchema = mapping(
  {
    name: shaped({
      about: 'Name of the deployment: used by its workflow, its security group and the commands of this tool.',
      expects: 'up to 40 lower-case letters, digits and hyphens',
      example: 'dev',
      shape: /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
      refusal: 'is not a deployment name',
    }),
    release: choice(RELEASE_NAMES, {
      about: 'Release of Stackato in the image: decides what its commands are called.',
    }),
    cloud,
    image,
    instance,
    address,
    dns,
    ssh,
    network,
    storage,
    nodes,
    rollout,
    admin,
    access,
    console,
    timing,
  },
  { about: 'A deployment of Stackato, for stackato-deploy.', expects: 'a mapping', example: 'name: dev' },
);

/** The spec as written, checked, with constant defaults filled in. */
export type WrittenSpec = z.output<typeof specSchema>;

/** Draft 7, which editors know best. It accepts a little more than the loader, which also checks the rules between keys. */
export function jsonSchema(): object {
  return { title: 'stackato-deploy', ...z.toJSONSchema(specSchema, { io: 'input', target: 'draft-7' }) };
}
