/**
 * The steps of a deployment, in the order in which a person would do them: one row for each, used by workflows, views, `plan` and docs.
 * The implementations are in src/steps, one file for each step.
 */

import { CORE } from './facts';
import type { Known, NodeFacts, NodeName, RebootReason, SiteFacts } from './facts';
import type { DeploymentSpec, Timing } from './spec';

interface StepRow {
  readonly id: string;
  readonly title: string;
  /** If it does something else on the core of a cluster. */
  readonly clusterTitle?: string;
  /** Once per deployment, or once per node. */
  readonly scope: 'site' | 'node';
  /** Only on the core, only on other nodes, or only for a deployment that has other nodes. */
  readonly only?: 'core' | 'nodes' | 'clusters';
  /** How long it may fail or wait. */
  readonly deadline: keyof Timing['deadline'];
  /** Whether `skip` is allowed. */
  readonly skippable?: true;
  /** It changes nothing, so it is never shown as unchanged. */
  readonly looksOnly?: true;
  /** Why this spec does not need it; undefined if it does. */
  readonly notNeeded?: (spec: DeploymentSpec) => string | undefined;
  /** Its activities, in the order in which they run. */
  readonly activities: Readonly<Record<string, ActivityRow>>;
  /** Run by `abort` and `down`, in the reverse order of the steps. */
  readonly undo?: UndoRow;
}

interface ActivityRow {
  /** Shown in Temporal's Web UI. Default: the title of the step. */
  readonly summary?: string;
  /** It sends a request that may take effect late. The fact is set before it starts, because an undo or another run must know. */
  readonly request?: RequestFact;
}

interface UndoRow {
  readonly activity: string;
  /** What is undone, for people. */
  readonly what: string;
  /** Facts that are no longer true after the undo. `node`: all facts of the node. */
  readonly forget: readonly (keyof Known | 'node')[];
  /** A request that may take effect late, which the undo must wait for. */
  readonly request?: RequestFact;
  /** How long it may fail or wait. Default: `cloud`. */
  readonly deadline?: keyof Timing['deadline'];
  /** Undone only on request: other deployments may use it, or it holds data. */
  readonly onRequest?: keyof UndoRequests;
  /** Undone after everything else, because something else uses it. */
  readonly last?: true;
  /** Whether there may be something to undo. Default: yes. */
  readonly needed?: (spec: DeploymentSpec, known: Known) => boolean;
}

/** What `down` was asked to remove, too. */
export interface UndoRequests {
  readonly images?: boolean;
  readonly volumes?: boolean;
}

/** Facts that hold a request without an answer so far. */
export type RequestFact = keyof Pick<
  SiteFacts & NodeFacts,
  'groupRequest' | 'nodesGroupRequest' | 'launchRequest' | 'volumeRequest'
>;

const imageHasId = ({ image }: DeploymentSpec): string | undefined => ('id' in image ? 'image has an id' : undefined);
const startPublishing = { summary: 'Start or join the publishing of the image' };

