/** Initial views of a deployment and of publishing an image: the client puts them into the memo at the start, and the workflow updates them. */

import { groupNameIn, hostOf, isNothing, unwantedNodes, wantedNodes } from './cluster';
import { CORE } from './facts';
import { MEMO_NODE, MEMO_VIEW } from './names';
import { STEPS, stepsOn } from './steps';
import type { Facts, NodeName } from './facts';
import type { DeploymentSpec } from './spec';
import type { DeploymentView, NodeRow, PublishInput, PublishView, Stage } from './messages';

/** @param node whose workflow it is; `core`: that of the deployment, which has a row for each other node */
export function freshView(
  spec: DeploymentSpec,
  facts: Facts,
  stage: Stage = 'deploying',
  node: NodeName = CORE,
): DeploymentView {
  const steps: DeploymentView['steps'] = {};
  if (stage === 'deploying') {
    for (const { id, notNeeded } of stepsOn(spec, node)) {
      const reason = notNeeded?.(spec);
      steps[id] = reason === undefined ? { state: 'waiting' } : { state: 'not-needed', note: reason };
    }
  }
  const nodes = node === CORE ? freshRows(spec, facts, stage) : {};
  const known = Object.entries(facts.nodes).filter(([name]) => node === CORE || name === CORE || name === node);
  return {
    name: spec.name,
    release: spec.release,
    cloud: spec.cloud.kind,
    host: hostOf(spec, node),
    consoleUrl: consoleUrlOf(spec),
    ...(node === CORE ? {} : { node }),
    stage,
    steps,
    facts: {
      site: { ...facts.site },
      nodes: { core: {}, ...Object.fromEntries(known.map(([name, each]) => [name, { ...each }])) },
    },
    nodes,
    undone: [],
  };
}

/** Whether its deployment has nodes, by the steps that it takes. */
export function isOfCluster({ steps }: Pick<DeploymentView, 'steps'>): boolean {
  return STEPS.some(({ id, only }) => only === 'clusters' && steps[id] !== undefined);
}

/** Of the nodes that are wanted, and of those that are to be removed. */
function freshRows(spec: DeploymentSpec, { nodes }: Facts, stage: Stage): Record<NodeName, NodeRow> {
  const names =
    stage === 'undoing'
      ? Object.keys(nodes).filter((node) => node !== CORE && !isNothing(nodes[node]))
      : [...wantedNodes(spec), ...unwantedNodes(spec, nodes)];
  const row = (node: NodeName): NodeRow => ({
    group: groupNameIn(node),
    stage: stage === 'undoing' ? 'removing' : 'waiting',
    facts: { ...nodes[node] },
  });
  return Object.fromEntries(names.map((node) => [node, row(node)]));
}

/** The memo that holds a view: rows of nodes, with their facts, have keys of their own. */
export function memoOf({ nodes, ...view }: DeploymentView): Record<string, unknown> {
  const { site, nodes: of } = view.facts;
  const others = Object.entries(of).filter(([node]) => nodes[node] === undefined);
  return {
    [MEMO_VIEW]: { ...view, facts: { site, nodes: Object.fromEntries(others) }, nodes: {} },
    ...Object.fromEntries(Object.entries(nodes).map(([node, row]) => [`${MEMO_NODE}${node}`, row])),
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
