/** Words and colours that every view shares. Pure: time comes in. */

import { createColors } from 'picocolors';
import type { Stage, StepState } from '../../spec/messages';
import type { AttemptFailure } from '../../client/pending';

export type Paint = ReturnType<typeof createColors>;

export function paintIf(coloured: boolean): Paint {
  return createColors(coloured);
}

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'reset';

/** The same marks as in the Web UI (workflows/progress.ts). */
export const STEP_LOOK: Readonly<Record<StepState, { readonly mark: string; readonly colour: Colour }>> = {
  waiting: { mark: '·', colour: 'dim' },
  running: { mark: '▶', colour: 'cyan' },
  done: { mark: '✓', colour: 'green' },
  unchanged: { mark: '=', colour: 'green' },
  skipped: { mark: '↷', colour: 'yellow' },
  attention: { mark: '✗', colour: 'red' },
  'not-needed': { mark: '–', colour: 'dim' },
};

export const STAGE_LOOK: Readonly<Record<Stage, { readonly words: string; readonly colour: Colour }>> = {
  deploying: { words: 'deploying', colour: 'cyan' },
  paused: { words: 'paused', colour: 'yellow' },
  'needs-attention': { words: 'needs attention', colour: 'red' },
  ready: { words: 'ready', colour: 'green' },
  undoing: { words: 'being taken back', colour: 'yellow' },
  aborted: { words: 'aborted', colour: 'yellow' },
  removed: { words: 'removed', colour: 'green' },
  failed: { words: 'failed', colour: 'red' },
};

/** `0.4s`, `45s`, `2m 05s`, `1h 02m`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** UTC, to the second. */
export function clock(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** "Not there yet" is no error: its code would only frighten. */
export function failureText({ code, message, notYet }: AttemptFailure): string {
  return notYet || code === undefined ? oneLine(message) : `${code}: ${oneLine(message)}`;
}

/** A message may quote a machine's output: no line ends, and nothing that would steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}

export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
