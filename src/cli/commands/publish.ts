/** `image publish`: starts the publishing and follows it. */

import { EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import type { Context } from '../context';
import { follow } from '../follow';
import { readSpec } from '../read-spec';
import { publishChanges, publishPage } from '../render/publish';
import { withDeployments } from './deployments';

export async function publishCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  return withDeployments(context, async (deployments) => {
    const { last } = await follow(context, (signal) => deployments.publishImage(spec, signal), {
      page: publishPage,
      changes: publishChanges,
    });
    if (last?.open === false) return last.view.stage === 'published' ? EXIT.done : EXIT.failed;
    context.note(`Detached; it goes on: stackato-deploy image publish ${path}`);
    return EXIT.detached;
  });
}
