/** All activities, each attempt of each under the same care (attempt.ts). */

import { ensureAddress, giveBackAddress } from './address';
import {
  allocateAddress,
  letGoAddresses,
  listAddresses,
  releaseAddress,
  reserveAddresses,
  settleAllocation,
} from './address-desk';
import { announceClaim, claimAdmin } from './admin';
import { attempted } from './attempt';
import type { Attempt, Patience } from './attempt';
import type { Dependencies } from './dependencies';
import { pinHostKey } from './host-key';
import { associateAddress, awaitRunning, disassociateAddress, launchInstance, terminateInstance } from './instance';
import { awaitKato, logIn } from './login';
import { findLost } from './look-back';
import { observeDns, takeBackDns, updateDns } from './name';
import { findProblems, preflight } from './preflight';
import { checkImage } from './publish-check';
import { registerImage } from './publish-register';
import { uploadImage } from './publish-upload';
import { awaitImage, awaitKernel, awaitRamdisk, startPublishing } from './publish-wait';
import { withdrawImage } from './publish-withdraw';
import { awaitReboot, readBootId, requestReboot } from './reboot';
import { putResolverFirst } from './resolver';
import { disableMdns, enableRoles, setUpCore } from './roles';
import { renameNode } from './rename';
import { deleteSecurityGroup, ensureSecurityGroup, openConsole } from './security-group';
import { setStaticIp } from './static-ip';
import type { Resources, Unsettled } from '../deployment/types';
import type { Activities, DeskInput, StepActivity, StepActivityName, StepInput, StepOutcome } from './types';
import { verifyConsole } from './verify';

type StepWork = (deps: Dependencies, input: StepInput, attempt: Attempt) => Promise<StepOutcome>;

const STEP_WORK: Readonly<Record<StepActivityName, StepWork>> = {
  preflight,
  startPublishing,
  awaitKernel,
  awaitRamdisk,
  awaitImage,
  ensureAddress,
  ensureSecurityGroup,
  observeDns,
  updateDns,
  launchInstance,
  awaitRunning,
  associateAddress,
  pinHostKey,
  logIn,
  awaitKato,
  setStaticIp,
  renameNode,
  disableMdns,
  readBootId,
  requestReboot,
  awaitReboot,
  setUpCore,
  enableRoles,
  putResolverFirst,
  announceClaim,
  claimAdmin,
  openConsole,
  verifyConsole,
  disassociateAddress,
  terminateInstance,
  takeBackDns,
  deleteSecurityGroup,
  giveBackAddress,
  withdrawImage,
};

/** What only a person can mend shall park a step soon, not when its deadline has passed. */
const LIMITS: Patience['limits'] = { INTERNAL: 30_000, WORKER_MACHINE: 30_000 };
const CHECK_DEADLINE = 30_000;
/** The longest silence of an upload that is well: the store has taken no byte, or a file gave none, for so long. */
const UPLOAD_STALL = 120_000;
const DESK_POLL = 2_000;
/** Who else allocates is through in a moment, or has to wait for what may come late. */
const BUSY_LIMIT = 120_000;

/** Whose unsettled requests an activity has to reckon with. */
const RECKONS_WITH: Partial<Record<StepActivityName, keyof NonNullable<Resources['unsettled']>>> = {
  ensureSecurityGroup: 'security-group',
  deleteSecurityGroup: 'security-group',
  launchInstance: 'launch',
  terminateInstance: 'launch',
};

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
  const entries = (Object.entries(STEP_WORK) as [StepActivityName, StepWork][]).map(([name, work]) => {
    const step = RECKONS_WITH[name];
    const unsettledBefore = ({ known }: StepInput): Unsettled | undefined =>
      step === undefined ? undefined : known.unsettled?.[step];
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

/** Notes quote clouds and machines. */
function masked({ secrets }: Dependencies, outcome: StepOutcome): StepOutcome {
  return { ...outcome, note: secrets.mask(outcome.note) };
}

function stepPatience({ deadline, spec }: StepInput): Patience {
  const { poll, authGrace } = spec.timing;
  // Early in a first boot an account may not be whole yet; later, trying again does not help.
  return { deadline, poll, limits: { ...LIMITS, SSH_AUTH: authGrace, SSH_SHELL: authGrace, SSH_COMMAND: authGrace } };
}

function deskPatience({ deadline }: DeskInput): Patience {
  return { deadline, poll: DESK_POLL, limits: { ...LIMITS, ADDRESS_BUSY: BUSY_LIMIT } };
}
