import { rebootJob } from '../machine/system';
import { stepsStartedIn } from '../machine/journal';
import { inSections } from '../machine/shell';
import { DeployError } from '../deployment/errors';
import { NEED_REBOOT } from '../deployment/steps';
import { stuck } from './machine/command';
import type { Attempt } from './attempt';
import { runJob } from './machine/run-job';
import { required } from './known';
import { bootIdOf, readSections, withSession } from './machine/session';
import { onMachine } from './planning';
import type { RemoteSession } from './ports';
import { step } from './step';
import type { StepWork } from './step';
import type { StepInput, StepOutcome } from '../deployment/activities';

/** Long enough for sudo's password prompt; the rest happens in another boot. */
const REQUEST_MS = 15_000;
/** First-boot tasks reboot some machines once more: seeing a new boot id once is not enough. */
const BETWEEN_READINGS_MS = 2_000;

/** One reboot: the boot id is stored first, the reboot is requested once for that id, and it is over when another id was read twice. */
export const reboot = step({
  id: 'reboot',
  plan: () => [onMachine('sudo reboot', 'once, while the boot id is still the one noted before')],
  activities: { readBootId, requestReboot, awaitReboot },
});

/** Stores the id of the boot that is to end; stores nothing if the reboot has happened and nothing since then needs another one. */
async function readBootId(...[deps, input]: Parameters<StepWork>): Promise<StepOutcome> {
  const {
    spec,
    known: { reboot, rebootOwed },
  } = input;
  try {
    return await withSession(deps, input, async (session) => {
      const boot = await bootIdOf(session);
      const owed = await ranIn(boot, session, spec.name);
      // An earlier attempt may have requested the reboot already: the id it stored counts, unless a later boot owes a reboot of its own.
      if (reboot !== undefined && reboot.after === undefined)
        return toReboot(boot === reboot.before || !owed ? reboot.before : boot);
      if (reboot !== undefined && !owed && rebootOwed === undefined)
        return { changed: false, note: 'it was rebooted before', known: {} };
      return toReboot(boot);
    });
  } catch (error) {
    // It may be down because an earlier attempt requested the reboot.
    if (reboot !== undefined && reboot.after === undefined && isAway(error)) return toReboot(reboot.before);
    throw error;
  }
}

function toReboot(before: string): StepOutcome {
  return { changed: false, note: `boot ${before}`, known: { reboot: { before } } };
}

async function requestReboot(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { before } = required(input.known.reboot, 'boot id');
  try {
    return await withSession(deps, input, (session) => requestOnce(session, input, attempt, before));
  } catch (error) {
    // The reboot itself may have cut the connection: the next attempt, or the boot id, will show it.
    if (attempt.number > 1 && isAway(error)) throw notBack(input, error);
    throw error;
  }
}

async function awaitReboot(...[deps, input]: Parameters<StepWork>): Promise<StepOutcome> {
  const { before } = required(input.known.reboot, 'boot id');
  try {
    const after = await withSession(deps, input, bootIdOf);
    if (after === before) throw new DeployError('REBOOT_NOT_SEEN', `The machine still has the boot id ${before}.`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(input.spec.timing.poll, BETWEEN_READINGS_MS)));
    const again = await withSession(deps, input, bootIdOf);
    if (again !== after) throw new DeployError('REBOOT_NOT_SEEN', 'The machine is booting once more.');
    return { changed: true, note: `boot ${after}`, known: { reboot: { before, after } } };
  } catch (error) {
    // A machine that is half up, or half down, may answer anything.
    throw isAway(error) || (error instanceof DeployError && error.code === 'SSH_COMMAND')
      ? notBack(input, error)
      : error;
  }
}

async function requestOnce(
  session: RemoteSession,
  { spec }: StepInput,
  attempt: Attempt,
  before: string,
): Promise<StepOutcome> {
  if ((await bootIdOf(session)) !== before) return { changed: true, note: 'it has rebooted', known: {} };
  const { need, command } = rebootJob(before);
  const answers = session.password === undefined ? {} : { password: session.password };
  attempt.assertTimely();
  const outcome = await runJob(
    session,
    { deployment: spec.name, step: 'reboot', need, command, answers },
    { budgetMs: REQUEST_MS, signal: attempt.signal },
  ).catch((error: unknown) => {
    if (isAway(error)) return undefined;
    throw error;
  });
  if (outcome?.state === 'stuck') throw stuck(command, outcome);
  if (outcome?.code !== undefined && outcome.code !== 0) {
    throw new DeployError(
      'COMMAND_NO_EFFECT',
      `sudo reboot ended with ${outcome.code}. It printed: ${outcome.transcript.trim().slice(-500)}`,
    );
  }
  return { changed: true, note: 'asked for', known: {} };
}

/**
 * Whether a command that needs a reboot ran in this boot, according to the journal on the machine: a workflow run that was ended from
 * outside during the command could not record it.
 */
async function ranIn(boot: string, session: RemoteSession, deployment: string): Promise<boolean> {
  const { startedIn } = await readSections(
    session,
    inSections({ startedIn: stepsStartedIn(boot, deployment, NEED_REBOOT) }),
  );
  return startedIn?.trim() !== '';
}

/** The machine is down, or going down. */
function isAway(error: unknown): error is DeployError {
  return error instanceof DeployError && (error.code === 'SSH_UNREACHABLE' || error.code === 'SSH_DROPPED');
}

function notBack({ known }: StepInput, { message }: DeployError): DeployError {
  const written = known.network === undefined ? '' : ` Its network was set to: ${known.network}.`;
  return new DeployError('REBOOT_NOT_SEEN', `The machine has not come back from its reboot: ${message}${written}`);
}
