import { createHash } from 'node:crypto';
import type { StepInput, StepOutcome } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import { groupNameOf, OWNER_TAG } from '../deployment/names';
import { waitOut } from './attempt';
import { planUserData, resolveUserData } from './cloud/user-data';
import { findOurs, isGone, refuseStopped, stateText } from './cloud/instances';
import type { Dependencies } from './dependencies';
import { required } from './known';
import { createTags, ec2Call, referenceText, tagSpecification } from './planning';
import type { PlannedAction, Planning } from './planning';
import type { CloudInstance, LaunchRequest } from './ports';
import { contextOf, siteOf, step } from './step';
import type { StepWork } from './step';

/** Launches the instance once, and finds it again by its owner mark. */
export const launch = step({
  id: 'launch',
  plan: planLaunch,
  activities: { launchInstance, awaitRunning },
  undo: terminateInstance,
  findLost: async (deps, { spec, known: { instance } }) => {
    const { cloud, mark, groupName } = await siteOf(deps, spec);
    const all = await cloud.findInstances(mark, groupName);
    const state = all.find(({ id }) => id === instance?.id)?.state;
    if (instance === undefined || state === 'running' || state === 'pending') return undefined;
    return `The instance ${instance.id} is ${state ?? 'not listed by the cloud any more'}.`;
  },
});

async function launchInstance(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const context = await contextOf(deps, input, attempt);
  const { cloud, mark } = context;
  const there = (await findOurs(context)).find((each) => !isGone(each));
  if (there !== undefined) {
    refuseStopped(there);
    return outcome(there, input.known.instance?.id !== there.id);
  }
  // Another need has another client token, and some clouds ignore it.
  if (!cloud.launchesOnce || attempt.unsettled?.earlier === true) waitOut(attempt, cloud);
  const request = await launchRequest(deps, input, mark);
  return outcome(await attempt.request('RunInstances', () => cloud.launch(request)), true);
}

async function awaitRunning(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const id = input.known.instance?.id;
  const instance = (await findOurs(await contextOf(deps, input, attempt))).find((each) => each.id === id);
  if (instance === undefined) throw new DeployError('NOT_YET', `The cloud does not list the instance ${id ?? ''} yet.`);
  if (isGone(instance)) throw new DeployError('INSTANCE_FAILED', `${stateText(instance)}.`);
  refuseStopped(instance);
  if (instance.state !== 'running')
    throw new DeployError('NOT_YET', `The instance ${instance.id} is ${instance.state}.`);
  return outcome(instance, false);
}

async function terminateInstance(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { cloud, mark, groupName, known } = await contextOf(deps, input, attempt);
  const ours = await cloud.findInstances(mark, groupName);
  const alive = ours.filter(({ state }) => state !== 'terminated');
  for (const { id, state } of alive) {
    if (state !== 'shutting-down') await cloud.terminate(id);
  }
  if (alive.length > 0) throw new DeployError('NOT_YET', `Terminating ${alive.map(({ id }) => id).join(', ')}.`);
  waitOut(attempt, cloud);
  // Clouds list terminated instances for a while: one that an earlier `down` terminated is not reported again.
  const isNew = known.instance !== undefined || attempt.number > 1;
  const named = ours.filter(({ id }) => known.instance === undefined || id === known.instance.id);
  return { changed: isNew && ours.length > 0, note: `instance ${named.map(({ id }) => id).join(', ')}`, known: {} };
}

async function launchRequest(
  deps: Dependencies,
  { spec, known, need, node }: StepInput,
  mark: string,
): Promise<LaunchRequest> {
  const { type, zone, keyName } = spec.instance;
  const userData = await resolveUserData(deps, spec, node);
  return {
    imageId: 'id' in spec.image ? spec.image.id : required(known.image?.id, 'image'),
    type,
    ...(zone === undefined ? {} : { zone }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(userData === undefined ? {} : { userData }),
    group: required(known.group, 'security group'),
    // From the need, not from the deployment: after an instance died, the same token would return the dead one.
    clientToken: createHash('sha256').update(`${mark}/${need}`).digest('hex').slice(0, 40),
    owner: mark,
  };
}

function outcome({ id, privateIp }: CloudInstance, changed: boolean): StepOutcome {
  return { changed, note: id, known: { instance: { id, ...(privateIp === undefined ? {} : { privateIp }) } } };
}

function planLaunch({ spec, owner, kind }: Planning): readonly PlannedAction[] {
  const { name, image, instance } = spec;
  const made = planUserData(spec);
  const { type, zone, keyName, userData } = instance;
  const group = groupNameOf(name);
  const tag = kind.instanceTags === 'none' ? '' : `an instance tagged ${OWNER_TAG}=${owner}, or `;
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
      ...(kind.instanceTags === 'at launch' ? tagSpecification('instance', owner) : {}),
    },
    `unless there is ${tag}one in the group ${group}`,
  );
  return [run, ...made, ...(kind.instanceTags === 'afterwards' ? [createTags('<instance>', owner)] : [])];
}
