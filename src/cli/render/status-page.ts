/** A deployment on one page: `status` prints it once, the live view redraws it. */

import type { DeploymentStatus } from '../../client/status';
import type { UndoStatus } from '../../client/step-status';
import type { UndoNote } from '../../deployment/messages';
import { fitToRows } from './fit-rows';
import type { PageItem } from './fit-rows';
import { stepItem, undoItem } from './lines';
import { nextSteps } from './next-steps';
import { nodeCount, nodeItems } from './node-lines';
import { duration, oneLine, STAGE_STYLE } from './text';
import type { Paint } from './text';

export interface PageOptions {
  readonly now: number;
  readonly paint: Paint;
  /** Columns. Step lines are clipped to it; addresses and next steps never are. */
  readonly width: number;
  /** Rows; absent: any number. */
  readonly rows?: number;
}

export function statusPage(status: DeploymentStatus, { now, paint, width, rows = Infinity }: PageOptions): string {
  const options = { now, paint, width };
  const steps = status.steps.map((step) => stepItem(step, options));
  const undoing = undoItems(status, options);
  const [title, ...details] = head(status, now, paint);
  return fitToRows(
    {
      title,
      details,
      versions: nodeItems(status.nodes, options).map((nodes) => [...steps, ...nodes, ...undoing]),
      nextSteps: nextSteps(status),
    },
    { rows, width, paint },
  );
}

function head(status: DeploymentStatus, now: number, paint: Paint): [title: string, ...details: string[]] {
  const { name, release, cloud, stage, startedAt, closedAt, consoleUrl, workflowUrl, resources, nodes } = status;
  const { words, colour } = STAGE_STYLE[stage];
  const { address, instance, dns } = resources;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['console', consoleUrl],
    ['workflow', workflowUrl],
    [
      'address',
      address === undefined
        ? undefined
        : `${address.publicIp}${dns === undefined ? '' : ` (${dns.target.type} ${dns.target.value}, from ${dns.target.from})`}`,
    ],
    ['instance', instance?.id],
  ];
  return [
    `${paint.bold(name)}  ${paint[colour](words)}  ${duration((closedAt ?? now) - startedAt)}  Stackato ${release} on ${cloud}${nodes.length === 0 ? '' : `  ${nodeCount(nodes)}`}`,
    ...lines.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key.padEnd(9)} ${value}`])),
  ];
}

/** What is taken back, or could not be. */
export function undoItems(
  { undone, undoing }: { readonly undone: readonly UndoNote[]; readonly undoing: readonly UndoStatus[] },
  options: Pick<PageOptions, 'now' | 'paint' | 'width'>,
): PageItem[] {
  const { paint } = options;
  const notes = undone.map(({ what, ok, message }): PageItem => {
    const text = oneLine(what);
    return ok
      ? { fold: 'taken back', label: text, line: paint.green(`  ✓ taken back: ${text}`) }
      : {
          fold: undefined,
          label: text,
          line: paint.red(`  ✗ still there: ${text}${message === undefined ? '' : ` (${oneLine(message)})`}`),
        };
  });
  return [...notes, ...undoing.map((undo) => undoItem(undo, options))];
}
