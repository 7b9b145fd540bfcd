/** A deployment's side of publishing: starts or joins the workflow of the image, and looks at it until a part is there. */

import { GivenUp } from '../attempt';
import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import type { ImagePart, PublishInput } from '../../deployment/messages';
import type { DeploymentSpec, ImageFile } from '../../deployment/types';
import type { Dependencies, PublishLook } from '../dependencies';
import { required } from '../known';
import { ec2Call } from '../planning';
import type { PlannedAction, Planning } from '../planning';
import { NOTHING } from '../step';
import type { StepWork } from '../step';
import type { StepInput, StepOutcome } from '../../deployment/activities';

export async function startPublishing({ publisher }: Dependencies, { spec }: StepInput): Promise<StepOutcome> {
  const input = publishInput(spec);
  const run = await publisher.start(input);
  const { view } = required(await publisher.look(idOf(input), run), 'run that was just started');
  if (JSON.stringify(view.image) !== JSON.stringify(input.image)) {
    throw new DeployError(
      'NOT_YET',
      `Another image is being published under the name ${input.image.name}: when that is done, they are compared.`,
    );
  }
  return { ...NOTHING, known: { publishing: run } };
}

/** Waits until that workflow has published one part. */
export function awaitPublished(part: ImagePart): StepWork {
  return (deps, input) => awaitPart(deps, input, part);
}

async function awaitPart(
  { publisher }: Dependencies,
  { spec, known }: StepInput,
  part: ImagePart,
): Promise<StepOutcome> {
  const id = idOf(publishInput(spec));
  const look = await publisher.look(id, required(known.publishing, 'run that publishes the image'));
  const done = look?.view.parts[part].id;
  if (done !== undefined) return outcome(look, part, done, known.image);
  const error = look?.view.error;
  // That run has tried for as long as it should: only a person starts another.
  if (error !== undefined) throw new GivenUp(error.code, error.message);
  if (look?.open !== true) throw new GivenUp('INTERNAL', `The workflow ${id} was ended from outside.`);
  throw new DeployError('NOT_YET', look.lines[part] ?? `${part}: waiting for the workflow ${id}`);
}

function outcome(
  look: PublishLook | undefined,
  part: ImagePart,
  id: string,
  before: StepInput['known']['image'],
): StepOutcome {
  const parts = look?.view.parts;
  const ids = { kernel: before?.kernelId, ramdisk: before?.ramdiskId, machine: before?.id };
  const [kernelId, ramdiskId] = [parts?.kernel.id, parts?.ramdisk.id];
  const image =
    part === 'machine' && kernelId !== undefined && ramdiskId !== undefined
      ? { image: { id, kernelId, ramdiskId } }
      : {};
  return { changed: ids[part] !== id, note: id, known: image };
}

function publishInput({ cloud, image, timing }: DeploymentSpec): PublishInput {
  if ('id' in image) throw new DeployError('INTERNAL', 'The image of this deployment has an id, and is not published.');
  return { cloud, image, poll: timing.poll, deadline: timing.deadline.publish };
}

function idOf({ cloud, image }: PublishInput): string {
  return imageWorkflowId(cloud, image);
}

const FILES = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root' } as const;

export function planPublish(part: ImagePart): (planning: Planning) => readonly PlannedAction[] {
  return ({ spec: { image } }) => {
    if ('id' in image) return [];
    const name = part === 'machine' ? image.name : `${image.name}-${part}`;
    const manifest = `${image.bucket}/${name}.manifest.xml`;
    const ids: Readonly<Record<string, string>> =
      part === 'machine' ? { KernelId: '<kernel>', RamdiskId: '<ramdisk>' } : {};
    return [
      {
        where: 'cloud',
        what: `PUT /${image.bucket}/${name}.part.<n>`,
        note: `the bundle of ${fileText(image[FILES[part]])}; parts that are there with the same MD5 are not sent`,
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
  const where = 'url' in file ? file.url : file.file;
  return file.inside === undefined ? where : `${file.inside} in ${where}`;
}
