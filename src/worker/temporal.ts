/** The worker's connection to Temporal, and what it means to a person that there is none. */

import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { ConnectionFault, temporalTarget, tlsTrouble } from '../temporal/connection';
import type { TemporalTarget } from '../temporal/connection';
import { WorkerError } from './failure';

/** The SDK alone would wait for half a minute. */
const CONNECT_LIMIT = 10_000;

/**
 * Reads configuration only. An address that is none ends a worker as a Temporal that is away does: what starts it again may find it set
 * right.
 */
export function placeOf(env: NodeJS.ProcessEnv): TemporalTarget {
  try {
    return temporalTarget(undefined, env);
  } catch (error) {
    throw error instanceof ConnectionFault
      ? told(error, error.about === 'address' ? 'TEMPORAL_UNREACHABLE' : error.code)
      : error;
  }
}

function told(fault: ConnectionFault, code = fault.code): WorkerError {
  return new WorkerError(code, fault.message, fault.remedy, fault);
}

/** A native worker that fails at its namespace is never let go of by the SDK, and would keep the process alive: so the namespace is asked for first. */
export async function connectToTemporal(place: TemporalTarget): Promise<NativeConnection> {
  const { address, options } = place;
  const connection = await withinLimit(
    address,
    NativeConnection.connect({ address, ...options }).catch(async (error: unknown) => {
      const trouble = await tlsTrouble(place);
      throw trouble === undefined ? unusable(address, error) : told(trouble);
    }),
  );
  await checkNamespace(connection, place);
  return connection;
}

export async function checkNamespace(
  connection: NativeConnection,
  { address, namespace }: TemporalTarget,
): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_LIMIT, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    throw unusable(address, error);
  }
}

async function withinLimit<T>(address: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(CONNECT_LIMIT, undefined, { signal: stop.signal }).then(() => {
    throw unreachable(address, `Nothing answered within ${CONNECT_LIMIT / 1000} s.`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    // Whichever lost may still fail, and nobody waits for it.
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}

const WHERE_IT_IS = 'Start Temporal, or set TEMPORAL_ADDRESS or a profile to where it is.';
const CREDENTIALS =
  'Check the credentials and the namespace of your profile (TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*).';
const TLS =
  "Check the TLS settings of your profile (TEMPORAL_TLS, TEMPORAL_TLS_*; TEMPORAL_API_KEY switches TLS on) against the server's.";

type Told = readonly [code: 'TEMPORAL_UNREACHABLE' | 'TEMPORAL_REFUSED', message: string, remedy: string];

/** By the texts of the SDK's core: its errors have no codes. First match. */
const MEANING: readonly (readonly [RegExp, (where: string, found: string) => Told])[] = [
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
    (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not allow this.`, CREDENTIALS],
  ],
  [
    /unauthenticated|authentication credentials/i,
    (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not accept these credentials.`, CREDENTIALS],
  ],
  [
    /(PrivateKeyParse|CertificateParse)Error/,
    () => ['TEMPORAL_UNREACHABLE', 'The TLS key or certificate for Temporal cannot be used. It is not PEM.', TLS],
  ],
  [
    /message: "([^"]*)" \}\)/,
    (where, why) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. ${sentence(why)}`, WHERE_IT_IS],
  ],
  [
    /failed to lookup address information: ([^"]*)/,
    (where, why) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. ${sentence(why)}`, WHERE_IT_IS],
  ],
  [
    /timeout expired|deadline/i,
    (where) => [
      'TEMPORAL_UNREACHABLE',
      `Temporal cannot be reached at ${where}. It did not answer in time.`,
      WHERE_IT_IS,
    ],
  ],
];

/** @returns the error in our own words; never the text of the core, which is made for its developers */
function unusable(where: string, error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  const text = textOf(error);
  for (const [pattern, meaning] of MEANING) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [code, message, remedy] = meaning(where, match[1] ?? '');
    return new WorkerError(code, message, remedy, error);
  }
  return unreachable(where, 'What answers there does not speak as Temporal does, or only by TLS.', error);
}

function unreachable(where: string, why: string, cause?: unknown): WorkerError {
  return new WorkerError('TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. ${why}`, WHERE_IT_IS, cause);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
