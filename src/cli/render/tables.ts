/** The tables of `list` and `doctor`. */

import type { CheckResult } from '../../client/doctor';
import type { ListedDeployment } from '../../client/list';
import { countText } from './node-lines';
import { namesText, oneLine, STAGE_STYLE, timestamp } from './text';
import type { Paint } from './text';

const NONE = 'There are no deployments. Start one: stackato-deploy up <spec>';

export function listTable(deployments: readonly ListedDeployment[], paint: Paint): string {
  if (deployments.length === 0) return NONE;
  const rows = deployments.map(({ name, stage, cloud, host, startedAt, attention, nodes }) => [
    name,
    STAGE_STYLE[stage].words,
    cloud,
    host,
    timestamp(startedAt),
    [...(nodes === undefined ? [] : [countText(nodes.ready, nodes.all)]), ...attentionTexts(attention)].join(', '),
  ]);
  return padded([['NAME', 'STAGE', 'CLOUD', 'HOST', 'STARTED', ''], ...rows])
    .map((cells, i) => {
      const stage = deployments[i - 1]?.stage;
      if (stage === undefined) return paint.dim(cells.join('  ').trimEnd());
      return cells
        .map((cell, column) => (column === 1 ? paint[STAGE_STYLE[stage].colour](cell) : cell))
        .join('  ')
        .trimEnd();
    })
    .join('\n');
}

/** Nodes with the same error together. */
function attentionTexts(attention: ListedDeployment['attention']): readonly string[] {
  const nodes = new Map<string, string[]>();
  for (const { node, step, code } of attention) {
    const error = `${step}: ${code ?? ''}`;
    nodes.set(error, [...(nodes.get(error) ?? []), ...(node === undefined ? [] : [node])]);
  }
  return [...nodes].map(([error, names]) => (names.length === 0 ? error : `${namesText(names)} ${error}`));
}

/** Every cell as wide as its column. */
function padded(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
}

export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  return padded(rows).map((cells) => cells.join('  ').trimEnd());
}

/** The longest name of a check. Fixed, because lines are printed one by one. */
const CHECK_WIDTH = 20;

export function checkLine({ check, ok, message, code, remedy }: CheckResult, paint: Paint): string {
  const text = `${check.padEnd(CHECK_WIDTH)}  ${code === undefined ? '' : `${code}: `}${oneLine(message)}`;
  if (ok) return `${paint.green('✓')} ${text}`;
  return [
    `${paint.red('✗')} ${text}`,
    ...(remedy === undefined ? [] : [`  ${' '.repeat(CHECK_WIDTH)}  ${remedy}`]),
  ].join('\n');
}

export function checkSummary(findings: readonly CheckResult[]): string {
  const bad = findings.filter(({ ok }) => !ok).length;
  return `\n${bad === 0 ? 'All checks passed.' : `${bad} of ${findings.length} checks failed.`}`;
}
