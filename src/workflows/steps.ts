/** Which activities a step consists of, in order, how long it may take, and when a deployment does without it. */

import type { StepActivityName } from '../activities/types';
import type { StepId } from '../deployment/steps';
import type { DeploymentSpec, Timing } from '../deployment/types';

export interface StepPlan {
  readonly activities: readonly StepActivityName[];
  readonly deadline: keyof Timing['deadline'];
  /** Why this spec does not need the step, or undefined. */
  readonly notNeeded?: (spec: DeploymentSpec) => string | undefined;
}

/** What an activity does, where that is not what its step is called: waiting for kato is not a command of kato's. */
export const SUMMARIES: Partial<Readonly<Record<StepActivityName, string>>> = {
  startPublishing: 'Start or join the publishing of the image',
  awaitKernel: 'Wait until the kernel is published',
  awaitRamdisk: 'Wait until the ramdisk is published',
  awaitImage: 'Wait until the image is published',
  observeDns: 'Look at what stands at the name',
  awaitRunning: 'Wait until the instance runs',
  logIn: 'Log in by ssh',
  awaitKato: 'Wait until kato is ready',
  readBootId: 'Read the boot id',
  requestReboot: 'sudo reboot, once for this boot id',
  awaitReboot: 'Wait for another boot id',
};

/** All but those with a body of their own: `reboot`, because of its timer, and `publish-image`, which goes on with what the two before it began. */
export const STEP_PLANS: Readonly<Record<Exclude<StepId, 'reboot' | 'publish-image'>, StepPlan>> = {
  preflight: { activities: ['preflight'], deadline: 'cloud' },
  // Two activities: which run of the image's own workflow is waited for must be in history before it can fail.
  'publish-kernel': { activities: ['startPublishing', 'awaitKernel'], deadline: 'publish' },
  'publish-ramdisk': { activities: ['startPublishing', 'awaitRamdisk'], deadline: 'publish' },
  address: { activities: ['ensureAddress'], deadline: 'cloud' },
  'security-group': { activities: ['ensureSecurityGroup'], deadline: 'cloud' },
  // Two activities: what stood at the name before must be in history before it is overwritten.
  dns: { activities: ['observeDns', 'updateDns'], deadline: 'dns' },
  launch: { activities: ['launchInstance', 'awaitRunning'], deadline: 'launch' },
  associate: { activities: ['associateAddress'], deadline: 'cloud' },
  // The first of its own: the host key is pinned, durably, before anything is sent to the machine.
  connect: { activities: ['pinHostKey', 'logIn', 'awaitKato'], deadline: 'ready' },
  'static-ip': {
    activities: ['setStaticIp'],
    deadline: 'command',
    notNeeded: (spec) => (spec.network.mode === 'dhcp' ? 'network: dhcp' : undefined),
  },
  rename: { activities: ['renameNode'], deadline: 'command' },
  'disable-mdns': { activities: ['disableMdns'], deadline: 'command' },
  'setup-core': { activities: ['awaitKato', 'setUpCore'], deadline: 'command' },
  'enable-roles': { activities: ['enableRoles'], deadline: 'command' },
  resolver: { activities: ['putResolverFirst'], deadline: 'command' },
  'claim-admin': {
    // Two activities: that the account may have another password must be in history before it has.
    activities: ['announceClaim', 'claimAdmin'],
    deadline: 'console',
    notNeeded: (spec) => (spec.admin === undefined ? 'no admin in the spec' : undefined),
  },
  'open-console': { activities: ['openConsole'], deadline: 'cloud' },
  verify: { activities: ['verifyConsole'], deadline: 'console' },
};
