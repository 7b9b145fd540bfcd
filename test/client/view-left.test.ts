import { strict as assert } from 'node:assert';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { viewLeft } from '../../src/client/nodes';
import type { Temporal } from '../../src/client/temporal';
import { noFacts } from '../../src/deployment/facts';
import type { NodeFacts } from '../../src/deployment/facts';
import { freshView, memoOf } from '../../src/deployment/view';
import { clusterNamed } from '../support/specs';

const spec = clusterNamed('dev', [{ name: 'dea', count: 1 }]);

function described(status: 'RUNNING' | 'TERMINATED', facts: NodeFacts = {}): WorkflowExecutionDescription {
  const view = freshView(spec, { site: {}, nodes: { core: {}, 'dea-1': facts } }, 'deploying', 'dea-1');
  return {
    status: { name: status },
    startTime: new Date(0),
    memo: memoOf(view),
    raw: { pendingActivities: [] },
  } as unknown as WorkflowExecutionDescription;
}

async function leftBy(
  deployment: WorkflowExecutionDescription,
  ...node: readonly WorkflowExecutionDescription[]
): Promise<NodeFacts | undefined> {
  const answers = [...node];
  const temporal = { describe: () => Promise.resolve(answers.shift()) } as unknown as Temporal;
  return (await viewLeft(temporal, deployment, freshView(spec, noFacts()))).facts.nodes['dea-1'];
}

describe('what a run left of a node', () => {
  const launching: NodeFacts = { launchRequest: { call: 'launchInstance' } };

  it('14: is read once its workflow has ended, too: a moment before, it may have begun a launch', async () => {
    const [open, ended] = [described('RUNNING'), described('TERMINATED', launching)];
    assert.deepEqual(await leftBy(described('TERMINATED'), open, open, ended), launching);
  });

  it('is what its workflow says, while the deployment is under way', async () => {
    assert.deepEqual(await leftBy(described('RUNNING'), described('RUNNING', launching)), launching);
  });
});
