/** The worker's connection to Temporal, and plain messages for why there is none. */

import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { ConnectionFault, temporalTarget, tlsTrouble } from '../temporal/connection';
import type { TemporalTarget } from '../temporal/connection';
import { WorkerError } from './failure';

/** The SDK's own timeout is half a minute. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Reads the configuration; connects to nothing. An invalid address ends the worker with the code of an unreachable Temporal, so that a
 * supervisor starts it again and may find the address corrected.
 */
export function readTarget(env: NodeJS.ProcessEnv): TemporalTarget {
  try {
    return temporalTarget(undefined, env);
  } catch (error) {
    throw error instanceof ConnectionFault
      ? fromFault(error, error.about === 'address' ? 'TEMPORAL_UNREACHABLE' : error.code)
      : error;
  }
}

function fromFault(fault: ConnectionFault, code = fault.code): WorkerError {
  return new WorkerError(code, fault.message, fault.remedy, fault);
}

/** The namespace is checked first, because the SDK never releases a native worker that failed for its namespace, and the process would stay. */
export async function connectToTemporal(target: TemporalTarget): Promise<NativeConnection> {
  const { address, options } = target;
  const connection = await withTimeout(
    address,
    NativeConnection.connect({ address, ...options }).catch(async (error: unknown) => {
      const trouble = await tlsTrouble(target);
      throw trouble === undefined ? explained(address, error) : fromFault(trouble);
    }),
  );
  await checkNamespace(connection, target);
  return connection;
}

export async function checkNamespace(
  connection: NativeConnection,
  { address, namespace }: TemporalTarget,
): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    throw explained(address, error);
  }
}

async function withTimeout<T>(address: string, work: Promise<T>): Promise<T> {
  const cancel = new AbortController();
  const timeout = delay(CONNECT_TIMEOUT_MS, undefined, { signal: cancel.signal }).then(() => {
    throw unreachable(address, `Nothing answered within ${CONNECT_TIMEOUT_MS / 1000} s.`);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    cancel.abort();
    // The one that lost the race may still reject.
    timeout.catch(() => undefined);
    work.catch(() => undefined);
  }
}

const START_OR_SET_ADDRESS = 'Start Temporal, or set TEMPORAL_ADDRESS or a profile to where it is.';
const CHECK_CREDENTIALS =
  'Check the credentials and the namespace of your profile (TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*).';
const CHECK_TLS =
  "Check the TLS settings of your profile (TEMPORAL_TLS, TEMPORAL_TLS_*; TEMPORAL_API_KEY switches TLS on) against the server's.";

type Explanation = readonly [code: 'TEMPORAL_UNREACHABLE' | 'TEMPORAL_REFUSED', message: string, remedy: string];

/** By message, because the errors of the SDK's core have no codes. The first match counts. */
const EXPLANATIONS: readonly (readonly [RegExp, (where: string, found: string) => Explanation])[] = [
  [
    /Namespace (\S+) is not found/,
    (where, name) => [
      'TEMPORAL_REFUSED',
      `Temporal at ${where} has no namespace ${name}.`,
      'Create it (`temporal operator namespace create`), or set TEMPORAL_NAMESPACE to one that is there.',
    ],
  ],
  [
    /permission|PermissionDenied|Request unauthorized/i,
    (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not allow this.`, CHECK_CREDENTIALS],
  ],
  [
    /unauthenticated|authentication credentials/i,
    (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not accept these credentials.`, CHECK_CREDENTIALS],
  ],
  [
    /(PrivateKeyParse|CertificateParse)Error/,
    () => ['TEMPORAL_UNREACHABLE', 'The TLS key or certificate for Temporal cannot be used. It is not PEM.', CHECK_TLS],
  ],
  [
    /message: "([^"]*)" \}\)/,
    (where, why) => [
      'TEMPORAL_UNREACHABLE',
      `Temporal cannot be reached at ${where}. ${sentence(why)}`,
      START_OR_SET_ADDRESS,
    ],
  ],
  [
    /failed to lookup address information: ([^"]*)/,
    (where, why) => [
      'TEMPORAL_UNREACHABLE',
      `Temporal cannot be reached at ${where}. ${sentence(why)}`,
      START_OR_SET_ADDRESS,
    ],
  ],
  [
    /timeout expired|deadline/i,
    (where) => [
      'TEMPORAL_UNREACHABLE',
      `Temporal cannot be reached at ${where}. It did not answer in time.`,
      START_OR_SET_ADDRESS,
    ],
  ],
];

/** Never repeats the core's own message, which is written for its developers. */
function explained(where: string, error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  const text = textOf(error);
  for (const [pattern, explain] of EXPLANATIONS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [code, message, remedy] = explain(where, match[1] ?? '');
    return new WorkerError(code, message, remedy, error);
  }
  return unreachable(where, 'What answers there is not Temporal, or it requires TLS.', error);
}

function unreachable(where: string, why: string, cause?: unknown): WorkerError {
  return new WorkerError(
    'TEMPORAL_UNREACHABLE',
    `Temporal cannot be reached at ${where}. ${why}`,
    START_OR_SET_ADDRESS,
    cause,
  );
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
