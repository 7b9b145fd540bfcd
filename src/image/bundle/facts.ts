/** The facts of a bundle, checked before the first byte is read, and the size limits of clouds. */

import type { SizeLimits } from '../../deployment/cloud-kinds';
import type { Architecture, ImageKind } from '../../deployment/spec';
import { DeployError } from '../../deployment/errors';

export interface BlockDevice {
  /** `ami`, `root`, `swap`, `ephemeral0` … */
  readonly virtual: string;
  /** `sda1`, `/dev/sdb` … */
  readonly device: string;
}

/** Everything about a bundle but its content. */
export interface BundleFacts {
  /** The name of every object begins with it, and the image in the tar archive is called so. */
  readonly prefix: string;
  readonly kind: ImageKind;
  readonly architecture: Architecture;
  /** 12 digits. */
  readonly account: string;
  /** For machine images only: ids of registered images. */
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly blockDevices?: readonly BlockDevice[];
  readonly productCodes?: readonly string[];
}

/** At most 99: the name field of a tar header ends with NUL. No dot or dash at the start: it is a file name, too. */
const PREFIX = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,98}$/;
/** By such a name, clouds take a machine image for a kernel, a ramdisk, or Windows. */
const MISREAD_PREFIX = /^(vmlinuz|initrd|windows)/i;
const NAME = /^[A-Za-z0-9()./_-]{3,128}$/;
const ID = { kernelId: /^(eki|aki)-[0-9a-f]{8,17}$/i, ramdiskId: /^(eri|ari)-[0-9a-f]{8,17}$/i } as const;

export function checkFacts(facts: BundleFacts): void {
  checkPrefix(facts);
  if (!/^[0-9]{12}$/.test(facts.account))
    throw new DeployError('IMAGE_ACCOUNT', `The account number ${JSON.stringify(facts.account)} is not 12 digits.`);
  checkIds(facts);
  checkList(
    'block device',
    (facts.blockDevices ?? []).map(({ virtual }) => virtual),
    /^(ami|root|swap|ephemeral[0-9]+|ebs[0-9]*)$/,
  );
  checkList(
    'device name',
    (facts.blockDevices ?? []).map(({ device }) => device),
    /^(\/dev\/)?[a-z][a-z0-9]{1,31}$/,
  );
  checkList('product code', facts.productCodes ?? [], /^[A-Za-z0-9._-]{1,64}$/);
}

function checkPrefix({ prefix, kind }: BundleFacts): void {
  if (!PREFIX.test(prefix))
    throw new DeployError('IMAGE_PREFIX', `The prefix ${JSON.stringify(prefix)} cannot be used.`);
  if (kind === 'machine' && MISREAD_PREFIX.test(prefix)) {
    throw new DeployError('IMAGE_PREFIX', `A cloud would not take ${prefix} for a machine image, because of its name.`);
  }
}

function checkIds(facts: BundleFacts): void {
  for (const field of ['kernelId', 'ramdiskId'] as const) {
    const id = facts[field];
    if (id !== undefined && !ID[field].test(id))
      throw new DeployError('IMAGE_CONFIGURATION', `The ${field} ${JSON.stringify(id)} is not such an id.`);
  }
  const given = [facts.kernelId, facts.ramdiskId].filter((id) => id !== undefined).length;
  if (given === 1)
    throw new DeployError(
      'IMAGE_KERNEL_AND_RAMDISK',
      `Only the ${facts.kernelId === undefined ? 'ramdisk' : 'kernel'} was given.`,
    );
  const onlyForMachines = given > 0 || facts.blockDevices !== undefined || facts.productCodes !== undefined;
  if (facts.kind !== 'machine' && onlyForMachines) {
    throw new DeployError(
      'IMAGE_CONFIGURATION',
      `A ${facts.kind} has neither kernel, ramdisk, block devices nor product codes of its own.`,
    );
  }
}

function checkList(what: string, values: readonly string[], allowed: RegExp): void {
  const wrong = values.find((value) => !allowed.test(value));
  if (wrong !== undefined)
    throw new DeployError('IMAGE_CONFIGURATION', `${JSON.stringify(wrong)} is not a valid ${what}.`);
}

/** The name an image is registered under. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new DeployError('IMAGE_NAME', `The name ${JSON.stringify(name)} is not accepted by clouds.`);
}

export function checkImageSize(size: number, limits: SizeLimits): void {
  if (size > limits.image)
    throw new DeployError('IMAGE_TOO_BIG', `The image has ${size} bytes; the cloud takes ${limits.image}.`);
}

/** How small a bundle gets is only known at its end. */
export function checkBundleSize(size: number, limits: SizeLimits): void {
  if (size > limits.bundle)
    throw new DeployError(
      'IMAGE_TOO_BIG',
      `The bundle has more than ${limits.bundle} bytes, the limit for a bucket of the cloud.`,
    );
}
