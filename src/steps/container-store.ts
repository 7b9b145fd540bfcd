import type { StepInput, StepOutcome } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import type { Known } from '../deployment/facts';
import { OWNER_TAG } from '../deployment/names';
import { RELEASES } from '../deployment/releases';
import type { DeploymentSpec } from '../deployment/spec';
import {
  disksOfBoot,
  moveStore as moveStoreCommand,
  READ_DISKS,
  readStore,
  sectorsOf,
  storeRefusal,
  storeStateOf,
} from '../machine/container-store';
import type { StoreDisk, StoreState } from '../machine/container-store';
import { waitOut } from './attempt';
import { findOurs, isGone } from './cloud/instances';
import { candidatesOf, isLost, isUnproved, oursOf } from './cloud/volumes';
import { required } from './known';
import { byCommand } from './machine/command';
import { assertReadyUnlessAttached } from './machine/kato-ready';
import { readSections, withSession } from './machine/session';
import { createTags, ec2Call, onMachine, tagSpecification } from './planning';
import type { PlannedAction, Planning } from './planning';
import type { CloudVolume } from './ports';
import { contextOf, NOTHING, siteOf, step } from './step';
import type { Context, StepWork } from './step';

/** Not sda or sdb, which 3.x refuses. Where the machine shows the disk is another matter: see machine/container-store.ts. */
const DEVICE = '/dev/sdf';

/** After it, the volume was blank and has our label: it is ours. */
const move = byCommand<StoreState>({
  step: 'container-store',
  observe: async (session, { spec }) => storeStateOf(await readSections(session, readStore(folderOf(spec)))),
  done: (state, _ran, input) => {
    if (!state.moved || !isOnDisk(state, input)) return undefined;
    const volume = volumeOf(input);
    const place = volume === undefined ? 'ephemeral disk' : `volume ${volume.id}`;
    const free = state.free === undefined ? '' : `, ${(state.free / 1024 ** 2).toFixed(1)} GiB free`;
    return { note: `${folderOf(input.spec)} on the ${place}${free}`, known: {} };
  },
  command: (input) => moveStoreCommand(diskOf(input), folderOf(input.spec)),
  failure: (output) => {
    const refusal = storeRefusal(output);
    return refusal === undefined ? undefined : new DeployError(refusal.code, `${refusal.message}.`);
  },
  again: true,
  shown: 'The script that moves the containers',
});

/** Moves the container store to the ephemeral disk or to a volume. */
export const containerStore = step({
  id: 'container-store',
  plan: planStore,
  activities: {
    noteVolumes,
    ensureVolume,
    noteDisks,
    attachVolume,
    moveStore: async (...[deps, input, attempt]: Parameters<StepWork>) => {
      const outcome = await move(deps, input, attempt);
      const volume = volumeOf(input);
      if (volume?.unproved !== true) return outcome;
      const { cloud, mark } = await contextOf(deps, input, attempt);
      if (cloud.volumeTags !== 'none') await cloud.tagVolume(volume.id, mark);
      const { id, size, made } = volume;
      return { ...outcome, known: { ...outcome.known, volume: { id, size, made } } };
    },
    awaitKatoAgain: async (deps, input) =>
      withSession(deps, input, async (session) => {
        await assertReadyUnlessAttached(session, input);
        return NOTHING;
      }),
  },
  undo: deleteVolume,
  findLost: async (deps, { spec, known }) => {
    const { instance } = known;
    const volume = volumeOf({ spec, known });
    if (volume === undefined) return undefined;
    const { cloud } = await siteOf(deps, spec);
    const there = (await cloud.listVolumes()).find(({ id }) => id === volume.id);
    if (there === undefined || isLost(there)) return `The volume ${volume.id} is gone.`;
    return there.attachment?.instanceId === instance?.id ? undefined : `The volume ${volume.id} is not attached.`;
  },
});

function folderOf({ release }: DeploymentSpec): string {
  return RELEASES[release].containerStore.value;
}

function wantedOf({ storage }: DeploymentSpec): { readonly size: number } | { readonly id: string } | undefined {
  const containers = storage?.containers;
  return containers === undefined || containers === 'ephemeral' ? undefined : containers;
}

/** A volume is remembered after `down`, and the next spec may ask for the ephemeral disk. */
function volumeOf({ spec, known }: Pick<StepInput, 'spec' | 'known'>): Known['volume'] {
  return wantedOf(spec) === undefined ? undefined : known.volume;
}

