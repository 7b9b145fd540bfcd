/** The machines of a cluster: sections `nodes` and `rollout`. */

import { z } from 'zod';
import { list, mapping, shaped, whole, wrongType } from './fields';
import { instance } from './schema-cloud';
import { nodeStorage } from './schema-storage';

/** Of all groups together, and so of each. */
export const MOST_NODES = 500;

const role = shaped({
  about: 'A role, by the name that it has in the release. data-services stands for all data services.',
  expects: 'the name of a role',
  example: 'dea',
  shape: /^[A-Za-z][A-Za-z0-9_-]{0,39}$/,
  refusal: 'is not the name of a role',
});

const roles = (about: string) => list(role, { about, expects: 'roles', example: '[dea]', most: 30 });

const { type, zone, key } = instance.shape;

const core = mapping(
  {
    roles: roles('Roles that the core has beside those that no other group has and a core needs.').optional(),
    type: type.optional(),
    zone,
    storage: nodeStorage,
  },
  {
    about: 'What is different on the core. Left out: it has the instance and the storage of the deployment.',
    expects: 'a mapping',
    example: '{ type: m2.xlarge }',
  },
).optional();

const groupWords = { expects: 'a mapping with roles', example: '{ roles: [dea], count: 2 }' };
const group = mapping(
  {
    roles: roles('Roles of these nodes.'),
    count: whole(
      { least: 0, most: MOST_NODES },
      {
        about: 'How many nodes there are. 0: none, and those that there are will be removed.',
        expects: 'a number of nodes',
        example: '2',
      },
    ).default(1),
    type: type.optional(),
    zone,
    key,
    storage: nodeStorage,
  },
  {
    about: 'Nodes that are alike. They are called by the name of the group and a number: dea-1, dea-2.',
    ...groupWords,
  },
);

const nodesWords = { expects: 'groups of nodes by name', example: '{ dea: { roles: [dea], count: 2 } }' };

/** Names of groups are the user’s own words: cluster-rules.ts checks them. */
export const nodes = z
  .object({ core }, { error: wrongType(nodesWords) })
  .catchall(group)
  .meta({ description: 'The machines of a cluster. Left out: one machine has all roles.' })
  .optional();

export const rollout = mapping(
  {
    parallel: whole(
      { least: 1, most: 100 },
      { about: 'Most nodes that are worked on at once.', expects: 'a number of nodes', example: '5' },
    ).default(5),
    canary: whole(
      { least: 0, most: 100 },
      {
        about: 'Nodes of each group that must be ready before the others of that group are begun. 0: none.',
        expects: 'a number of nodes',
        example: '1',
      },
    ).default(1),
  },
  { about: 'How many nodes are worked on at once.', expects: 'a mapping', example: '{ parallel: 5, canary: 1 }' },
).prefault({});
