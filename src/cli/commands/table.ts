/**
 * The commands. What a command does is imported when it is run: Temporal's client alone takes longer to load than `--help` may take.
 */

import { Option } from 'commander';
import type { DownOptions } from '../../client/down';
import type { Answer } from '../../client/updates';
import { STEP_IDS } from '../../deployment/steps';
import type { Context } from '../context';
import type { UpFlags } from './deployments';
import type { BundleOptions, InspectOptions, UnbundleOptions } from './image';
import type { PackOptions } from './image-store';

interface Named {
  readonly name: string;
  readonly description: string;
}

export interface CommandRow extends Named {
  readonly argument?: readonly [name: string, description: string];
  readonly options?: readonly Option[];
  /** Everything after the command is passed to the program that it starts. */
  readonly passThrough?: true;
  /**
   * @param options as commander has parsed and checked them; each command names those of its own
   * @param args all arguments
   * @returns the exit code
   */
  run(context: Context, argument: string, options: object, args: readonly string[]): Promise<number>;
}

export interface CommandGroup extends Named {
  readonly commands: readonly CommandRow[];
}

const SPEC = ['<spec>', 'the YAML file of the deployment'] as const;
const NAME = ['<name>', 'the name of the deployment'] as const;

const STEP = new Option('--step <id>', 'only this one, if several need attention').choices(STEP_IDS);
const FROM = new Option('--from <id>', 'repeat everything from this earlier step on, because what it made is gone')
  .choices(STEP_IDS)
  .conflicts('step');

const NODE = (what: string): Option => new Option('--node <name>', what);

const UPDATES = {
  resume: {
    description: 'retry the steps that need attention, those of nodes too, or go on after pause',
    options: [STEP, FROM, NODE('only this node; core: only steps of the deployment itself')],
  },
  skip: {
    description: 'go on without the step that needs attention, where that is safe',
    options: [STEP, NODE('the step of this node')],
  },
  abort: {
    description: 'stop, and take back everything the deployment made',
    options: [
      NODE('only this node, and what was made for it'),
      new Option('--data-loss', 'with --node: a node that an earlier run made may go with its data'),
    ],
  },
  pause: { description: 'stop before the next step, on all nodes', options: [NODE('only this node')] },
} as const;

/** The environment variables are those of the eucarc file that a cloud's credentials come with. */
const certificate = (): Option => new Option('--certificate <pem>', 'certificate of the user').env('EC2_CERT');
const privateKey = (whose: string): Option =>
  new Option('--private-key <pem>', `private key of the ${whose}`).env('EC2_PRIVATE_KEY');

const BUNDLE_OPTIONS: readonly Option[] = [
  new Option('--kind <kind>', 'kind of image').choices(['kernel', 'ramdisk', 'machine']).makeOptionMandatory(),
  new Option('--name <name>', 'name of the bundle: its files begin with it').makeOptionMandatory(),
  new Option('--account <number>', 'account number, 12 digits').env('EC2_USER_ID').makeOptionMandatory(),
  certificate().makeOptionMandatory(),
  privateKey('user').makeOptionMandatory(),
  new Option('--cloud-certificate <pem>', 'certificate of the cloud').env('EUCALYPTUS_CERT').makeOptionMandatory(),
  new Option('--to <folder>', 'folder for parts and manifest').makeOptionMandatory(),
  new Option('--arch <architecture>', 'architecture of the machine').choices(['i386', 'x86_64']).default('x86_64'),
  new Option('--kernel-id <id>', 'kernel of a machine image'),
  new Option('--ramdisk-id <id>', 'ramdisk of a machine image'),
  new Option('--inside <name>', 'which file, if an archive holds several'),
  new Option('--journal <file>', 'what the next run needs to know (default: .<name>.journal in the folder)'),
];

const PACK_OPTIONS: readonly Option[] = [
  new Option('--to <folder>', 'folder of the archive and its catalogue').makeOptionMandatory(),
  new Option('--kernel <file>', 'kernel, if a root image is given instead of a spec'),
  new Option('--ramdisk <file>', 'ramdisk, if a root image is given instead of a spec'),
  new Option('--name <name>', 'name of the archive (default: image.name of the spec)'),
  new Option('--arch <architecture>', 'architecture (default: that of the spec, else x86_64)').choices([
    'i386',
    'x86_64',
  ]),
  new Option('--release <release>', 'release of Stackato in the image (default: that of the spec)'),
  new Option('--cloud-init', 'the image has cloud-init'),
  new Option('--inside <name>', 'which file, if the archive of a root image holds several'),
  new Option('--description <text>', 'for the catalogue (default: Stackato and the release, or the name)'),
  new Option('--os <text>', 'for the catalogue').default('ubuntu'),
  new Option('--hypervisors <list>', 'for the catalogue, with commas').default('kvm'),
  new Option('--contact <text>', 'for the catalogue').default(''),
];

