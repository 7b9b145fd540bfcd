/** The face of a deployment before its first step: made by the client at the start, taken over by the workflow. */

import { STEPS } from './steps';
import type { StepId } from './steps';
import type { DeploymentSpec, Resources } from './types';
import type { DeploymentView, PublishInput, PublishView, Stage, StepProgress } from './messages';

export function freshView(spec: DeploymentSpec, known: Resources, stage: Stage = 'deploying'): DeploymentView {
  const steps: DeploymentView['steps'] = {};
  if (stage === 'deploying') {
    for (const { id } of STEPS)
      steps[id] =
        PUBLISHING.includes(id) && 'id' in spec.image ? { state: 'not-needed', note: 'image has an id' } : waiting();
  }
  return {
    name: spec.name,
    release: spec.release,
    cloud: spec.cloud.kind,
    host: spec.dns.name,
    consoleUrl: consoleUrlOf(spec),
    stage,
    steps,
    resources: { ...known },
    undone: [],
  };
}

export function freshPublishView({ image, cloud }: Pick<PublishInput, 'image' | 'cloud'>): PublishView {
  return {
    image,
    cloud: cloud.kind,
    stage: 'publishing',
    parts: { kernel: { state: 'waiting' }, ramdisk: { state: 'waiting' }, machine: { state: 'waiting' } },
  };
}

/** Not among the things a workflow says: what ran before there were such steps must still replay. */
const PUBLISHING: readonly StepId[] = ['publish-kernel', 'publish-ramdisk', 'publish-image'];

export function consoleUrlOf(spec: Pick<DeploymentSpec, 'dns' | 'console'>): string {
  const { httpPort } = spec.console;
  return `http://${spec.dns.name}${httpPort === 80 ? '' : `:${httpPort}`}/`;
}

function waiting(): StepProgress {
  return { state: 'waiting' };
}
