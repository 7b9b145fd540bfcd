/**
 * Takes a published image back: what a run of ours published, as it is remembered and as it is marked. All else is left, and said: others
 * of the account may have registered under that name or from that place.
 */

import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import { IMAGE_PARTS } from '../../deployment/messages';
import type { ImagePart, PublishView } from '../../deployment/messages';
import type { Known } from '../../deployment/facts';
import type { ImageSpec } from '../../deployment/types';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage, ObjectStore } from '../ports';
import { isMarked } from './mark';
import { isOf, isRegistered, journalName, storedParts, targetOf } from './target';
import { NOTHING } from '../step';
import type { Target } from './target';
import type { StepInput, StepOutcome } from '../../deployment/activities';

/** Objects that are named, of those that are left. */
const NAMED = 3;

/** Deregisters the image and deletes its bundles. Others that run on it go on; nobody can launch it any more. */
export async function withdrawImage(
  deps: Dependencies,
  { spec: { cloud: where, image }, known }: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  if ('id' in image) return NOTHING;
  const id = imageWorkflowId(where, image);
  const look = await deps.publisher.look(id);
  if (look?.open === true) throw new DeployError('NOT_YET', `The image is being published by the workflow ${id}.`);
  const memory = memoryOf(look?.view, known);
  const [cloud, store, mark] = [
    await deps.clouds.open(where),
    await deps.clouds.store(where),
    await deps.publisher.mark(),
  ];
  const withdrawal = new Withdrawal(cloud, store, mark, memory, attempt);
  // What is bound to the others first.
  for (const part of [...IMAGE_PARTS].reverse()) {
    await withdrawal.part(image, part);
    await deps.files.discardJournal(journalName({ cloud: where, image, part }));
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
  /** What this deployment, or the newest run, knows to be published by a run of ours. */
  readonly images: ReadonlySet<ImagePart>;
  /** Whether there can be objects of ours. */
  readonly objects: boolean;
}

/** Where a run found that what is registered is another image, what that deployment remembers of an earlier one proves nothing. */
function memoryOf(view: PublishView | undefined, { image, publishing }: Known): Memory {
  const code = view?.error?.code;
  const images = IMAGE_PARTS.filter(
    (part) => view?.parts[part].ours === true || (image !== undefined && code !== 'IMAGE_NAME_TAKEN'),
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

  async part(image: ImageSpec, part: ImagePart): Promise<void> {
    const target = targetOf({ image, part });
    for (const each of await this.named(target)) {
      const reason = await this.reasonToLeave(each, target, part);
      if (reason !== undefined) this.left.push(`${each.id} (${target.name}): ${reason}`);
      else await this.deregister(each);
    }
    if (this.memory.objects) await this.objects(target);
  }

  private async named({ name }: Target): Promise<readonly CloudImage[]> {
    return (await this.cloud.ownImages()).filter((image) => image.name === name && isRegistered(image));
  }

  private async reasonToLeave(image: CloudImage, target: Target, part: ImagePart): Promise<string | undefined> {
    if (!isOf(target, image)) return `it is at ${image.location}, and not what this deployment publishes`;
    if (!isMarked(image, this.mark)) return `it does not say that it was published from here (${this.mark})`;
    if (!this.memory.images.has(part)) return 'this deployment does not know it as one that it published';
    const user = (await this.cloud.ownImages()).find(
      (other) => isRegistered(other) && (other.kernelId === image.id || other.ramdiskId === image.id),
    );
    return user === undefined ? undefined : `${user.id} needs it`;
  }

  private async deregister({ id }: CloudImage): Promise<void> {
    this.attempt.assertTimely();
    await this.cloud.deregisterImage(id);
    this.removed = true;
  }

  /** Those of ours, once nothing is registered from there. */
  private async objects(target: Target): Promise<void> {
    const { bucket, manifest, location } = target;
    const holder = (await this.cloud.imagesAt(location)).find(isRegistered);
    const keys = [manifest, ...(await storedParts(this.store, target)).map(({ key }) => key)];
    const foreign: string[] = [];
    for (const key of keys) {
      const there = await this.store.head(bucket, key);
      if (there === undefined) continue;
      if (holder !== undefined || there.owner !== this.mark) foreign.push(key);
      else {
        this.attempt.assertTimely();
        await this.store.remove(bucket, key);
        this.removed = true;
      }
    }
    this.sayObjects(bucket, foreign, holder);
  }

  private sayObjects(bucket: string, keys: readonly string[], holder: CloudImage | undefined): void {
    if (keys.length === 0) return;
    const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
    const why = holder === undefined ? 'not put there from here' : `${holder.id} is registered from there`;
    this.left.push(`${bucket}/${keys.slice(0, NAMED).join(', ')}${more}: ${why}`);
  }
}
