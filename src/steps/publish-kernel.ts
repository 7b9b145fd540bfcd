import { awaitPublished, planPublish, startPublishing } from './publishing/await-published';
import { step } from './step';

export const publishKernel = step({
  id: 'publish-kernel',
  plan: planPublish('kernel'),
  activities: { startPublishing, awaitKernel: awaitPublished('kernel') },
});
