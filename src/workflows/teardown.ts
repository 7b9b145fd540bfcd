import { ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { DeploymentView, TeardownInput } from '../deployment/messages';
import { freshView } from '../deployment/view';
import { hasNodes } from '../deployment/cluster';
import { Progress } from './progress';
import { undoEverything } from './undo';

/** Removes what a deployment made, and nothing else. Can be run again safely. */
export async function teardownStackato({ spec, facts, images, volumes }: TeardownInput): Promise<DeploymentView> {
  const progress = new Progress(freshView(spec, facts, 'undoing'), { batched: hasNodes(spec, facts) });
  const requested = { images: images === true, volumes: volumes === true };
  const clean = await CancellationScope.nonCancellable(() => undoEverything(spec, progress, () => requested));
  progress.stage(clean ? 'removed' : 'failed');
  progress.flush();
  if (!clean)
    throw ApplicationFailure.nonRetryable('Not everything could be taken back; `down` tries again.', 'UNDO_INCOMPLETE');
  return progress.view;
}