function sizeWanted(spec: DeploymentSpec): number | undefined {
  const wanted = wantedOf(spec);
  return wanted !== undefined && 'size' in wanted ? wanted.size : undefined;
}

/** A volume of ours that was there before, and without tags all others, must be in history before another one is requested. */
async function noteVolumes(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { cloud, known, spec, mark } = await contextOf(deps, input, attempt);
  // While a request is unsettled, what it made must not be taken for one that was there.
  if (sizeWanted(spec) === undefined || known.volumeRequest !== undefined) return NOTHING;
  const listed = await cloud.listVolumes();
  const ours = oursOf(listed, { mark, known }).find((volume) => !isLost(volume));
  if (ours !== undefined && known.volume === undefined)
    return { ...NOTHING, known: { volume: { id: ours.id, size: ours.size, made: true, found: true } } };
  if (ours !== undefined || cloud.volumeTags === 'at once') return NOTHING;
  return { ...NOTHING, known: { volumesBefore: listed.map(({ id }) => id) } };
}

async function ensureVolume(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, spec, mark } = context;
  const wanted = wantedOf(spec);
  if (wanted === undefined) return NOTHING;
  const listed = await cloud.listVolumes();
  if ('id' in wanted) return outcome(await given(context, listed, wanted.id), false, false);
  const ours = oursOf(listed, context).find((volume) => !isLost(volume));
  if (ours !== undefined) {
    const adopted = outcome(available(ours), true, false, isUnproved(ours, context));
    const { volume } = context.known;
    return volume?.id === ours.id && volume.found === true ? { ...adopted, known: { volume } } : adopted;
  }
  const zone = await zoneOf(context);
  if (attempt.unsettled !== undefined) {
    const found = candidatesOf(listed, context, { size: wanted.size, zone });
    if (found.length > 1)
      throw new DeployError(
        'VOLUME_AMBIGUOUS',
        `The creation of a volume was not answered, and each of these may be it: ${found.map(({ id }) => id).join(', ')}.`,
      );
    const [adopted] = found;
    if (adopted !== undefined) {
      const taken = outcome(available(adopted), true, true, true);
      attempt.settle();
      return taken;
    }
    waitOut(attempt, cloud);
  }
  const made = await attempt.request('CreateVolume', () =>
    cloud.createVolume({ size: wanted.size, zone, owner: mark }),
  );
  return outcome(made, true, true);
}

/** A volume of the user's, which is only attached. */
async function given(context: Context, listed: readonly CloudVolume[], id: string): Promise<CloudVolume> {
  const volume = listed.find((each) => each.id === id);
  if (volume === undefined || isLost(volume))
    throw new DeployError('VOLUME_NOT_FOUND', `The account has no volume ${id}.`);
  const zone = await zoneOf(context);
  if (volume.zone !== zone)
    throw new DeployError('VOLUME_ZONE', `The volume ${id} is in the zone ${volume.zone}, the instance in ${zone}.`);
  return available(volume);
}

function available(volume: CloudVolume): CloudVolume {
  if (volume.state === 'failed')
    throw new DeployError('VOLUME_FAILED', `The cloud could not make the volume ${volume.id}.`);
  if (volume.state === 'creating') throw new DeployError('NOT_YET', `The volume ${volume.id} is being created.`);
  return volume;
}

function outcome({ id, size }: CloudVolume, made: boolean, changed: boolean, unproved = false): StepOutcome {
  return { changed, note: id, known: { volume: { id, size, made, ...(unproved ? { unproved } : {}) } } };
}

async function zoneOf(context: Context): Promise<string> {
  const id = context.known.instance?.id;
  const instance = (await findOurs(context)).find((each) => each.id === id);
  if (instance?.zone === undefined)
    throw new DeployError('NOT_YET', `The cloud does not say yet in which zone the instance ${id ?? ''} is.`);
  return instance.zone;
}

/** The disks of this boot, before the volume is attached: it is the one that appears. */
async function noteDisks(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { cloud } = await contextOf(deps, input, attempt);
  const wanted = volumeOf(input);
  if (wanted === undefined) return NOTHING;
  const volume = (await cloud.listVolumes()).find(({ id }) => id === wanted.id);
  if (volume?.attachment !== undefined) return NOTHING;
  return withSession(deps, input, async (session) => ({
    ...NOTHING,
    known: { disks: disksOfBoot(await readSections(session, READ_DISKS)) },
  }));
}

