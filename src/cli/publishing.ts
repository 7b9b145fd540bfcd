/** `image publish`: starts it and follows it; Ctrl-C only stops the following. */

import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import type { Publishing } from '../client/publishing';
import { publishingChanges, publishingPage } from './render/publishing';
import type { Context } from './context';
import { detaching } from './detaching';
import { withDeployments } from './follow';
import { readSpec } from './spec-file';
import { viewOf } from './views';

export async function publishCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  return withDeployments(context, async (deployments) => {
    const { signal, over } = detaching();
    const view = await viewOf<Publishing>(context, { page: publishingPage, changes: publishingChanges });
    let last: Publishing | undefined;
    try {
      for await (const publishing of deployments.publishImage(spec, signal)) {
        last = publishing;
        view.show(publishing);
      }
    } finally {
      view.end();
      over();
    }
    if (last?.open === false) return last.view.stage === 'published' ? EXIT.done : EXIT.failed;
    context.note(`Detached; it goes on: stackato-deploy image publish ${path}`);
    return EXIT.detached;
  });
}
