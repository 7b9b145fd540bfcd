import type { StepInput } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import { RELEASES } from '../deployment/releases';
import { printedHostKeys } from '../machine/host-keys';
import { parseIfconfig, refuseContainerNetwork } from '../machine/network';
import { parseMemory, READ_SYSTEM } from '../machine/system';
import type { Dependencies } from './dependencies';
import { required } from './known';
import { assertReadyUnlessAttached } from './machine/kato-ready';
import { assertRelease } from './machine/release';
import { isFirstBoot, withFirstBootSession, withNewHostKey } from './machine/first-boot';
import { consoleOf, shownHostKey } from './machine/host-key';
import { givenHostKey, readSections, withSession } from './machine/session';
import { ec2Call, onMachine } from './planning';
import { NOTHING, step } from './step';
import type { StepWork } from './step';

/** The first login: pins the host key, checks that the machine can run a Stackato, and waits for kato. */
export const connect = step({
  id: 'connect',
  plan: ({ spec, kato }) => [
    ...(spec.ssh.hostKey === 'console'
      ? [
          ec2Call(
            'GetConsoleOutput',
            { InstanceId: '<instance>' },
            'until the machine has printed its host keys there: it must show one of them',
          ),
        ]
      : []),
    onMachine(kato.status),
  ],
  activities: {
    // An activity of its own: if the first login pinned the key, a worker that dies during it could have sent a password to anybody.
    pinHostKey: async (deps, input) => {
      const hostKeys = await acceptedKeys(deps, input);
      try {
        const hostKey = await shownHostKey(deps, input, hostKeys);
        return { changed: false, note: `host key ${hostKey}`, known: { hostKey } };
      } catch (error) {
        if (!(error instanceof DeployError) || error.code !== 'SSH_HOST_KEY' || !isFirstBoot(input)) throw error;
        return withNewHostKey(deps, input, error);
      }
    },
    logIn,
    awaitKato,
  },
});

function logIn(...[deps, input]: Parameters<StepWork>): ReturnType<StepWork> {
  return withFirstBootSession(deps, input, async (session) => {
    const sections = await readSections(session, READ_SYSTEM);
    const memory = parseMemory(sections['memory'] ?? '');
    const { release } = input.spec;
    const { least, leastReported } = RELEASES[release].memory.value;
    if (memory !== undefined && memory < leastReported) {
      throw new DeployError(
        'MEMORY_TOO_SMALL',
        `The machine reports ${memory} MiB of memory; Stackato ${release} does not work reliably with less than ${least}.`,
      );
    }
    refuseContainerNetwork(parseIfconfig(sections['ifconfig'] ?? '').address ?? '');
    return { changed: false, note: 'logged in', known: {} };
  });
}

/** Also after the reboot: ssh answers long before kato does. The release comes first: another one may not know the words that ask whether it is ready. */
export function awaitKato(...[deps, input, attempt]: Parameters<StepWork>): ReturnType<StepWork> {
  const { known } = input;
  // kato waits for the first boot, and so does the step cloud-init, which also sees what goes wrong in it.
  if (isFirstBoot(input))
    // The login may have ended with a new host key.
    return known.hostKeyRenewed === undefined || known.hostKeyRenewed !== known.instance?.id
      ? Promise.resolve(NOTHING)
      : logIn(deps, input, attempt);
  const { release } = input.spec;
  return withSession(deps, input, async (session) => {
    const version = await assertRelease(session, release);
    await assertReadyUnlessAttached(session, input);
    return {
      changed: false,
      note: version === undefined ? 'kato is ready; it does not tell its release' : `kato ${version} is ready`,
      known: {},
    };
  });
}

/** The host keys to accept; undefined: pin whichever key is seen first. */
async function acceptedKeys(
  deps: Pick<Dependencies, 'clouds'>,
  input: StepInput,
): Promise<readonly string[] | undefined> {
  const { spec, node, known } = input;
  const pinned = givenHostKey(spec, node) ?? known.hostKey;
  if (pinned !== undefined) return [pinned];
  if (spec.ssh.hostKey !== 'console') return undefined;
  const printed = printedHostKeys(await consoleOf(deps, input));
  if (printed.length === 0)
    throw new DeployError(
      'SSH_HOST_KEY_UNPRINTED',
      `The console output of ${required(known.instance?.id, 'instance')} holds no host key that could be pinned.`,
    );
  return printed;
}
