import { awaitPublished, planPublish, startPublishing } from './publishing/await-published';
import { withdrawImage } from './publishing/withdraw-image';
import { step } from './step';

/** The machine image, bound to kernel and ramdisk. Undoing it takes back all three, with `down --images` only. */
export const publishImage = step({
  id: 'publish-image',
  plan: planPublish('machine'),
  activities: { startPublishing, awaitImage: awaitPublished('machine') },
  undo: withdrawImage,
});
