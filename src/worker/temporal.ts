/** The worker's connection to Temporal, and what it means to a person that there is none. */

import { setTimeout as delay } from 'node:timers/promises';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { WorkerError } from './failure';

export interface Place {
  readonly options: NativeConnectionOptions;
  readonly address: string;
  readonly namespace: string;
}

const DEFAULT_ADDRESS = 'localhost:7233';
/** The SDK alone would wait for half a minute. */
const CONNECT_LIMIT = 10_000;

/** Reads configuration only. */
export function temporalPlace(): Place {
  try {
    const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
    return { options: connectionOptions, address: connectionOptions.address ?? DEFAULT_ADDRESS, namespace };
  } catch (error) {
    const why = textOf(error).split('\n')[0] ?? '';
    throw new WorkerError('TEMPORAL_CONFIG', `Temporal's configuration cannot be read. ${sentence(why)}`, 'Check --profile, TEMPORAL_PROFILE, TEMPORAL_TLS_* and the TOML file (TEMPORAL_CONFIG_FILE).', error);
  }
}

/** A native worker that fails at its namespace is never let go of by the SDK, and would keep the process alive: so the namespace is asked for first. */
export async function connectToTemporal(place: Place): Promise<NativeConnection> {
  const { options, address } = place;
  const connection = await withinLimit(address, NativeConnection.connect(options).catch((error: unknown) => { throw unusable(address, error); }));
  await checkNamespace(connection, place);
  return connection;
}

export async function checkNamespace(connection: NativeConnection, { address, namespace }: Place): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_LIMIT, () => connection.workflowService.describeNamespace({ namespace }));
  } catch (error) {
    throw unusable(address, error);
  }
}

async function withinLimit<T>(address: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(CONNECT_LIMIT, undefined, { signal: stop.signal }).then(() => { throw unreachable(address, `Nothing answered within ${CONNECT_LIMIT / 1000} s.`); });
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
const CREDENTIALS = 'Check the credentials and the namespace of your profile (TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*).';
const TLS = 'Check the TLS settings of your profile (TEMPORAL_TLS, TEMPORAL_TLS_*; TEMPORAL_API_KEY switches TLS on) against the server\'s.';

type Told = readonly [code: 'TEMPORAL_UNREACHABLE' | 'TEMPORAL_REFUSED', message: string, remedy: string];

/** By the texts of the SDK's core: its errors have no codes. First match. */
const MEANING: readonly (readonly [RegExp, (where: string, found: string) => Told])[] = [
  [/^Invalid address|targetUrl/, (where) => ['TEMPORAL_UNREACHABLE', `"${where}" is no address of Temporal. It must be host:port.`, 'Set TEMPORAL_ADDRESS, or the address of your profile, to host:port, without http:// and without a path.']],
  [/Namespace (\S+) is not found/, (where, name) => ['TEMPORAL_REFUSED', `Temporal at ${where} has no namespace ${name}.`, 'Create it (`temporal operator namespace create`), or set TEMPORAL_NAMESPACE to one that is there.']],
  [/permission|PermissionDenied|Request unauthorized/i, (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not allow this.`, CREDENTIALS]],
  [/unauthenticated|authentication credentials/i, (where) => ['TEMPORAL_REFUSED', `Temporal at ${where} does not accept these credentials.`, CREDENTIALS]],
  [/InvalidContentType|InvalidMessage/, (where) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. TLS is switched on here, and what answers there speaks none.`, TLS]],
  [/invalid peer certificate: (?:Other\()?(\w+)/, (where, why) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. Its certificate is not accepted (${why}).`, TLS]],
  [/(PrivateKeyParse|CertificateParse)Error/, () => ['TEMPORAL_UNREACHABLE', 'The TLS key or certificate for Temporal cannot be used. It is not PEM.', TLS]],
  [/message: "([^"]*)" \}\)/, (where, why) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. ${sentence(why)}`, WHERE_IT_IS]],
  [/failed to lookup address information: ([^"]*)/, (where, why) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. ${sentence(why)}`, WHERE_IT_IS]],
  [/timeout expired|deadline/i, (where) => ['TEMPORAL_UNREACHABLE', `Temporal cannot be reached at ${where}. It did not answer in time.`, WHERE_IT_IS]],
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
