/** The steps of a deployment, in the order a reader would do them. One table for the workflow, the views, `plan` and the docs. */

export const STEPS = [
  { id: 'preflight', title: 'Check every precondition', skippable: false, looksOnly: true },
  { id: 'publish-kernel', title: 'Publish the kernel', skippable: false },
  { id: 'publish-ramdisk', title: 'Publish the ramdisk', skippable: false },
  { id: 'publish-image', title: 'Publish the image', skippable: false },
  { id: 'address', title: 'Get an elastic IP', skippable: false },
  { id: 'security-group', title: 'Create the security group (ssh only)', skippable: false },
  { id: 'dns', title: 'Point the name and its wildcard at the address', skippable: true },
  { id: 'launch', title: 'Launch the instance', skippable: false },
  { id: 'associate', title: 'Associate the address', skippable: false },
  { id: 'connect', title: 'Log in by ssh, wait for kato', skippable: false, looksOnly: true },
  { id: 'static-ip', title: 'kato op static_ip', skippable: true },
  { id: 'rename', title: 'kato rename', skippable: false },
  { id: 'disable-mdns', title: 'kato disable mdns', skippable: true },
  { id: 'reboot', title: 'Reboot, once', skippable: false },
  { id: 'setup-core', title: 'kato setup core', skippable: false },
  { id: 'enable-roles', title: 'kato enable --all-but mdns', skippable: false },
  { id: 'resolver', title: "Put the appliance's own resolver first", skippable: true },
  { id: 'claim-admin', title: 'Create the first administrator', skippable: true },
  { id: 'open-console', title: 'Open the console to access.console', skippable: true },
  { id: 'verify', title: 'See the console through the new name', skippable: true, looksOnly: true },
] as const satisfies readonly StepRow[];

interface StepRow {
  readonly id: string;
  readonly title: string;
  /** Whether a person may say "go on without it". */
  readonly skippable: boolean;
  /** It changes nothing, so that it is done when it has seen what it looks for. */
  readonly looksOnly?: true;
}

export type StepId = (typeof STEPS)[number]['id'];

/** Steps whose effect works from the next boot on. */
export const NEED_REBOOT = ['static-ip', 'rename', 'disable-mdns'] as const satisfies readonly StepId[];
export type RebootReason = (typeof NEED_REBOOT)[number];

export const STEP_IDS: readonly StepId[] = STEPS.map((step) => step.id);

export function stepById(id: StepId): StepRow & { readonly id: StepId } {
  const row = STEPS.find((step) => step.id === id);
  if (row === undefined) throw new Error(`no such step: ${id}`);
  return row;
}