const ROWS = [
  {
    id: 'preflight',
    title: 'Check every precondition',
    scope: 'site',
    deadline: 'cloud',
    looksOnly: true,
    activities: { preflight: {} },
  },
  {
    id: 'publish-kernel',
    title: 'Publish the kernel',
    scope: 'site',
    deadline: 'publish',
    notNeeded: imageHasId,
    // The run of the image's workflow must be in history before it can fail.
    activities: { startPublishing, awaitKernel: { summary: 'Wait until the kernel is published' } },
  },
  {
    id: 'publish-ramdisk',
    title: 'Publish the ramdisk',
    scope: 'site',
    deadline: 'publish',
    notNeeded: imageHasId,
    activities: { startPublishing, awaitRamdisk: { summary: 'Wait until the ramdisk is published' } },
  },
  {
    id: 'publish-image',
    title: 'Publish the image',
    scope: 'site',
    deadline: 'publish',
    notNeeded: imageHasId,
    activities: { startPublishing, awaitImage: { summary: 'Wait until the image is published' } },
    undo: { activity: 'withdrawImage', what: 'image', forget: ['image'], onRequest: 'images' },
  },
  {
    id: 'address',
    title: 'Get an elastic IP',
    scope: 'site',
    deadline: 'cloud',
    activities: { ensureAddress: {} },
    undo: { activity: 'giveBackAddress', what: 'elastic IP', forget: ['address'] },
  },
  {
    id: 'security-group',
    title: 'Create the security group (ssh only)',
    scope: 'site',
    deadline: 'cloud',
    activities: { ensureSecurityGroup: { request: 'groupRequest' } },
    undo: { activity: 'deleteSecurityGroup', what: 'security group', forget: ['group'], request: 'groupRequest' },
  },
  {
    id: 'nodes-group',
    title: "Create the nodes' security group (closed to the world)",
    scope: 'site',
    only: 'clusters',
    deadline: 'cloud',
    activities: { ensureNodesGroup: { request: 'nodesGroupRequest' } },
    // Also terminates what is left in it.
    undo: {
      activity: 'deleteNodesGroup',
      what: "the nodes' security group",
      forget: ['nodesGroup'],
      request: 'nodesGroupRequest',
      needed: ({ cluster }, { nodesGroup, nodesGroupRequest }) =>
        cluster !== undefined || nodesGroup !== undefined || nodesGroupRequest !== undefined,
    },
  },
  {
    id: 'dns',
    title: 'Point the name and its wildcard at the address',
    scope: 'site',
    deadline: 'dns',
    skippable: true,
    // The records that are replaced must be in history before they are overwritten.
    activities: { observeDns: { summary: 'Look at what stands at the name' }, updateDns: {} },
    undo: { activity: 'takeBackDns', what: 'DNS records', forget: ['dns'] },
  },
  {
    id: 'launch',
    title: 'Launch the instance',
    scope: 'node',
    deadline: 'launch',
    activities: {
      launchInstance: { request: 'launchRequest' },
      awaitRunning: { summary: 'Wait until the instance runs' },
    },
    undo: { activity: 'terminateInstance', what: 'instance', forget: ['node'], request: 'launchRequest' },
  },
  {
    id: 'associate',
    title: 'Associate the address',
    scope: 'node',
    only: 'core',
    deadline: 'cloud',
    activities: { associateAddress: {} },
    undo: { activity: 'disassociateAddress', what: 'association of the address', forget: [] },
  },
  {
    id: 'connect',
    title: 'Log in by ssh, wait for kato',
    scope: 'node',
    deadline: 'ready',
    looksOnly: true,
    // The host key is pinned, durably, before anything is sent to the machine.
    activities: {
      pinHostKey: {},
      logIn: { summary: 'Log in by ssh' },
      awaitKato: { summary: 'Wait until kato is ready' },
    },
  },
  {
    id: 'cloud-init',
    title: 'Wait for the first boot by cloud-init',
    scope: 'node',
    deadline: 'ready',
    skippable: true,
    looksOnly: true,
    notNeeded: ({ image }) => (image.cloudInit === true ? undefined : 'image without cloudInit'),
    // That the host key changed must be in history before the wait goes on: an attempt that fails learns nothing, and it may change once.
    activities: { awaitFirstBoot: {}, awaitRestOfFirstBoot: { summary: 'Wait on, with the new host key' } },
  },
  {
    id: 'container-store',
    title: 'Move the container store off the root volume',
    scope: 'node',
    deadline: 'command',
    skippable: true,
    notNeeded: ({ storage }) => (storage === undefined ? 'storage.containers: root' : undefined),
    // What was there before must be in history before a volume is requested, and before it is attached.
    activities: {
      noteVolumes: { summary: 'Note which volumes there are' },
      ensureVolume: { summary: 'Create the volume, or find it', request: 'volumeRequest' },
      noteDisks: { summary: 'Note which disks the machine has' },
      attachVolume: { summary: 'Attach the volume' },
      moveStore: {},
      awaitKatoAgain: { summary: 'Wait until kato is ready' },
    },
    undo: {
      activity: 'deleteVolume',
      what: 'volume',
      forget: ['volume', 'volumesBefore'],
      request: 'volumeRequest',
      onRequest: 'volumes',
      last: true,
      // Without a memory of it, a volume of ours is found by its tag.
      needed: ({ storage }, { volume, volumeRequest }) =>
        volumeRequest !== undefined ||
        (volume === undefined ? typeof storage?.containers === 'object' && 'size' in storage.containers : volume.made),
    },
  },
  {
    id: 'static-ip',
    title: 'kato op static_ip',
    scope: 'node',
    deadline: 'command',
    skippable: true,
    notNeeded: ({ network }) => (network.mode === 'dhcp' ? 'network: dhcp' : undefined),
    activities: { setStaticIp: {} },
  },
  { id: 'rename', title: 'kato rename', scope: 'node', deadline: 'command', activities: { renameNode: {} } },
  {
    id: 'disable-mdns',
    title: 'kato disable mdns',
    scope: 'node',
    deadline: 'command',
    skippable: true,
    activities: { disableMdns: {} },
  },
  {
    id: 'reboot',
    title: 'Reboot, once',
    scope: 'node',
    deadline: 'reboot',
    // The boot id must be in history before the reboot is requested. The workflow sleeps between the last two.
    activities: {
      readBootId: { summary: 'Read the boot id' },
      requestReboot: { summary: 'sudo reboot, once for this boot id' },
      awaitReboot: { summary: 'Wait for another boot id' },
    },
  },
  {
    id: 'setup-core',
    title: 'kato setup core',
    scope: 'node',
    only: 'core',
    deadline: 'command',
    activities: { awaitKato: { summary: 'Wait until kato is ready' }, setUpCore: {} },
  },
  {
    id: 'enable-roles',
    title: 'kato enable --all-but mdns',
    clusterTitle: 'kato enable, with the roles of the core',
    scope: 'node',
    only: 'core',
    deadline: 'command',
    activities: { enableRoles: {} },
  },
  {
    id: 'attach',
    title: 'kato attach, by the private address of the core',
    scope: 'node',
    only: 'nodes',
    deadline: 'command',
    // That the core may have it in its list must be in history before it is attached.
    activities: {
      announceAttach: { summary: 'Note the address by which the core will know it' },
      removeStale: { summary: 'Remove what the core still lists of an earlier instance' },
      attachNode: {},
      awaitAttached: { summary: 'Wait until the core lists it, with its roles' },
    },
    undo: {
      activity: 'detachNode',
      what: 'entry in the list of the core',
      forget: ['attached'],
      deadline: 'command',
      needed: (_spec, { attached }) => attached !== undefined,
    },
  },
  {
    id: 'resolver',
    title: "Put the appliance's own resolver first",
    scope: 'node',
    deadline: 'command',
    skippable: true,
    activities: { putResolverFirst: {} },
  },
  {
    id: 'claim-admin',
    title: 'Create the first administrator',
    scope: 'node',
    only: 'core',
    deadline: 'console',
    skippable: true,
    notNeeded: ({ admin }) => (admin === undefined ? 'no admin in the spec' : undefined),
    // It must be in history that the account may have another password before it has one.
    activities: { announceClaim: {}, claimAdmin: {} },
  },
  {
    id: 'open-console',
    title: 'Open the console to access.console',
    scope: 'site',
    deadline: 'cloud',
    skippable: true,
    activities: { openConsole: {} },
  },
  {
    id: 'verify',
    title: 'See the console through the new name',
    scope: 'site',
    deadline: 'console',
    skippable: true,
    looksOnly: true,
    activities: { verifyConsole: {} },
  },
] as const satisfies readonly StepRow[];

