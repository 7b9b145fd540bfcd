/** Initial views of a deployment and of publishing an image: the client puts them into the memo at the start, and the workflow updates them. */

import { CORE } from './facts';
import { stepsOn } from './steps';
import type { Facts } from './facts';
import type { DeploymentSpec } from './spec';
import type { DeploymentView, PublishInput, PublishView, Stage } from './messages';

export function freshView(spec: DeploymentSpec, facts: Facts, stage: Stage = 'deploying'): DeploymentView {
  const steps: DeploymentView['steps'] = {};
  if (stage === 'deploying') {
    for (const { id, notNeeded } of stepsOn(spec, CORE)) {
      const reason = notNeeded?.(spec);
      steps[id] = reason === undefined ? { state: 'waiting' } : { state: 'not-needed', note: reason };
    }
  }
  return {
    name: spec.name,
    release: spec.release,
    cloud: spec.cloud.kind,
    host: spec.dns.name,
    consoleUrl: consoleUrlOf(spec),
    stage,
    steps,
    facts: { site: { ...facts.site }, nodes: { core: { ...facts.nodes.core } } },
    nodes: {},
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

export function consoleUrlOf(spec: Pick<DeploymentSpec, 'dns' | 'console'>): string {
  const { httpPort } = spec.console;
  return `http://${spec.dns.name}${httpPort === 80 ? '' : `:${httpPort}`}/`;
}
