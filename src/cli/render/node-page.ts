/** One node of a deployment on a page, with its steps. */

import type { NodeDetails } from '../../client/status';
import { fitToRows } from './fit-rows';
import { stepItem } from './lines';
import { nodeNextSteps } from './next-steps';
import { undoItems } from './status-page';
import type { PageOptions } from './status-page';
import { duration, NODE_STYLE } from './text';
import type { Paint } from './text';

export function nodePage(node: NodeDetails, { now, paint, width, rows = Infinity }: PageOptions): string {
  const options = { now, paint, width };
  const items = [...node.steps.map((step) => stepItem(step, options)), ...undoItems(node, options)];
  const [title, ...details] = head(node, now, paint);
  return fitToRows({ title, details, versions: [items], nextSteps: nodeNextSteps(node) }, { rows, width, paint });
}

function head(node: NodeDetails, now: number, paint: Paint): [title: string, ...details: string[]] {
  const { deployment, name, stage, release, cloud, host, roles, instance, run } = node;
  const { state, colour } = NODE_STYLE[stage];
  const time = run === undefined ? '' : `  ${duration((run.closedAt ?? now) - run.startedAt)}`;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['host', host],
    ['roles', roles.length === 0 ? undefined : roles.join(', ')],
    ['workflow', run?.workflowUrl],
    ['address', instance?.privateIp],
    ['instance', instance?.id],
  ];
  return [
    `${paint.bold(`${deployment} ${name}`)}  ${paint[colour](state)}${time}  Stackato ${release} on ${cloud}`,
    ...lines.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key.padEnd(9)} ${value}`])),
  ];
}
