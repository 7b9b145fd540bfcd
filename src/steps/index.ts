/** All steps. To add one, see CONTRIBUTING.md. */

import type { StepActivityName, StepId } from '../deployment/steps';
import { STEPS } from '../deployment/steps';
import { address } from './address';
import { associate } from './associate';
import { attach } from './attach';
import { claimAdmin } from './claim-admin';
import { cloudInit } from './cloud-init';
import { connect } from './connect';
import { containerStore } from './container-store';
import { disableMdns } from './disable-mdns';
import { dns } from './dns';
import { enableRoles } from './enable-roles';
import { launch } from './launch';
import { nodesGroup } from './nodes-group';
import { openConsole } from './open-console';
import { preflight } from './preflight';
import { publishImage } from './publish-image';
import { publishKernel } from './publish-kernel';
import { publishRamdisk } from './publish-ramdisk';
import { reboot } from './reboot';
import { rename } from './rename';
import { resolver } from './resolver';
import { securityGroup } from './security-group';
import { setupCore } from './setup-core';
import { staticIp } from './static-ip';
import type { StepDefinition, StepWork } from './step';
import { verify } from './verify';

const DEFINITIONS: { readonly [Id in StepId]: StepDefinition<Id> } = {
  preflight,
  'publish-kernel': publishKernel,
  'publish-ramdisk': publishRamdisk,
  'publish-image': publishImage,
  address,
  'security-group': securityGroup,
  'nodes-group': nodesGroup,
  dns,
  launch,
  associate,
  connect,
  'cloud-init': cloudInit,
  'container-store': containerStore,
  'static-ip': staticIp,
  rename,
  'disable-mdns': disableMdns,
  reboot,
  'setup-core': setupCore,
  'enable-roles': enableRoles,
  attach,
  resolver,
  'claim-admin': claimAdmin,
  'open-console': openConsole,
  verify,
};

type AnyStep = Pick<StepDefinition, 'plan' | 'findLost'> & {
  readonly activities: Readonly<Partial<Record<StepActivityName, StepWork>>>;
  readonly undo?: StepWork;
};

export function definitionOf(id: StepId): AnyStep {
  return DEFINITIONS[id];
}

/** The implementation of every activity in the table of steps. */
export function stepWorks(): Readonly<Record<StepActivityName, StepWork>> {
  const works = STEPS.flatMap(({ id, undo }) => {
    const { activities, undo: undoWork } = definitionOf(id);
    return [
      ...Object.entries(activities),
      ...(undo === undefined || undoWork === undefined ? [] : [[undo.activity, undoWork] as const]),
    ];
  });
  return Object.fromEntries(works) as Record<StepActivityName, StepWork>;
}
