/** All activities. Every attempt runs under the control of attempt.ts. */

import {
  allocateAddress,
  letGoAddresses,
  listAddresses,
  releaseAddress,
  reserveAddresses,
  settleAllocation,
} from './address-desk';
import { attempted } from './attempt';
import type { Patience } from './attempt';
import type { Attempt } from '../steps/attempt';
import type { Dependencies } from '../steps/dependencies';
import { stepWorks } from '../steps';
import { findLost } from '../steps/find-lost';
import type { StepWork } from '../steps/step';
import { findProblems } from '../steps/preflight';
import { checkImage } from '../steps/publishing/check-image';
import { registerImage } from '../steps/publishing/register-image';
import { uploadImage } from '../steps/publishing/upload-image';
import type { Unsettled } from '../deployment/facts';
import { STEPS } from '../deployment/steps';
import type { RequestFact, StepActivityName } from '../deployment/steps';
import type { Activities, DeskInput, StepActivity, StepInput, StepOutcome } from '../deployment/activities';

/** Errors that only a person can fix park a step soon, not at its deadline. */
const LIMITS: Patience['limits'] = { INTERNAL: 30_000, WORKER_MACHINE: 30_000 };
const CHECK_DEADLINE = 30_000;
/** An upload is stuck if the store accepted no byte, or the file gave none, for this long. */
const UPLOAD_STALL = 120_000;
const DESK_POLL = 2_000;
/** Another desk is usually done in a moment; at worst it waits for a late effect. */
const BUSY_LIMIT = 120_000;

export function createActivities(deps: Dependencies): Activities {
  const desk = <I extends DeskInput, O>(
    work: (deps: Dependencies, input: I, attempt: Attempt) => Promise<O>,
  ): ((input: I) => Promise<O>) =>
    attempted(
      deps,
      deskPatience,
      (input: I, attempt) => work(deps, input, attempt),
      ({ unsettled }) => unsettled,
    );
  const publish = <I extends { readonly poll: number; readonly deadline: number }, O>(
    work: (deps: Dependencies, input: I, attempt: Attempt) => Promise<O>,
    more: Pick<Patience, 'stall'> = {},
  ): ((input: I) => Promise<O>) =>
    attempted(
      deps,
      ({ poll, deadline }) => ({ poll, deadline, limits: LIMITS, ...more }),
      (input: I, attempt) => work(deps, input, attempt),
    );
  const check = <I, O>(work: (input: I, attempt: Attempt) => Promise<O>): ((input: I) => Promise<O>) =>
    attempted(deps, () => ({ deadline: CHECK_DEADLINE, poll: DESK_POLL, limits: {} }), work);
  return {
    ...stepActivities(deps),
    findProblems: check(async (input, attempt) => {
      const findings = await findProblems(deps, input, (found) => attempt.found(found));
      return findings.map((finding) => ({ ...finding, message: deps.secrets.mask(finding.message) }));
    }),
    findLost: check((input) => findLost(deps, input)),
    listAddresses: desk(listAddresses),
    reserveAddresses: desk(reserveAddresses),
    letGoAddresses: desk(letGoAddresses),
    allocateAddress: desk(allocateAddress),
    settleAllocation: desk(settleAllocation),
    releaseAddress: desk(releaseAddress),
    checkImage: publish(checkImage),
    uploadImage: publish(uploadImage, { stall: UPLOAD_STALL }),
    registerImage: publish(registerImage),
  };
}

function stepActivities(deps: Dependencies): Record<StepActivityName, StepActivity> {
  const entries = (Object.entries(stepWorks()) as [StepActivityName, StepWork][]).map(([name, work]) => {
    const request = requestOf(name);
    const unsettledBefore = ({ known }: StepInput): Unsettled | undefined =>
      request === undefined ? undefined : known[request];
    const activity = attempted(
      deps,
      stepPatience,
      async (input: StepInput, attempt) => masked(deps, await work(deps, input, attempt)),
      unsettledBefore,
    );
    return [name, activity] as const;
  });
  return Object.fromEntries(entries) as Record<StepActivityName, StepActivity>;
}

/** The fact that holds an earlier request of the activity, or of the one that it undoes. */
function requestOf(name: StepActivityName): RequestFact | undefined {
  const step = STEPS.find(({ activities, undo }) => activities[name] !== undefined || undo?.activity === name);
  return step?.undo?.activity === name ? step.undo.request : step?.activities[name]?.request;
}

/** Notes quote clouds and machines, which may repeat a secret. */
function masked({ secrets }: Dependencies, outcome: StepOutcome): StepOutcome {
  return { ...outcome, note: secrets.mask(outcome.note) };
}

function stepPatience({ deadline, spec }: StepInput): Patience {
  const { poll, authGrace } = spec.timing;
  // Early in a first boot the account may be incomplete; later, retries do not help.
  return { deadline, poll, limits: { ...LIMITS, SSH_AUTH: authGrace, SSH_SHELL: authGrace, SSH_COMMAND: authGrace } };
}

function deskPatience({ deadline }: DeskInput): Patience {
  return { deadline, poll: DESK_POLL, limits: { ...LIMITS, ADDRESS_BUSY: BUSY_LIMIT } };
}
