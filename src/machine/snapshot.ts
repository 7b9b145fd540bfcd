/** Reads what the journal on the VM reports. Strict: a reply that was cut short, or is something else, is no reply. */

export const JOB_STATES = ['absent', 'running', 'finished', 'killed', 'rebooted', 'lost'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** An answer that was typed: to which prompt, and how long the log was then. */
export interface Said {
  readonly id: string;
  readonly offset: number;
}

export interface Snapshot {
  readonly state: JobState;
  /** Exit status of a finished job. */
  readonly code?: number;
  /** The need that runs: another one than asked for, where that still ran. */
  readonly need: string;
  readonly offset: number;
  /** Of the log, from `offset` on. */
  readonly bytes: Buffer;
  /** Length of the whole log. */
  readonly size: number;
  /** Milliseconds without output as far as the looks at it saw, by the machine's uptime. */
  readonly quiet: number;
  /** What keeps the journal from being written to, where it is. Of a lost job. */
  readonly trouble: string;
  /** Oldest first. */
  readonly said: readonly Said[];
}

const REPLY =
  /(?:^|\n)stackato-journal (\w+) (-|\d+) (\S+) (\d+) (\d+) (\d+)\nsaid ?([^\n]*)\ntrouble ?([A-Za-z0-9+/=]*)\nlog ?([A-Za-z0-9+/=]*)\nstackato-journal-end\n/;

/** Undefined where the reply is not whole. */
export function parseSnapshot(stdout: string): Snapshot | undefined {
  const match = REPLY.exec(stdout);
  if (match === null) return undefined;
  const [, stateText, code, need = '', offset, size, quiet, said = '', trouble = '', log = ''] = match;
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
    trouble: Buffer.from(trouble, 'base64').toString(),
    said: parseSaid(said),
  };
}

function parseSaid(text: string): Said[] {
  return text
    .split(' ')
    .flatMap((entry) => {
      const match = /^(\d+)\.(\S+)$/.exec(entry);
      return match === null ? [] : [{ offset: Number(match[1]), id: match[2] ?? '' }];
    })
    .sort((a, b) => a.offset - b.offset);
}
