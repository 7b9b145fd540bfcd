/**
 * Records the golden histories of deployments with one machine anew: `npm run build && npx tsx test/replay/record.ts`. Only if the workflow code
 * changed on purpose and no deployment of the old code can still be open. Otherwise use `patched` and add a history.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { WorkflowHandle } from '@temporalio/client';
import { addressDeskId, imageWorkflowId, workflowIdOf } from '../../src/deployment/names';
import { Site } from '../support/site';
import type { Kind } from '../../lab/types';
import { FOLDER } from './histories';

async function save(name: string, handle: WorkflowHandle): Promise<void> {
  writeFileSync(join(FOLDER, `${name}.json`), historyToJSON(await handle.fetchHistory()));
}

async function main(site: Site, queue: string, kind: Kind): Promise<void> {
  await site.worker(kind, queue);
  const { client } = await site.temporal(queue);

  const happy = await site.start(site.spec('happy', kind), queue);
  const { view } = await happy.result();
  await save('happy-static', happy.handle);

  const again = await site.start(site.spec('happy', kind), queue, view.facts);
  await again.result();
  await save('unchanged', again.handle);

  const parked = await site.start(
    site.spec('parked', kind, { admin: undefined, network: 'dhcp' }, { memoryMiB: 1000 }),
    queue,
  );
  await parked.untilStage('needs-attention');
  site.appliance('parked').setKnobs({ memoryMiB: 0 });
  await parked.say('pause');
  await parked.say('resume');
  await parked.result();
  await save('parked-resumed-dhcp', parked.handle);

  const aborted = await site.start(site.spec('aborted', kind, {}, { memoryMiB: 1000 }), queue);
  const { facts } = await aborted.untilStage('needs-attention');
  await aborted.say('abort');
  await aborted.result();
  await save('aborted', aborted.handle);

  const spec = site.spec('published', kind, { image: site.imageOf('published', kind) });
  const published = await site.start(spec, queue);
  const { view: fromFiles } = await published.result();
  await save('published', published.handle);
  if (!('id' in spec.image))
    await save('publish-image', client.workflow.getHandle(imageWorkflowId(spec.cloud, spec.image)));
  await site.teardown(spec, queue, fromFiles.facts);

  for (const name of ['happy', 'parked'])
    await site.teardown(site.spec(name, kind), queue, name === 'happy' ? view.facts : (await parked.view()).facts);
  await save('removed', client.workflow.getHandle(workflowIdOf('happy')));
  const desk = client.workflow.getHandle(addressDeskId(facts.site.account ?? ''));
  await desk.result();
  await save('address-desk', desk);
}

async function record(): Promise<void> {
  const site = await Site.open({ kernelRights: true });
  try {
    await main(site, 'record', 'eucalyptus-4.4');
  } finally {
    await site.close();
  }
}

record().then(
  // The native part of the SDK would keep the process running.
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
