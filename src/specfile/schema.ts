/**
 * The YAML a user writes. Types and single values are here and in the `schema-*` files beside; what concerns two keys at once is in
 * `rules.ts`, defaults that depend on another key are in `normalize.ts`.
 */

import { z } from 'zod';
import { DEPLOYABLE_RELEASES } from '../deployment/releases';
import { DEADLINES, DEFAULT_POLL } from './defaults';
import { choice, duration, mapping, shaped } from './fields';
import { access, admin, console, network, ssh } from './schema-appliance';
import { address, cloud, instance } from './schema-cloud';
import { dns } from './schema-dns';
import { image } from './schema-image';

const wait = ({ about, normal }: { about: string; normal: string }) =>
  duration(about, ['1s', '24h'], normal).default(normal);

const timing = mapping(
  {
    poll: duration('Pause between two looks at something that takes time.', ['100ms', '10m'], DEFAULT_POLL).default(
      DEFAULT_POLL,
    ),
    rebootWait: duration('How long the reboot is left alone before the first look.', ['0s', '1h'], '45s').default(
      '45s',
    ),
    authGrace: duration(
      'How long a refused login counts as "the account is not there yet".',
      ['0s', '1h'],
      '60s',
    ).default('60s'),
    deadline: mapping(
      {
        cloud: wait(DEADLINES.cloud),
        dns: wait(DEADLINES.dns),
        launch: wait(DEADLINES.launch),
        ready: wait(DEADLINES.ready),
        command: wait(DEADLINES.command),
        reboot: wait(DEADLINES.reboot),
        console: wait(DEADLINES.console),
        publish: wait(DEADLINES.publish),
      },
      {
        about: 'How long a step may go on failing or waiting before it needs attention.',
        expects: 'a mapping',
        example: '{ launch: 30m }',
      },
    ).prefault({}),
  },
  { about: 'Pauses and deadlines.', expects: 'a mapping', example: '{ poll: 5s }' },
).prefault({});

export const specSchema = mapping(
  {
    name: shaped({
      about: 'Name of the deployment: its workflow, its security group and the commands of this tool bear it.',
      expects: 'up to 40 lower-case letters, digits and hyphens',
      example: 'dev',
      shape: /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
      refusal: 'is not a deployment name',
    }),
    release: choice(DEPLOYABLE_RELEASES, {
      about: 'Release of Stackato in the image: decides what its commands are called.',
    }),
    cloud,
    image,
    instance,
    address,
    dns,
    ssh,
    network,
    admin,
    access,
    console,
    timing,
  },
  { about: 'A deployment of Stackato, for stackato-deploy.', expects: 'a mapping', example: 'name: dev' },
);

/** The spec as written, checked, with the simple defaults filled in. */
export type WrittenSpec = z.output<typeof specSchema>;

/** Draft 7, because that is what editors know best. It accepts a little more than the loader, which also compares keys with each other. */
export function jsonSchema(): object {
  return { title: 'stackato-deploy', ...z.toJSONSchema(specSchema, { io: 'input', target: 'draft-7' }) };
}
