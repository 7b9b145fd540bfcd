/** The user data of a launch: made of the spec for an image with cloud-init, otherwise the user's own as it is. */

import {
  asIs,
  cloudConfigOf,
  refuseTooBig,
  refuseUnsettablePassword,
  replacedKeys,
  userDataOf,
} from '../../machine/user-data';
import type { UserData } from '../../machine/user-data';
import { CORE } from '../../deployment/facts';
import type { NodeName } from '../../deployment/facts';
import type { DeploymentSpec } from '../../deployment/spec';
import type { Dependencies } from '../dependencies';
import { referenceText } from '../planning';
import type { PlannedAction } from '../planning';
import type { SecretBytes } from '../ports';

/** Undefined if there is none. Codes: SECRET_MISSING, USER_DATA_REFUSED, USER_DATA_TOO_BIG. */
export async function resolveUserData(
  deps: Dependencies,
  spec: DeploymentSpec,
  node: NodeName = CORE,
): Promise<SecretBytes | undefined> {
  const made = await make(deps, spec, node);
  return made === undefined ? undefined : { reveal: () => made.userData.bytes };
}

/** For preflight. */
export async function describeUserData(
  deps: Dependencies,
  spec: DeploymentSpec,
  node: NodeName = CORE,
): Promise<string> {
  const made = await make(deps, spec, node);
  if (made === undefined) return 'none';
  const { bytes, plainSize, packed } = made.userData;
  const size = packed ? `${bytes.length} bytes (gzipped; ${plainSize} before)` : `${bytes.length} bytes`;
  return made.replaced.length === 0
    ? size
    : `${size}; in instance.userData, ${made.replaced.join(', ')} replace those of the spec`;
}

async function make(
  { secrets }: Dependencies,
  spec: DeploymentSpec,
  node: NodeName,
): Promise<{ readonly userData: UserData; readonly replaced: readonly string[] } | undefined> {
  const { instance, image, ssh } = spec;
  const own = instance.userData === undefined ? undefined : (await secrets.resolveBytes(instance.userData)).reveal();
  if (image.cloudInit !== true) {
    if (own === undefined) return undefined;
    return { userData: checked(asIs(own)), replaced: [] };
  }
  const wanted = instance.cloudInit?.passwords === true ? ssh.password : undefined;
  const password = wanted === undefined ? undefined : (await secrets.resolve(wanted)).reveal();
  if (password !== undefined) refuseUnsettablePassword(password);
  const config = cloudConfigOf(spec, password, node);
  const userData = checked(userDataOf(config, own));
  // A cloud may quote what it refuses.
  secrets.conceal(userData.bytes.toString('base64'));
  return { userData, replaced: own === undefined ? [] : replacedKeys(config, own) };
}

function checked(userData: UserData): UserData {
  refuseTooBig(userData);
  return userData;
}

/** What `plan` shows, with references for secrets. */
export function planUserData(spec: DeploymentSpec, node: NodeName = CORE): readonly PlannedAction[] {
  const { userData, cloudInit } = spec.instance;
  if (spec.image.cloudInit !== true) return [];
  const password = cloudInit?.passwords === true && spec.ssh.password !== undefined ? spec.ssh.password : undefined;
  const shown = password === undefined ? undefined : referenceText(password);
  const config = cloudConfigOf(spec, shown, node).trimEnd();
  const also =
    userData === undefined
      ? ''
      : `; as one part of a multipart message, before ${referenceText(userData)}, which counts where both say something`;
  return [
    { where: 'cloud', what: config, note: `the user data of RunInstances${also}; gzipped if it is too big otherwise` },
  ];
}
