/** One command on the machine: adopts an effect that is already there; otherwise runs the command, once per need, and observes again, whatever it returned. */

import type { PromptId } from '../../machine/dialogue';
import { findJob } from '../../machine/journal';
import { diskError } from '../../machine/output';
import type { JobState } from '../../machine/journal-report';
import { parseReport } from '../../machine/journal-report';
import { DeployError } from '../../deployment/errors';
import type { StepId } from '../../deployment/steps';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import { runJob } from './run-job';
import type { JobOutcome } from './run-job';
import { notUnderstood, withCoreSession, withSession } from './session';
import type { RemoteSession } from '../ports';
import type { StepInput, StepOutcome } from '../../deployment/activities';
import type { StepWork } from '../step';

export interface MachineCommand<T> {
  /** Its jobs' folder on the machine. In each folder one job runs at a time. */
  readonly step: StepId | `${StepId}-${string}`;
  /** Default: the machine of the step's node. */
  readonly on?: 'core';
  observe(session: RemoteSession, input: StepInput): Promise<T>;
  /** The outcome, if the effect is there. `ran`: the command was run for this need. */
  done(state: T, ran: boolean, input: StepInput): Omit<StepOutcome, 'changed'> | undefined;
  command(input: StepInput, state: T): string;
  /** Throws if it must not be run now. Called only before it is started. */
  prepare?(deps: Dependencies, input: StepInput, state: T): Promise<void>;
  /** What messages call it; default: the command itself. */
  readonly shown?: string;
  /** The error that its output names, if its effect is not there. */
  failure?(output: string): DeployError | undefined;
  /** It can be run again, so one that was ended from outside is, without asking anybody. */
  readonly again?: true;
  /** In addition to the account's own password, which sudo gets. */
  answers?(state: T): Partial<Record<PromptId, string>>;
}

/** How long one attempt watches. A command that runs longer is watched by the next attempt, so that it holds no worker slot in between. */
const WATCH_MS = 20_000;

/** For a step that is a single command. */
export function byCommand<T>(work: MachineCommand<T>): StepWork {
  return (deps, input, attempt) => ensureByCommand(deps, input, attempt, work);
}

export async function ensureByCommand<T>(
  deps: Dependencies,
  input: StepInput,
  attempt: Attempt,
  work: MachineCommand<T>,
): Promise<StepOutcome> {
  const open = work.on === 'core' ? withCoreSession : withSession;
  return open(deps, input, async (session) => {
    const job = await jobState(session, input, work.step);
    const ran = job !== 'absent';
    const state = await work.observe(session, input);
    // A command that is still running may show half of its effect: wait for its end first.
    const there = job === 'running' ? undefined : work.done(state, ran, input);
    if (there !== undefined) return { changed: ran, ...there };
    if (job === 'absent') await work.prepare?.(deps, input, state);
    attempt.assertTimely();
    const need = await uncutNeed(session, input, work);
    const outcome = await watch(session, { ...input, need }, attempt, work, state);
    const after = work.done(await work.observe(session, input), true, input);
    if (after !== undefined) return { changed: true, ...after };
    if (outcome.need !== need)
      throw new DeployError('NOT_YET', `An earlier run of ${work.shown ?? work.command(input, state)} has just ended.`);
    const cut = outcome.state === 'rebooted' || outcome.state === 'lost';
    if (cut && work.again === true && !need.endsWith(`-run-${MOST_RUNS}`))
      throw new DeployError('NOT_YET', `The command ${ending(outcome)}, and is run again.`);
    const failure = work.failure?.(outcome.transcript);
    if (failure !== undefined) throw failure;
    throw new DeployError(
      codeOf(outcome),
      `${work.shown ?? work.command(input, state)} ${ending(outcome)} and its effect is not there. ${quoted(outcome)}`,
    );
  });
}

/** The need of the last run that was not cut off, or of another run. */
async function uncutNeed<T>(
  session: RemoteSession,
  input: StepInput,
  { step, again }: MachineCommand<T>,
): Promise<string> {
  let { need } = input;
  for (let run = 2; again === true && run <= MOST_RUNS; run += 1) {
    const state = await jobState(session, { ...input, need }, step);
    if (state !== 'rebooted' && state !== 'lost') return need;
    need = `${input.need}-run-${run}`;
  }
  return need;
}

/** Of a command that was cut off again and again. */
const MOST_RUNS = 5;

async function jobState(
  session: RemoteSession,
  { spec, need }: StepInput,
  step: MachineCommand<unknown>['step'],
): Promise<JobState> {
  const { command } = findJob({ deployment: spec.name, step, need });
  const reply = await session.exec(command);
  const report = parseReport(reply.stdout);
  if (report === undefined) throw notUnderstood('the journal of its commands', reply);
  return report.state;
}

async function watch<T>(
  session: RemoteSession,
  input: StepInput,
  attempt: Attempt,
  work: MachineCommand<T>,
  state: T,
): Promise<JobOutcome> {
  const { spec, need } = input;
  const command = work.command(input, state);
  const outcome = await runJob(
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
    throw new DeployError('COMMAND_RUNNING', `${work.shown ?? command} is still running. ${quoted(outcome)}`);
  if (outcome.state === 'stuck') throw stuck(work.shown ?? command, outcome);
  return outcome;
}

const REASONS: Readonly<Record<NonNullable<JobOutcome['reason']>, string>> = {
  'asked again': 'did not accept the answer',
  refused: 'refused the password',
  'no answer': 'asked for a value that is not known',
  'not understood': 'asked a question that is not understood',
};

export function stuck(command: string, outcome: JobOutcome): DeployError {
  const { prompt = '', reason = 'not understood' } = outcome;
  return new DeployError('DIALOGUE_STUCK', `${command} ${REASONS[reason]}: "${prompt}". ${quoted(outcome)}`);
}

/** A disk that cannot be written is the cause, whatever the command reports. */
function codeOf({ trouble, transcript }: JobOutcome): 'MACHINE_DISK' | 'COMMAND_NO_EFFECT' {
  return diskError(trouble ?? transcript) === undefined ? 'COMMAND_NO_EFFECT' : 'MACHINE_DISK';
}

/** Exit codes are shown but not trusted: `kato` of some releases always returns 0 (bug 103719). */
function ending({ state, code, trouble }: JobOutcome): string {
  if (state === 'rebooted') return 'was cut off by a reboot of the machine';
  if (state === 'lost')
    return `was ended on the machine without an exit status${trouble === undefined ? '' : ` (${trouble})`}`;
  return `ended${code === undefined ? '' : ` with ${code}`}`;
}

function quoted({ transcript, log }: JobOutcome): string {
  const said = transcript.trim();
  return `${said === '' ? 'It printed nothing' : `It printed: ${said.slice(-1_500)}`} (the whole log is ${log} on the machine)`;
}
