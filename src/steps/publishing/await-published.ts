/** A deployment's side of publishing: starts or joins the workflow of the image, and waits until it has published each kind. */

import { manifestName } from '../../image';
import { GivenUp } from '../attempt';
import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import type { PublishInput } from '../../deployment/messages';
import type { DeploymentSpec, ImageFile, ImageKind } from '../../deployment/spec';
import type { Dependencies, PublishRun } from '../dependencies';
import { required } from '../known';
import { ec2Call } from '../planning';
import type { PlannedAction, Planning } from '../planning';
import { NOTHING } from '../step';
import type { StepWork } from '../step';
import type { StepInput, StepOutcome } from '../../deployment/activities';
import { fileOf, imageNameOf } from './planned-image';

export async function startPublishing({ publisher }: Dependencies, { spec }: StepInput): Promise<StepOutcome> {
  const input = publishInput(spec);
  const runId = await publisher.start(input);
  const { view } = required(await publisher.describe(workflowIdOf(input), runId), 'run that was just started');
  if (JSON.stringify(view.image) !== JSON.stringify(input.image)) {
    throw new DeployError(
      'NOT_YET',
      `Another image is being published under the name ${input.image.name}. The two are compared when that is done.`,
    );
  }
  return { ...NOTHING, known: { publishing: runId } };
}

/** Waits until that workflow has published one kind. */
export function awaitPublished(kind: ImageKind): StepWork {
  return (deps, input) => awaitKind(deps, input, kind);
}

async function awaitKind(
  { publisher }: Dependencies,
  { spec, known }: StepInput,
  kind: ImageKind,
): Promise<StepOutcome> {
  const workflowId = workflowIdOf(publishInput(spec));
  const run = await publisher.describe(workflowId, required(known.publishing, 'run that publishes the image'));
  const id = run?.view.parts[kind].id;
  if (id !== undefined) return outcome(run, kind, id, known.image);
  const error = run?.view.error;
  // That run has used up its retries: only a person starts another.
  if (error !== undefined) throw new GivenUp(error.code, error.message);
  if (run?.open !== true) throw new GivenUp('INTERNAL', `The workflow ${workflowId} was ended from outside.`);
  throw new DeployError('NOT_YET', run.lines[kind] ?? `${kind}: waiting for the workflow ${workflowId}`);
}

function outcome(
  run: PublishRun | undefined,
  kind: ImageKind,
  id: string,
  before: StepInput['known']['image'],
): StepOutcome {
  const parts = run?.view.parts;
  const ids = { kernel: before?.kernelId, ramdisk: before?.ramdiskId, machine: before?.id };
  const [kernelId, ramdiskId] = [parts?.kernel.id, parts?.ramdisk.id];
  const image =
    kind === 'machine' && kernelId !== undefined && ramdiskId !== undefined
      ? { image: { id, kernelId, ramdiskId } }
      : {};
  return { changed: ids[kind] !== id, note: id, known: image };
}

function publishInput({ cloud, image, timing }: DeploymentSpec): PublishInput {
  if ('id' in image)
    throw new DeployError('INTERNAL', 'The image of this deployment has an id, so it is not published.');
  return { cloud, image, poll: timing.poll, deadline: timing.deadline.publish };
}

function workflowIdOf({ cloud, image }: PublishInput): string {
  return imageWorkflowId(cloud, image);
}

export function planPublish(kind: ImageKind): (planning: Planning) => readonly PlannedAction[] {
  return ({ spec: { image } }) => {
    if ('id' in image) return [];
    const name = imageNameOf(image, kind);
    const manifest = `${image.bucket}/${manifestName(name)}`;
    const ids: Readonly<Record<string, string>> =
      kind === 'machine' ? { KernelId: '<kernel>', RamdiskId: '<ramdisk>' } : {};
    return [
      {
        where: 'cloud',
        what: `PUT /${image.bucket}/${name}.part.<n>`,
        note: `the bundle of ${fileText(fileOf(image, kind))}; parts that are there with the same MD5 are not sent`,
      },
      { where: 'cloud', what: `PUT /${manifest}`, note: 'last' },
      ec2Call(
        'RegisterImage',
        { ImageLocation: manifest, Name: name, Architecture: image.architecture, ...ids },
        'unless an image of that name and place is registered',
      ),
    ];
  };
}

function fileText(file: ImageFile): string {
  if ('catalog' in file) {
    const entry = file.entry === undefined ? `the only archive for ${file.architecture}` : JSON.stringify(file.entry);
    return `${entry} of the catalogue ${file.catalog}`;
  }
  const where = 'url' in file ? file.url : file.file;
  return file.inside === undefined ? where : `${file.inside} in ${where}`;
}
