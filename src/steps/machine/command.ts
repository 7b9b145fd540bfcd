/** One command on the machine: effect there already? adopt; else run it, once per need; then look again, whatever it returned. */

import type { PromptId } from '../../machine/dialogue';
import { findJob } from '../../machine/journal';
import { diskError } from '../../machine/output';
import type { JobState } from '../../machine/journal-report';
import { parseReport } from '../../machine/journal-report';
import { DeployError } from '../../deployment/errors';
import type { StepId } from '../../deployment/steps';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import { runDetached } from './run-detached';
import type { DetachedOutcome } from './run-detached';
import { notUnderstood, withSession } from './session';
import type { RemoteSession } from '../ports';
import type { StepInput, StepOutcome } from '../../deployment/activities';
import type { StepWork } from '../step';

export interface MachineCommand<T> {
  readonly step: StepId;
  observe(session: RemoteSession, input: StepInput): Promise<T>;
  /** What came of it, where the effect is there; `ran`: the command was run for this need. */
  done(state: T, ran: boolean, input: StepInput): Omit<StepOutcome, 'changed'> | undefined;
  command(input: StepInput): string;
  /** Beside the account's own password, which is given to sudo. */
  answers?(state: T): Partial<Record<PromptId, string>>;
}

/** How long one attempt watches. What runs longer is watched by the next: no worker's slot is held meanwhile. */
const WATCH_MS = 20_000;

/** The work of a step that is one command. */
export function byCommand<T>(work: MachineCommand<T>): StepWork {
  return (deps, input, attempt) => ensureByCommand(deps, input, attempt, work);
}

export async function ensureByCommand<T>(
  deps: Dependencies,
  input: StepInput,
  attempt: Attempt,
  work: MachineCommand<T>,
): Promise<StepOutcome> {
  return withSession(deps, input, async (session) => {
    const job = await jobState(session, input, work.step);
    const ran = job !== 'absent';
    const state = await work.observe(session, input);
    // A command that still runs may have shown half of its effect: it is seen to its end first.
    const there = job === 'running' ? undefined : work.done(state, ran, input);
    if (there !== undefined) return { changed: ran, ...there };
    attempt.assertTimely();
    const outcome = await watch(session, input, attempt, work, state);
    const after = work.done(await work.observe(session, input), true, input);
    if (after !== undefined) return { changed: true, ...after };
    throw new DeployError(
      codeOf(outcome),
      `${work.command(input)} ${ending(outcome)} and its effect is not there. ${quoted(outcome)}`,
    );
  });
}

async function jobState(session: RemoteSession, { spec, need }: StepInput, step: StepId): Promise<JobState> {
  const { command } = findJob({ deployment: spec.name, step, need });
  const reply = await session.exec(command);
  const snapshot = parseReport(reply.stdout);
  if (snapshot === undefined) throw notUnderstood('the journal of its commands', reply);
  return snapshot.state;
}

async function watch<T>(
  session: RemoteSession,
  input: StepInput,
  attempt: Attempt,
  work: MachineCommand<T>,
  state: T,
): Promise<DetachedOutcome> {
  const { spec, need } = input;
  const command = work.command(input);
  const outcome = await runDetached(
    session,
    {
      deployment: spec.name,
      step: work.step,
      need,
      command,
      answers: { ...work.answers?.(state), ...(session.password === undefined ? {} : { password: session.password }) },
    },
    { budgetMs: WATCH_MS, signal: attempt.signal, onOutput: (line) => attempt.report(line === '' ? '' : `"${line}"`) },
  );
  if (outcome.state === 'running')
    throw new DeployError('COMMAND_RUNNING', `${command} still runs. ${quoted(outcome)}`);
  if (outcome.state === 'stuck') throw stuck(command, outcome);
  return outcome;
}

const REASONS: Readonly<Record<NonNullable<DetachedOutcome['reason']>, string>> = {
  'asked again': 'was not content with the answer',
  refused: 'refused the password',
  'no answer': 'asked for what is not known',
  'not understood': 'asked what is not understood',
};

export function stuck(command: string, outcome: DetachedOutcome): DeployError {
  const { prompt = '', reason = 'not understood' } = outcome;
  return new DeployError('DIALOGUE_STUCK', `${command} ${REASONS[reason]}: "${prompt}". ${quoted(outcome)}`);
}

/** Where nothing can be written, that is the cause, whatever the command makes of it. */
function codeOf({ trouble, transcript }: DetachedOutcome): 'MACHINE_DISK' | 'COMMAND_NO_EFFECT' {
  return diskError(trouble ?? transcript) === undefined ? 'COMMAND_NO_EFFECT' : 'MACHINE_DISK';
}

/** Exit codes are shown and not believed: `kato` of some releases always says 0 (bug 103719). */
function ending({ state, code, trouble }: DetachedOutcome): string {
  if (state === 'rebooted') return 'was cut off (the machine went down under it)';
  if (state === 'lost')
    return `was ended on the machine without an exit status${trouble === undefined ? '' : ` (${trouble})`}`;
  return `ended${code === undefined ? '' : ` with ${code}`}`;
}

function quoted({ transcript, log }: DetachedOutcome): string {
  const said = transcript.trim();
  return `${said === '' ? 'It printed nothing' : `It printed: ${said.slice(-1_500)}`} (all of it in ${log} on the machine)`;
}
