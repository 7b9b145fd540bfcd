import { awaitPublished, planPublish, startPublishing } from './publishing/await-published';
import { step } from './step';

export const publishRamdisk = step({
  id: 'publish-ramdisk',
  plan: planPublish('ramdisk'),
  activities: { startPublishing, awaitRamdisk: awaitPublished('ramdisk') },
});