type Row = (typeof ROWS)[number];
export type StepId = Row['id'];

/** The activities of a step, and the one that undoes it. */
export type ActivitiesOf<Id extends StepId> = ForwardOf<Extract<Row, { id: Id }>>;
export type UndoOf<Id extends StepId> =
  Extract<Row, { id: Id }> extends { undo: { activity: infer Name } } ? Name : never;
type ForwardOf<R extends Row> = R extends Row ? keyof R['activities'] & string : never;

/** Names of all activities of steps, including undos. */
export type StepActivityName = ForwardOf<Row> | Extract<Row, { undo: object }>['undo']['activity'];

/** Steps that take effect at the next boot. */
export const NEED_REBOOT = ['static-ip', 'rename', 'disable-mdns'] as const satisfies readonly (StepId &
  RebootReason)[];

export interface Step extends StepRow {
  readonly id: StepId;
  readonly activities: Readonly<Partial<Record<StepActivityName, ActivityRow>>>;
  readonly undo?: UndoRow & { readonly activity: StepActivityName };
}

export const STEPS: readonly Step[] = ROWS;

/** The steps for that node; the core has those of the site, too. */
export function stepsOn(spec: Pick<DeploymentSpec, 'cluster'>, node: NodeName): readonly Step[] {
  if (node !== CORE) return STEPS.filter(({ scope, only }) => scope === 'node' && only !== 'core');
  return STEPS.filter(({ only }) => only !== 'nodes' && (only !== 'clusters' || spec.cluster !== undefined));
}

export const STEP_IDS: readonly StepId[] = STEPS.map((step) => step.id);

/** What it does, for people. */
export function titleOf({ title, clusterTitle }: Step, ofCluster: boolean): string {
  return ofCluster ? (clusterTitle ?? title) : title;
}

export function stepById(id: StepId): Step {
  const row = STEPS.find((step) => step.id === id);
  if (row === undefined) throw new Error(`no such step: ${id}`);
  return row;
}
