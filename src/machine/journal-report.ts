/** Reads the reports of the journal on the machine (`report` in journal-shell.ts). Strict: a report that was cut short is none. */

export const JOB_STATES = ['absent', 'running', 'finished', 'killed', 'rebooted', 'lost'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** An answer that was typed: to which prompt, and the length of the log at that moment. */
export interface TypedAnswer {
  readonly id: string;
  readonly offset: number;
}

export interface JobReport {
  readonly state: JobState;
  /** Exit status of a finished job. */
  readonly code?: number;
  /** The need of the job reported on: not the one asked for, if another one is still running. */
  readonly need: string;
  readonly offset: number;
  /** The log from `offset` on. */
  readonly bytes: Buffer;
  /** Length of the whole log. */
  readonly size: number;
  /** Milliseconds without output, as far as earlier reports saw, by the machine's uptime. */
  readonly quiet: number;
  /** For a lost job: why the journal cannot be written to; empty if it can. */
  readonly writeError: string;
  /** Oldest first. */
  readonly answered: readonly TypedAnswer[];
}

const REPORT =
  /(?:^|\n)stackato-journal (\w+) (-|\d+) (\S+) (\d+) (\d+) (\d+)\nanswered ?([^\n]*)\nwrite-error ?([A-Za-z0-9+/=]*)\nlog ?([A-Za-z0-9+/=]*)\nstackato-journal-end\n/;

/** Undefined if the report is not complete. */
export function parseReport(stdout: string): JobReport | undefined {
  const match = REPORT.exec(stdout);
  if (match === null) return undefined;
  const [, stateText, code, need = '', offset, size, quiet, answered = '', writeError = '', log = ''] = match;
  const state = JOB_STATES.find((known) => known === stateText);
  if (state === undefined) return undefined;
  return {
    state,
    ...(code === '-' ? {} : { code: Number(code) }),
    need,
    offset: Number(offset),
    bytes: Buffer.from(log, 'base64'),
    size: Number(size),
    quiet: Number(quiet) * 10,
    writeError: Buffer.from(writeError, 'base64').toString(),
    answered: parseAnswered(answered),
  };
}

function parseAnswered(text: string): TypedAnswer[] {
  return text
    .split(' ')
    .flatMap((entry) => {
      const match = /^(\d+)\.(\S+)$/.exec(entry);
      return match === null ? [] : [{ offset: Number(match[1]), id: match[2] ?? '' }];
    })
    .sort((a, b) => a.offset - b.offset);
}
