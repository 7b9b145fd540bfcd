import { DeployError } from '../deployment/errors';
import { FACTORY_PASSWORD } from '../deployment/mask';
import type { DeploymentSpec } from '../deployment/spec';
import { parseFirstBoot, READ_FIRST_BOOT } from '../machine/first-boot';
import type { Failure, FirstBoot } from '../machine/first-boot';
import { tellingWords } from '../machine/user-data';
import type { Dependencies } from './dependencies';
import { assertKatoReady } from './machine/kato-ready';
import { assertRelease } from './machine/release';
import { isFirstBoot, withFirstBootSession } from './machine/first-boot';
import { readSections } from './machine/session';
import { onMachine } from './planning';
import { NOTHING, step } from './step';
import type { RemoteSession } from './ports';
import type { StepWork } from './step';

/** Waits for the end of cloud-init's first boot, and looks at what it did: failures that no later step makes up for need a person. */
export const cloudInit = step({
  id: 'cloud-init',
  plan: () => [onMachine('cat /var/lib/cloud/instance/boot-finished', 'until it is there; then its logs are read')],
  activities: {
    // Ends early if the host key changes.
    awaitFirstBoot,
    awaitRestOfFirstBoot: (deps, input, attempt) =>
      isFirstBoot(input) ? awaitFirstBoot(deps, input, attempt) : Promise.resolve(NOTHING),
  },
});

function awaitFirstBoot(...[deps, input, attempt]: Parameters<StepWork>): ReturnType<StepWork> {
  const { spec, known } = input;
  return withFirstBootSession(deps, input, async (session) => {
    const seen = parseFirstBoot(await readSections(session, READ_FIRST_BOOT), asksForMore(spec));
    await concealUserData(deps, spec);
    // First: what follows may be skipped by hand.
    await assertRelease(session, spec.release);
    const fatal = seen.failures.filter(({ repairedBy }) => repairedBy === undefined);
    if (fatal.length > 0)
      throw new DeployError('CLOUD_INIT_FAILED', `cloud-init failed: ${fatal.map(quoted).join('; ')}.`);
    if (!seen.over) {
      attempt.report(seen.last);
      throw await stillRunning(seen, session, spec);
    }
    if (await hasFactoryPassword(deps, spec, session))
      throw new DeployError(
        'CLOUD_INIT_FAILED',
        'cloud-init did not set the password: the account still has the one of the factory.',
      );
    await assertKatoReady(session, spec.release);
    return { changed: false, note: noteOf(seen), known: { firstBootOver: known.instance?.id ?? '' } };
  });
}

function asksForMore({ instance }: DeploymentSpec): boolean {
  return instance.userData !== undefined || instance.cloudInit?.bootcmd !== undefined;
}

/** An image without cloud-init has no sign of it however long one waits: kato, which starts after it, tells. */
async function stillRunning(seen: FirstBoot, session: RemoteSession, spec: DeploymentSpec): Promise<DeployError> {
  if (seen.began)
    return new DeployError(
      'CLOUD_INIT_RUNNING',
      `cloud-init has not finished its first boot${seen.last === '' ? '' : `; its log ends with "${seen.last}"`}.`,
    );
  await assertKatoReady(session, spec.release);
  return new DeployError(
    'CLOUD_INIT_FAILED',
    'kato is ready and there is no sign of cloud-init on the machine (no /var/lib/cloud/instance): nothing read its user data.',
  );
}

async function hasFactoryPassword(
  { secrets }: Dependencies,
  { ssh, instance }: DeploymentSpec,
  { password }: RemoteSession,
): Promise<boolean> {
  if (instance.cloudInit?.passwords !== true || ssh.password === undefined || password?.reveal() !== FACTORY_PASSWORD)
    return false;
  return (await secrets.resolve(ssh.password)).reveal() !== FACTORY_PASSWORD;
}

/** Lines of the logs are quoted, and may repeat what is in the user data. */
async function concealUserData({ secrets }: Dependencies, { instance }: DeploymentSpec): Promise<void> {
  if (instance.userData === undefined) return;
  for (const word of tellingWords((await secrets.resolveBytes(instance.userData)).reveal())) secrets.conceal(word);
}

function noteOf({ failures, unreadable }: FirstBoot): string {
  const parts = [
    'first boot is over',
    ...failures.map((failure) => `failed: ${quoted(failure)}, made up for by ${failure.repairedBy ?? ''}`),
    ...unreadable.map((file) => `${file} may not be read by this account`),
  ];
  return parts.join('; ');
}

const MAX_LINE = 300;

function quoted({ what, line }: Failure): string {
  return `${what} ("${line.slice(-MAX_LINE)}")`;
}
