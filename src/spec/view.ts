/** The face of a deployment before its first step: made by the client at the start, taken over by the workflow. */

import { STEPS } from './steps';
import type { DeploymentSpec, Resources } from './types';
import type { DeploymentView, Stage, StepProgress } from './messages';

export function freshView(spec: DeploymentSpec, known: Resources, stage: Stage = 'deploying'): DeploymentView {
  const steps: DeploymentView['steps'] = {};
  if (stage === 'deploying') {
    for (const { id } of STEPS) steps[id] = waiting();
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

export function consoleUrlOf(spec: Pick<DeploymentSpec, 'dns' | 'console'>): string {
  const { httpPort } = spec.console;
  return `http://${spec.dns.name}${httpPort === 80 ? '' : `:${httpPort}`}/`;
}

function waiting(): StepProgress {
  return { state: 'waiting' };
}
