import { awaitPublished, planPublish, startPublishing } from './publishing/wait';
import { withdrawImage } from './publishing/withdraw';
import { step } from './step';

/** The machine image, bound to kernel and ramdisk. Undoing it takes back all three, with `down --images` only. */
export const publishImage = step({
  id: 'publish-image',
  plan: planPublish('machine'),
  activities: { startPublishing, awaitImage: awaitPublished('machine') },
  undo: withdrawImage,
});
