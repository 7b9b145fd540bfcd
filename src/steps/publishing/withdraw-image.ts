/**
 * Deregisters a published image and deletes its bundles, as far as a run of ours published them: the memory and the marks must agree.
 * Everything else is left and reported, because others in the account may have registered images under that name or from that location.
 */

import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import { IMAGE_KINDS } from '../../deployment/spec';
import type { PublishView } from '../../deployment/messages';
import type { ImageKind, ImageSpec } from '../../deployment/spec';
import type { Known } from '../../deployment/facts';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage, ObjectStore } from '../ports';
import { isMarked } from './description';
import { isRegistered, journalName, listParts, matches, plannedImageOf } from './planned-image';
import type { PlannedImage } from './planned-image';
import { NOTHING } from '../step';
import type { StepInput, StepOutcome } from '../../deployment/activities';

/** How many of the objects that are left are named. */
const MAX_NAMED = 3;

/** Instances that run on the image keep running; nobody can launch it any more. */
export async function withdrawImage(
  deps: Dependencies,
  { spec: { cloud: cloudSpec, image }, known }: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  if ('id' in image) return NOTHING;
  const workflowId = imageWorkflowId(cloudSpec, image);
  const run = await deps.publisher.describe(workflowId);
  if (run?.open === true)
    throw new DeployError('NOT_YET', `The image is being published by the workflow ${workflowId}.`);
  const memory = memoryOf(run?.view, known);
  const [cloud, store, mark] = [
    await deps.clouds.open(cloudSpec),
    await deps.clouds.store(cloudSpec),
    await deps.publisher.mark(),
  ];
  const withdrawal = new Withdrawal(cloud, store, mark, memory, attempt);
  // The machine image first: it is bound to the others.
  for (const kind of [...IMAGE_KINDS].reverse()) {
    await withdrawal.withdraw(image, kind);
    await deps.files.discardJournal(journalName(cloudSpec, image, kind));
  }
  const left = withdrawal.left.join('; ');
  return {
    changed: withdrawal.removed || (attempt.number > 1 && left === ''),
    note: `image ${image.name}`,
    known: {},
    ...(left === '' ? {} : { left }),
  };
}

interface Memory {
  /** Kinds that were published by a run of ours, as this deployment or the newest run remembers. */
  readonly images: ReadonlySet<ImageKind>;
  /** Whether there can be objects of ours. */
  readonly objects: boolean;
}

/** If the newest run found another image registered, what the deployment remembers of an earlier run proves nothing. */
function memoryOf(view: PublishView | undefined, { image, publishing }: Known): Memory {
  const code = view?.error?.code;
  const images = IMAGE_KINDS.filter(
    (kind) => view?.parts[kind].ours === true || (image !== undefined && code !== 'IMAGE_NAME_TAKEN'),
  );
  return {
    images: new Set(images),
    objects: code !== 'IMAGE_BUCKET_FOREIGN' && (view !== undefined || image !== undefined || publishing !== undefined),
  };
}

class Withdrawal {
  removed = false;
  readonly left: string[] = [];

  constructor(
    private readonly cloud: Cloud,
    private readonly store: ObjectStore,
    private readonly mark: string,
    private readonly memory: Memory,
    private readonly attempt: Attempt,
  ) {}

  async withdraw(image: ImageSpec, kind: ImageKind): Promise<void> {
    const planned = plannedImageOf({ image, kind });
    for (const each of await this.registeredAs(planned)) {
      const reason = await this.reasonToLeave(each, planned, kind);
      if (reason !== undefined) this.left.push(`${each.id} (${planned.name}): ${reason}`);
      else await this.deregister(each);
    }
    if (this.memory.objects) await this.deleteObjects(planned);
  }

  private async registeredAs({ name }: PlannedImage): Promise<readonly CloudImage[]> {
    return (await this.cloud.ownImages()).filter((image) => image.name === name && isRegistered(image));
  }

  private async reasonToLeave(image: CloudImage, planned: PlannedImage, kind: ImageKind): Promise<string | undefined> {
    if (!matches(planned, image))
      return `it is registered from ${image.location}, which is not what this deployment publishes`;
    if (!isMarked(image, this.mark)) return `its description does not have the mark ${this.mark}`;
    if (!this.memory.images.has(kind)) return 'this deployment does not remember publishing it';
    const dependent = (await this.cloud.ownImages()).find(
      (other) => isRegistered(other) && (other.kernelId === image.id || other.ramdiskId === image.id),
    );
    return dependent === undefined ? undefined : `${dependent.id} needs it`;
  }

  private async deregister({ id }: CloudImage): Promise<void> {
    this.attempt.assertTimely();
    await this.cloud.deregisterImage(id);
    this.removed = true;
  }

  /** Only our own, and only if no image is registered from there any more. */
  private async deleteObjects(planned: PlannedImage): Promise<void> {
    const { bucket, manifestKey, location } = planned;
    const registered = (await this.cloud.imagesAt(location)).find(isRegistered);
    const keys = [manifestKey, ...(await listParts(this.store, planned)).map(({ key }) => key)];
    const foreign: string[] = [];
    for (const key of keys) {
      const object = await this.store.head(bucket, key);
      if (object === undefined) continue;
      if (registered !== undefined || object.owner !== this.mark) foreign.push(key);
      else {
        this.attempt.assertTimely();
        await this.store.remove(bucket, key);
        this.removed = true;
      }
    }
    this.reportObjects(bucket, foreign, registered);
  }

  private reportObjects(bucket: string, keys: readonly string[], registered: CloudImage | undefined): void {
    if (keys.length === 0) return;
    const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : '';
    const why =
      registered === undefined ? 'not uploaded by this installation' : `${registered.id} is registered from there`;
    this.left.push(`${bucket}/${keys.slice(0, MAX_NAMED).join(', ')}${more}: ${why}`);
  }
}
