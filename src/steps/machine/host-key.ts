/** What is known of the machine's host key before anybody logs in. */

import type { StepInput } from '../../deployment/activities';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import { routeTo } from './session';

/** The host key that the machine shows in a key exchange. Throws SSH_HOST_KEY if it is not among `accepted`. */
export async function shownHostKey(
  { remote }: Pick<Dependencies, 'remote'>,
  input: StepInput,
  accepted: readonly string[] | undefined,
): Promise<string> {
  return remote.hostKey({ ...routeTo(input), ...(accepted === undefined ? {} : { hostKeys: accepted }) });
}

export async function consoleOf({ clouds }: Pick<Dependencies, 'clouds'>, { spec, known }: StepInput): Promise<string> {
  return (await clouds.open(spec.cloud)).consoleOutput(required(known.instance?.id, 'instance'));
}