const IMAGE_COMMANDS: readonly CommandRow[] = [
  {
    name: 'publish',
    argument: ['<spec>', 'the YAML file of a deployment whose image has kernel, ramdisk and root'],
    description: 'bundle, upload and register the image of a spec; what is there already is not sent again',
    run: async (context, path) => (await import('./publish.js')).publishCommand(context, path),
  },
  {
    name: 'bundle',
    argument: ['<file>', 'raw image, or one in .zip, .tar.gz, .gz or .xz'],
    options: BUNDLE_OPTIONS,
    description: 'bundle an image into a folder; what is there already is not made again',
    run: async (context, file, options: BundleOptions) =>
      (await import('./image.js')).bundleCommand(context, file, options),
  },
  {
    name: 'inspect',
    argument: ['<path>', 'a manifest, or a folder of bundles'],
    options: [certificate(), privateKey('user, or of the cloud')],
    description: 'verify a manifest and the parts beside it: signature, digests, decryption',
    run: async (context, path, options: InspectOptions) =>
      (await import('./image.js')).inspectCommand(context, path, options),
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
    run: async (context, manifest, options: UnbundleOptions) =>
      (await import('./image.js')).unbundleCommand(context, manifest, options),
  },
  {
    name: 'pack',
    argument: [
      '<path>',
      'a spec whose image has kernel, ramdisk and root; or the root image, with --kernel and --ramdisk',
    ],
    options: PACK_OPTIONS,
    description: 'make an archive and its entry in a catalogue, for an image server; goes on where it was stopped',
    run: async (context, path, options: PackOptions) =>
      (await import('./image-store.js')).packCommand(context, path, options),
  },
  {
    name: 'list',
    argument: ['<catalog>', 'URL or file of a catalogue; one that ends in a slash is the address of a store'],
    description: 'the images of an image server',
    run: async (context, catalog) => (await import('./image-store.js')).listImagesCommand(context, catalog),
  },
];

export const COMMANDS: readonly (CommandRow | CommandGroup)[] = [
  {
    name: 'up',
    argument: SPEC,
    description: 'start a deployment or go on with it, and watch it; Ctrl-C detaches, never cancels',
    options: [
      new Option('--detach', 'start it and return at once'),
      new Option('--data-loss <node>', 'this node may be removed or replaced with its data; may be repeated').argParser(
        (node: string, others: readonly string[] | undefined) => [...(others ?? []), node],
      ),
    ],
    run: async (context, path, flags: UpFlags) => (await import('./deployments.js')).upCommand(context, path, flags),
  },
  {
    name: 'plan',
    argument: SPEC,
    description: 'what would be done, with the exact commands, and which nodes would change; touches nothing',
    run: async (context, path) => (await import('./spec.js')).planCommand(context, path),
  },
  {
    name: 'doctor',
    argument: SPEC,
    description: 'check every precondition; each failure with its remedy',
    run: async (context, path) => (await import('./deployments.js')).doctorCommand(context, path),
  },
  {
    name: 'status',
    argument: NAME,
    description: 'one deployment: steps, nodes, attempts, last error, what to do',
    options: [NODE('one node, with its steps')],
    run: async (context, name, { node }: { node?: string }) =>
      (await import('./deployments.js')).statusCommand(context, name, node),
  },
  {
    name: 'watch',
    argument: NAME,
    description: 'watch it until it ends or needs a person',
    run: async (context, name) => (await import('./deployments.js')).watchCommand(context, name),
  },
  {
    name: 'list',
    description: 'all deployments',
    run: async (context) => (await import('./deployments.js')).listCommand(context),
  },
  ...(['resume', 'skip', 'abort', 'pause'] as const).map((update): CommandRow => ({
    name: update,
    argument: NAME,
    ...UPDATES[update],
    run: async (context, name, options: Answer) =>
      (await import('./deployments.js')).updateCommand(context, update, name, options),
  })),
  {
    name: 'down',
    argument: NAME,
    description: 'take back everything the deployment made, and nothing else; one that is under way is aborted',
    options: [
      new Option('--images', 'the published image, too, though others may use it'),
      new Option('--volumes', 'the volume that was made for the containers, too, with its data'),
    ],
    run: async (context, name, requested: DownOptions) =>
      (await import('./deployments.js')).downCommand(context, name, requested),
  },
  {
    name: 'image',
    description: 'images and bundles by themselves: publish, make, verify and open them',
    commands: IMAGE_COMMANDS,
  },
  {
    name: 'worker',
    description: 'run a worker in the foreground',
    run: async (context) => (await import('./programs.js')).workerCommand(context),
  },
  {
    name: 'lab',
    argument: ['[args...]', 'up, down, status or serve, with options'],
    passThrough: true,
    description: 'a cloud, a DNS server, a Temporal server and appliances to deploy to, on loopback',
    run: async (context, _first, _options, args) => (await import('./programs.js')).labCommand(context, args),
  },
  {
    name: 'schema',
    description: 'JSON Schema of the spec, for editors',
    run: async () => (await import('./spec.js')).schemaCommand(),
  },
];
