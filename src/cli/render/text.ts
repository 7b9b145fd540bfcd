/** Words, colours and marks that all output shares. Pure: the time is an argument. */

import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';
import type { NodeStatusStage } from '../../client/nodes';
import type { Stage, StepState } from '../../deployment/messages';
import type { AttemptFailure } from '../../temporal/pending';

export type Paint = ReturnType<typeof createColors>;

export function paintIf(coloured: boolean): Paint {
  return createColors(coloured);
}

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'reset';

/** The same marks as in the Web UI (workflows/progress.ts). */
export const STEP_STYLE: Readonly<Record<StepState, { readonly mark: string; readonly colour: Colour }>> = {
  waiting: { mark: '·', colour: 'dim' },
  running: { mark: '▶', colour: 'cyan' },
  done: { mark: '✓', colour: 'green' },
  unchanged: { mark: '=', colour: 'green' },
  skipped: { mark: '↷', colour: 'yellow' },
  attention: { mark: '✗', colour: 'red' },
  'not-needed': { mark: '–', colour: 'dim' },
};

export const STAGE_STYLE: Readonly<Record<Stage, { readonly words: string; readonly colour: Colour }>> = {
  deploying: { words: 'deploying', colour: 'cyan' },
  paused: { words: 'paused', colour: 'yellow' },
  'needs-attention': { words: 'needs attention', colour: 'red' },
  ready: { words: 'ready', colour: 'green' },
  undoing: { words: 'being taken back', colour: 'yellow' },
  aborted: { words: 'aborted', colour: 'yellow' },
  removed: { words: 'removed', colour: 'green' },
  failed: { words: 'failed', colour: 'red' },
};

export const NODE_STYLE: Readonly<
  Record<NodeStatusStage, { readonly mark: string; readonly state: string; readonly colour: Colour }>
> = {
  'needs-attention': { mark: '✗', state: 'attention', colour: 'red' },
  lost: { mark: '✗', state: 'lost', colour: 'red' },
  aborted: { mark: '–', state: 'aborted', colour: 'yellow' },
  paused: { mark: '·', state: 'paused', colour: 'yellow' },
  undoing: { mark: '▶', state: 'undoing', colour: 'yellow' },
  removing: { mark: '▶', state: 'removing', colour: 'yellow' },
  deploying: { mark: '▶', state: 'deploying', colour: 'cyan' },
  ready: { mark: '✓', state: 'ready', colour: 'green' },
  held: { mark: '·', state: 'held', colour: 'yellow' },
  waiting: { mark: '·', state: 'waiting', colour: 'dim' },
};

/** `dea-1 … dea-17, router-1`: numbers without a gap are told by the first and the last. */
export function namesText(names: readonly string[]): string {
  const runs: string[][] = [];
  for (const name of names) {
    const run = runs.at(-1);
    if (run?.at(-1) !== undefined && follows(name, run.at(-1) ?? '')) run.push(name);
    else runs.push([name]);
  }
  return runs.map((run) => (run.length < 3 ? run.join(', ') : `${run[0] ?? ''} … ${run.at(-1) ?? ''}`)).join(', ');
}

function follows(name: string, before: string): boolean {
  const [, word, number] = /^(.*-)(\d+)$/.exec(before) ?? [];
  return word !== undefined && name === `${word}${Number(number) + 1}`;
}

/** `0.4s`, `45s`, `2m 05s`, `1h 02m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** UTC, to the second. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Without the code where it is just not there yet: that is not an error. */
export function failureText({ code, message, notYet }: AttemptFailure): string {
  return notYet || code === undefined ? oneLine(message) : `${code}: ${oneLine(message)}`;
}

/** A message may quote a machine's output: without line ends and terminal control characters. */
export function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}

export function clip(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (columnsOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** East Asian characters and emoji take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;
const NARROW = /[\u0300-\u036f\u200b-\u200f\ufe00-\ufe0f]/gu;

/** Columns that a line takes, without its colours. */
export function columnsOf(line: string): number {
  const text = stripVTControlCharacters(line);
  return Array.from(text.replace(NARROW, '')).length + (text.match(WIDE)?.length ?? 0);
}

/** Rows that lines take on a terminal of that width. */
export function rowsOf(lines: readonly string[], width: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / width)), 0);
}

const ASCII: Readonly<Record<string, string>> = {
  '✓': '+',
  '✗': 'x',
  '▶': '>',
  '·': '.',
  '↷': '~',
  '–': '-',
  '—': '-',
  '→': '->',
  '“': '"',
  '”': '"',
  '’': "'",
};

/** For terminals and locales that can show nothing else. Marks stay one column wide. */
export function ascii(text: string): string {
  // A clipped line must not become wider.
  return text
    .replace(/…$/gm, '~')
    .replaceAll('…', '...')
    .replace(/[^\u0000-\u007f]/gu, (character) => ASCII[character] ?? '?');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(count: number): string {
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power] ?? ''}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