async function attachVolume(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, known } = context;
  const wanted = volumeOf(input);
  if (wanted === undefined) return NOTHING;
  const { id } = wanted;
  const instance = required(known.instance?.id, 'instance');
  const volume = (await cloud.listVolumes()).find((each) => each.id === id);
  if (volume === undefined || isLost(volume)) throw new DeployError('VOLUME_NOT_FOUND', `The volume ${id} is gone.`);
  const { attachment } = available(volume);
  if (attachment === undefined) {
    attempt.assertTimely();
    await cloud.attachVolume(id, instance, DEVICE);
    throw new DeployError('NOT_YET', `The volume ${id} is being attached.`);
  }
  if (attachment.instanceId !== instance) {
    const ours = await findOurs(context);
    const dying = ours.some((each) => each.id === attachment.instanceId && isGone(each));
    throw new DeployError(
      dying ? 'NOT_YET' : 'VOLUME_IN_USE',
      `The volume ${id} is attached to the instance ${attachment.instanceId}.`,
    );
  }
  if (!attachment.attached) throw new DeployError('NOT_YET', `The volume ${id} is being attached.`);
  return { changed: attempt.number > 1, note: id, known: {} };
}

function diskOf(input: StepInput): StoreDisk {
  const volume = volumeOf(input);
  const { disks } = input.known;
  if (volume === undefined) return { kind: 'ephemeral' };
  const { id, size, made, unproved } = volume;
  return {
    kind: 'volume',
    id,
    size,
    ours: made && unproved !== true,
    ...(disks === undefined ? {} : { before: disks }),
  };
}

function isOnDisk({ sectors }: StoreState, input: StepInput): boolean {
  const disk = diskOf(input);
  return disk.kind === 'ephemeral' || sectors === sectorsOf(disk);
}

/** Runs once the instance is gone, because a volume that is mounted cannot be detached. A given volume is left as it is. */
async function deleteVolume(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, spec, known } = context;
  const listed = await cloud.listVolumes();
  const size = sizeWanted(spec);
  const late = attempt.unsettled === undefined || size === undefined ? [] : candidatesOf(listed, context, { size });
  const ours = oursOf(listed, context).filter((volume) => !isUnproved(volume, context));
  const there = ours.filter(({ state }) => state !== 'gone');
  for (const volume of there) {
    if (volume.state !== 'deleting' && volume.attachment === undefined) await cloud.deleteVolume(volume.id);
  }
  if (there.length > 0) throw new DeployError('NOT_YET', `Deleting ${there.map(({ id }) => id).join(', ')}.`);
  waitOut(attempt, cloud);
  const unproved = listed.filter((volume) => !isLost(volume) && (late.includes(volume) || isUnproved(volume, context)));
  if (unproved.length > 0)
    return {
      ...NOTHING,
      left: `${unproved.map(({ id }) => id).join(', ')}: CreateVolume was not answered, so it may be somebody else's. Look at it, and delete it by hand if nobody needs it`,
    };
  const named = known.volume?.made === true ? known.volume.id : (ours[0]?.id ?? '');
  return { changed: named !== '', note: `volume ${named}`, known: {} };
}

function planStore({ spec, mark, kind, kato }: Planning): readonly PlannedAction[] {
  const wanted = wantedOf(spec);
  const size = sizeWanted(spec);
  const id = wanted !== undefined && 'id' in wanted ? wanted.id : '<volume>';
  const create =
    size === undefined
      ? []
      : [
          ec2Call(
            'CreateVolume',
            {
              Size: String(size),
              AvailabilityZone: spec.instance.zone ?? '<zone of the instance>',
              ...(kind.volumeTags === 'at once' ? tagSpecification('volume', mark) : {}),
            },
            kind.volumeTags === 'none' ? 'once' : `unless there is a volume tagged ${OWNER_TAG}=${mark}`,
          ),
          ...(kind.volumeTags === 'afterwards' ? [createTags('<volume>', mark)] : []),
        ];
  const attach =
    wanted === undefined
      ? []
      : [ec2Call('AttachVolume', { VolumeId: id, InstanceId: '<instance>', Device: DEVICE }, 'unless it is attached')];
  const folder = folderOf(spec);
  const place = wanted === undefined ? 'the ephemeral disk' : 'the disk that has appeared';
  return [
    ...create,
    ...attach,
    onMachine(`mount ${place} at /mnt/lxc`, 'after mkfs.ext4, if it holds nothing at all; otherwise it is left alone'),
    onMachine(kato.stop),
    onMachine(
      `cp -a ${folder} /mnt/lxc/containers; ln -s /mnt/lxc/containers ${folder}`,
      'the original is removed once the copy was compared with it',
    ),
    onMachine(kato.start),
  ];
}
