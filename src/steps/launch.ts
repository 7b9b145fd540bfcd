import type { StepInput, StepOutcome } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import { CORE } from '../deployment/facts';
import { groupNameOf, nodesGroupNameOf, OWNER_TAG } from '../deployment/names';
import { waitOut } from './attempt';
import { planUserData, resolveUserData } from './cloud/user-data';
import {
  allOurs,
  clientTokenOf,
  findOurs,
  findUnassigned,
  isGone,
  refuseStopped,
  stateText,
  terminateAll,
} from './cloud/instances';
import type { Dependencies } from './dependencies';
import { required } from './known';
import { createTags, ec2Call, referenceText, tagSpecification } from './planning';
import type { PlannedAction, Planning } from './planning';
import type { CloudInstance, LaunchRequest } from './ports';
import { contextOf, siteOf, step } from './step';
import type { Context, StepWork } from './step';

/** Launches the instance once, and finds it again by its owner mark. */
export const launch = step({
  id: 'launch',
  plan: planLaunch,
  activities: { launchInstance, awaitRunning },
  undo: terminateInstance,
  findLost: async (deps, { spec, node, known }) => {
    const { instance } = known;
    const all = await allOurs({ ...(await siteOf(deps, spec, node)), spec, node, known });
    const state = all.find(({ id }) => id === instance?.id)?.state;
    if (instance === undefined || state === 'running' || state === 'pending') return undefined;
    return `The instance ${instance.id} is ${state ?? 'not listed by the cloud any more'}.`;
  },
});

async function launchInstance(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, mark } = context;
  const there = await findThere(context, input);
  if (there !== undefined) {
    refuseStopped(there);
    return outcome(input, there, input.known.instance?.id !== there.id);
  }
  // Another need has another client token, and some clouds ignore it.
  if (!cloud.launchesOnce || attempt.unsettled?.earlier === true) waitOut(attempt, cloud);
  const request = await launchRequest(deps, input, mark);
  return outcome(input, await attempt.request('RunInstances', () => cloud.launch(request)), true);
}

/** The instance of this node that is alive, from an earlier attempt or an earlier run. */
async function findThere(context: Context, { assigned }: StepInput): Promise<CloudInstance | undefined> {
  const { cloud, node, mark } = context;
  const there = (await findOurs(context)).find((each) => !isGone(each));
  if (node === CORE) return there;
  if (!cloud.tagsInstances) {
    const others = required(assigned, 'list of instances that are other nodes');
    // Another node may have adopted it, if this one was ended from outside before it told of it.
    return there !== undefined && !others.includes(there.id) ? there : findUnassigned(context, others);
  }
  if (there !== undefined && there.owner === undefined) await cloud.tagInstance(there.id, mark);
  return there;
}

async function awaitRunning(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const id = input.known.instance?.id;
  const instance = (await findOurs(await contextOf(deps, input, attempt))).find((each) => each.id === id);
  if (instance === undefined) throw new DeployError('NOT_YET', `The cloud does not list the instance ${id ?? ''} yet.`);
  if (isGone(instance)) throw new DeployError('INSTANCE_FAILED', `${stateText(instance)}.`);
  refuseStopped(instance);
  if (instance.state !== 'running')
    throw new DeployError('NOT_YET', `The instance ${instance.id} is ${instance.state}.`);
  assertAddresses(input, instance);
  return outcome(input, instance, false);
}

/** In a cluster, machines reach each other at their private addresses. Some clouds show addresses later than the state. */
function assertAddresses({ spec: { cluster }, node }: StepInput, { id, privateIp, publicIp }: CloudInstance): void {
  if (cluster === undefined) return;
  if (privateIp === undefined) throw new DeployError('NOT_YET', `The instance ${id} has no private address yet.`);
  if (node !== CORE && cluster.reach === 'public' && publicIp === undefined)
    throw new DeployError(
      'NOT_YET',
      `The instance ${id} has no public address, at which it is to be reached (ssh.reach: public); this cloud may give none by itself.`,
    );
}

async function terminateInstance(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, known } = context;
  // Where nothing tells nodes apart, one that came of a launch without an answer is left for the next launch, or for whoever deletes the group.
  const ours = await allOurs(context);
  await terminateAll(cloud, ours);
  waitOut(attempt, cloud);
  // Clouds list terminated instances for a while: one that an earlier `down` terminated is not reported again.
  const isNew = known.instance !== undefined || attempt.number > 1;
  const named = ours.filter(({ id }) => known.instance === undefined || id === known.instance.id);
  return { changed: isNew && ours.length > 0, note: `instance ${named.map(({ id }) => id).join(', ')}`, known: {} };
}

async function launchRequest(deps: Dependencies, input: StepInput, mark: string): Promise<LaunchRequest> {
  const { spec, node, known } = input;
  const { type, zone, keyName } = spec.instance;
  const userData = await resolveUserData(deps, spec, node);
  return {
    imageId: 'id' in spec.image ? spec.image.id : required(known.image?.id, 'image'),
    type,
    ...(zone === undefined ? {} : { zone }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(userData === undefined ? {} : { userData }),
    group:
      node === CORE
        ? required(known.group, 'security group')
        : required(known.nodesGroup, 'security group of the nodes'),
    clientToken: clientTokenOf(mark, input),
    owner: mark,
  };
}

function outcome({ node }: StepInput, { id, privateIp, publicIp }: CloudInstance, changed: boolean): StepOutcome {
  const instance = {
    id,
    ...(privateIp === undefined ? {} : { privateIp }),
    // The core has an address of its own, which is no fact about the instance.
    ...(publicIp === undefined || node === CORE ? {} : { publicIp }),
  };
  return { changed, note: id, known: { instance } };
}

function planLaunch({ spec, node, mark, kind }: Planning): readonly PlannedAction[] {
  const { name, image, instance } = spec;
  const made = planUserData(spec, node);
  const { type, zone, keyName, userData } = instance;
  const group = node === CORE ? groupNameOf(name) : nodesGroupNameOf(name);
  const tag = kind.instanceTags === 'none' ? '' : `an instance tagged ${OWNER_TAG}=${mark}`;
  const grouped = node === CORE ? `one in the group ${group}` : `one in the group ${group} that is no other node`;
  const there = node === CORE ? [tag, grouped] : [tag === '' ? grouped : tag];
  const run = ec2Call(
    'RunInstances',
    {
      ImageId: 'id' in image ? image.id : '<image>',
      InstanceType: type,
      MinCount: '1',
      MaxCount: '1',
      ...(kind.groupIds ? { 'SecurityGroupId.1': '<group id>' } : { 'SecurityGroup.1': group }),
      ...(keyName === undefined ? {} : { KeyName: keyName }),
      ...(zone === undefined ? {} : { 'Placement.AvailabilityZone': zone }),
      ...(made.length > 0
        ? { UserData: '<below>' }
        : userData === undefined
          ? {}
          : { UserData: referenceText(userData) }),
      ...(kind.clientToken ? { ClientToken: '<of this launch>' } : {}),
      ...(kind.instanceTags === 'at launch' ? tagSpecification('instance', mark) : {}),
    },
    `unless there is ${there.filter((each) => each !== '').join(', or ')}`,
  );
  return [run, ...made, ...(kind.instanceTags === 'afterwards' ? [createTags('<instance>', mark)] : [])];
}
