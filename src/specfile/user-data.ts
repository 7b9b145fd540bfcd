/** User data that no cloud takes, as far as it can be known here: the rest is left to the worker, whose machine may be another. */

import { readFile, stat } from 'node:fs/promises';
import { withHint } from './problems';
import type { Fault } from './problems';
import type { DeploymentSpec } from '../deployment/spec';
import { cloudConfigOf, USER_DATA_LIMIT, userDataOf } from '../machine/user-data';

/** Most bytes of a secret that the worker reads. */
const READ_LIMIT = 65_536;

export async function userDataFaults(spec: DeploymentSpec): Promise<readonly Fault[]> {
  const { image, instance } = spec;
  const made = image.cloudInit === true ? userDataOf(cloudConfigOf(spec)).bytes.length : 0;
  const own = instance.userData !== undefined && 'file' in instance.userData ? await sizeOf(instance.userData.file) : 0;
  if (made > USER_DATA_LIMIT) return [tooBig(['instance', 'cloudInit'], `makes user data of ${made} bytes, gzipped`)];
  const limit = image.cloudInit === true ? READ_LIMIT : USER_DATA_LIMIT;
  if (own > limit) return [tooBig(['instance', 'userData'], `is a file of ${own} bytes`)];
  // With cloud-init it is sent gzipped if necessary, and only reading it tells how big it is then.
  const sent = image.cloudInit === true && own > 0 ? await sentSize(spec) : 0;
  return sent > USER_DATA_LIMIT ? [tooBig(['instance', 'userData'], `makes user data of ${sent} bytes, gzipped`)] : [];
}

function tooBig(path: readonly string[], what: string): Fault {
  const hint = 'put less into it, or #include and a URL from which cloud-init fetches the rest';
  return { path, text: withHint(`${what}, and clouds take at most ${USER_DATA_LIMIT}`, hint), at: 'value' };
}

/** 0 if it cannot be read, or cloud-init would not take it: the worker says what is wrong. */
async function sentSize(spec: DeploymentSpec): Promise<number> {
  const { userData } = spec.instance;
  if (userData === undefined || !('file' in userData)) return 0;
  try {
    return userDataOf(cloudConfigOf(spec), await readFile(userData.file)).bytes.length;
  } catch {
    return 0;
  }
}

/** 0 if the file is not on this machine: the worker's may be another. */
async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : 0;
  } catch {
    return 0;
  }
}
