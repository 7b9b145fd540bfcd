/** Where a machine keeps its containers: section `storage`. */

import { z } from 'zod';
import { choice, mapping, shaped, whole, wrongType } from './fields';

const PLACES = ['root', 'ephemeral'] as const;

const place = {
  about:
    'Where /lxc/containers is. root: stays where it is. ephemeral: on the disk that comes with the instance type and goes with the instance. A mapping: on a volume.',
  expects: 'root, ephemeral, or a mapping with volume',
  example: 'ephemeral',
};
const volume = {
  about: 'GiB of a volume to be made, or the id of one of the account.',
  expects: 'a number of GiB or the id of a volume',
  example: '20',
};

const disks = mapping(
  {
    containers: z
      .union(
        [
          choice(PLACES, place),
          mapping(
            {
              volume: z
                .union(
                  [
                    whole({ least: 1, most: 16_384 }, volume),
                    shaped({
                      ...volume,
                      example: 'vol-3f2a1b4c',
                      shape: /^vol-[0-9A-Fa-f]{8,17}$/,
                      refusal: 'is not the id of a volume',
                    }),
                  ],
                  { error: wrongType(volume) },
                )
                .meta({ description: volume.about }),
            },
            { ...place, example: '{ volume: 20 }' },
          ),
        ],
        { error: wrongType(place, 'text') },
      )
      .default('root')
      .meta({ description: place.about }),
  },
  {
    about: 'Disks of the machine.',
    expects: 'a mapping',
    example: '{ containers: { volume: 20 } }',
  },
);

export const storage = disks.prefault({});
/** Of some nodes; left out: those of the deployment. */
export const nodeStorage = disks.optional();
