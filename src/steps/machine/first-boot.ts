/**
 * A login while cloud-init may still change host key and password. Such a change is no alarm then, and only then: once the first boot is
 * over, another host key stops the deployment as it always does.
 */

import { printedHostKeys } from '../../machine/host-keys';
import { saysFirstBootOver } from '../../machine/first-boot';
import type { StepInput, StepOutcome } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import type { Known } from '../../deployment/facts';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import type { RemoteSession } from '../ports';
import { consoleOf, shownHostKey } from './host-key';
import { givenHostKey, withSession } from './session';

/** Not after our own reboot either, if somebody skipped the step that waits for the end. */
export function isFirstBoot({ spec, known }: Pick<StepInput, 'spec' | 'known'>): boolean {
  return (
    spec.image.cloudInit === true &&
    known.reboot === undefined &&
    (known.firstBootOver === undefined || known.firstBootOver !== known.instance?.id)
  );
}

type SessionWork = (session: RemoteSession) => Promise<StepOutcome>;

/**
 * Like `withSession`. A new host key is pinned, once, if the machine's console shows it: only the machine and its cloud write there. That
 * is all that is done then, and `use` is left to the next activity: if it failed here, nobody would know that the key was new.
 */
export async function withFirstBootSession(
  deps: Dependencies,
  input: StepInput,
  use: SessionWork,
): Promise<StepOutcome> {
  if (!isFirstBoot(input)) return withSession(deps, input, use);
  // Until cloud-init has set ssh.password, the account has the password of the factory, which is no secret.
  const login = input.spec.instance.cloudInit?.passwords === true ? { orFactoryPassword: true } : {};
  try {
    return await withSession(deps, input, use, login);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    if (error.code === 'SSH_AUTH') throw await notYet(deps, input, error);
    if (error.code !== 'SSH_HOST_KEY') throw error;
    return withNewHostKey(deps, input, error);
  }
}

export async function withNewHostKey(deps: Dependencies, input: StepInput, alarm: DeployError): Promise<StepOutcome> {
  const renewed = await renewedHostKey(deps, input, alarm);
  return { changed: false, note: `host key ${renewed.hostKey}`, known: renewed };
}

/** A key that the spec names is waited for: cloud-init may yet make it. */
async function renewedHostKey(
  deps: Dependencies,
  input: StepInput,
  alarm: DeployError,
): Promise<Required<Pick<Known, 'hostKey' | 'hostKeyRenewed'>>> {
  const { spec, node, known } = input;
  const instance = required(known.instance?.id, 'instance');
  if (known.hostKeyRenewed === instance) throw alarm;
  const printed = givenHostKey(spec, node) === undefined ? printedHostKeys(await consoleOf(deps, input)) : [];
  if (printed.length === 0) throw await notYet(deps, input, alarm);
  try {
    return { hostKey: await shownHostKey(deps, input, printed), hostKeyRenewed: instance };
  } catch (error) {
    throw error instanceof DeployError && error.code === 'SSH_HOST_KEY' ? await notYet(deps, input, alarm) : error;
  }
}

/** What is wrong now may be right when the first boot is over. */
async function notYet(deps: Dependencies, input: StepInput, error: DeployError): Promise<DeployError> {
  if (saysFirstBootOver(await consoleOf(deps, input))) return error;
  return new DeployError(
    'CLOUD_INIT_RUNNING',
    `${error.message} The first boot may not be over: the console output does not say so.`,
  );
}
