/** The commands below `image`. */

import { Option } from 'commander';
import type { BundleOptions, UnbundleOptions } from './image';
import { lazy } from './lazy';
import type { CommandRow } from './row';

/** The variables are those that the credentials of a cloud come with (eucarc). */
const certificate = (): Option => new Option('--certificate <pem>', 'certificate of the user').env('EC2_CERT');
const privateKey = (whose: string): Option =>
  new Option('--private-key <pem>', `private key of the ${whose}`).env('EC2_PRIVATE_KEY');

const BUNDLE: readonly Option[] = [
  new Option('--kind <kind>', 'what it is').choices(['kernel', 'ramdisk', 'machine']).makeOptionMandatory(),
  new Option('--name <name>', 'name of the bundle: its files begin with it').makeOptionMandatory(),
  new Option('--account <number>', 'account number, 12 digits').env('EC2_USER_ID').makeOptionMandatory(),
  certificate().makeOptionMandatory(),
  privateKey('user').makeOptionMandatory(),
  new Option('--cloud-certificate <pem>', 'certificate of the cloud').env('EUCALYPTUS_CERT').makeOptionMandatory(),
  new Option('--to <folder>', 'folder for parts and manifest').makeOptionMandatory(),
  new Option('--arch <architecture>', 'of the machine').choices(['i386', 'x86_64']).default('x86_64'),
  new Option('--kernel-id <id>', 'kernel of a machine image'),
  new Option('--ramdisk-id <id>', 'ramdisk of a machine image'),
  new Option('--inside <name>', 'which file, where an archive holds several'),
  new Option('--journal <file>', 'what the next run is to know (default: .<name>.journal in the folder)'),
];

/** Commander has seen to it that what must be there is: the types of the options stand beside the commands. */
export const IMAGE_ROWS: readonly CommandRow[] = [
  {
    name: 'publish',
    argument: ['<spec>', 'the YAML file of a deployment whose image has kernel, ramdisk and root'],
    description: 'bundle, upload and register the image of a spec; what is there already is not sent again',
    run: (context, path) => lazy.publishing().publishCommand(context, path),
  },
  {
    name: 'bundle',
    argument: ['<file>', 'raw image, or one in .zip, .tar.gz, .gz or .xz'],
    options: BUNDLE,
    description: 'bundle an image into a folder; what is there already is not made again',
    run: (context, file, options) => lazy.image().bundleCommand(context, file, options as unknown as BundleOptions),
  },
  {
    name: 'inspect',
    argument: ['<path>', 'a manifest, or a folder of bundles'],
    options: [certificate(), privateKey('user, or of the cloud')],
    description: 'verify a manifest and the parts beside it: signature, digests, decryption',
    run: (context, path, options) => lazy.image().inspectCommand(context, path, options),
  },
  {
    name: 'unbundle',
    argument: ['<manifest>', 'the manifest, its parts beside it'],
    options: [
      privateKey('user, or of the cloud').makeOptionMandatory(),
      certificate(),
      new Option('--to <file>', 'file for the image').makeOptionMandatory(),
    ],
    description: 'get the image back out of a bundle',
    run: (context, manifest, options) =>
      lazy.image().unbundleCommand(context, manifest, options as unknown as UnbundleOptions),
  },
];
