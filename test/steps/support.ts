/** One attempt of an activity, and a machine to try it on. */

import type { Attempt } from '../../src/steps/attempt';
import type { Dependencies } from '../../src/steps/dependencies';
import { KnownSecrets } from '../../src/activities/known-secrets';
import type { Remote, RemoteSession } from '../../src/steps/ports';
import type { StepInput, StepOutcome } from '../../src/deployment/activities';
import type { StepWork } from '../../src/steps/step';
import { secretsFrom } from '../support/secrets';
import { specNamed } from '../support/specs';

export function attemptOf(number = 1, lines: string[] = []): Attempt {
  return {
    number,
    signal: new AbortController().signal,
    assertTimely: () => undefined,
    report: (line) => void lines.push(line),
    found: () => undefined,
    unsettled: undefined,
    request: (_call, send) => send(),
    settle: () => undefined,
  };
}

/** Whatever a test does not give is missed loudly. */
export function dependencies(given: Partial<Dependencies>): Dependencies {
  const secrets = new KnownSecrets(secretsFrom(() => 'a-secret'));
  return { secrets, namespace: 'test', worker: 'a-worker', ...given } as Dependencies;
}

/** Each login asks `next` for its session. */
export function remoteOf(next: () => RemoteSession | Promise<RemoteSession>): Remote {
  return { hostKey: () => Promise.reject(new Error('none')), withSession: async (_target, use) => use(await next()) };
}

export function inputOf(change: Partial<StepInput> = {}): StepInput {
  return {
    spec: specNamed('dev'),
    node: 'core',
    known: { address: { publicIp: '10.1.1.103', allocated: true }, hostKey: 'SHA256:x' },
    need: 'run1-1',
    deadline: 60_000,
    ...change,
  };
}

/** The work of an activity, at its first attempt. */
export function firstAttempt(work: StepWork): (deps: Dependencies, input: StepInput) => Promise<StepOutcome> {
  return (deps, input) => work(deps, input, attemptOf());
}
