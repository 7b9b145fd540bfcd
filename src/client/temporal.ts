/** The one way to Temporal: the connection, and what its errors mean to a person. */

import { Client, Connection, isGrpcServiceError, NamespaceNotFoundError } from '@temporalio/client';
import { tlsTrouble } from '../temporal/connection';
import { ClientError } from './errors';
import type { ClientErrorCode } from './errors';
import { clientErrorOf as told, CONNECT_LIMIT, settingsOf } from './settings';
import type { ConnectOptions, Settings } from './settings';
import { messageOf, sentence } from './words';

const CALL_LIMIT = 15_000;

/** A connection with the settings it was made by, and every call's errors translated. */
export class Temporal {
  private constructor(
    readonly settings: Settings,
    readonly connection: Connection,
    readonly client: Client,
  ) {}

  static async connect(options: ConnectOptions = {}): Promise<Temporal> {
    const settings = settingsOf(options);
    const connection = await connected(settings);
    return new Temporal(settings, connection, new Client({ connection, namespace: settings.namespace }));
  }

  /** Runs calls that should take no time. Errors come out as ClientErrors, except those the caller knows by class. */
  call<T>(work: () => Promise<T>, limit = CALL_LIMIT): Promise<T> {
    return translated(this.settings.place.address, () => this.connection.withDeadline(Date.now() + limit, work));
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

async function connected({ place, connection }: Settings): Promise<Connection> {
  try {
    return await translated(place.address, () => Connection.connect(connection));
  } catch (error) {
    const trouble =
      error instanceof ClientError && error.code === 'TEMPORAL_UNREACHABLE' ? await tlsTrouble(place) : undefined;
    throw trouble === undefined ? error : told(trouble);
  }
}

/** By number, because the enumeration is grpc-js' own and not the client's to import. */
const GRPC: Readonly<Record<number, { readonly code: ClientErrorCode; readonly what: (where: string) => string }>> = {
  4: { code: 'TEMPORAL_UNREACHABLE', what: (where) => `Temporal at ${where} did not answer in time.` },
  14: { code: 'TEMPORAL_UNREACHABLE', what: (where) => `Temporal cannot be reached at ${where}.` },
  7: { code: 'TEMPORAL_REFUSED', what: (where) => `Temporal at ${where} does not allow this.` },
  16: { code: 'TEMPORAL_REFUSED', what: (where) => `Temporal at ${where} does not accept these credentials.` },
};

/** How the server says it to calls that the SDK does not wrap. */
const UNKNOWN_NAMESPACE = /^Namespace (\S+) is not found/;

async function translated<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw clientErrorOf(error, where) ?? error;
  }
}

function clientErrorOf(error: unknown, where: string): ClientError | undefined {
  // Already told, with its own cause.
  if (error instanceof ClientError) return error;
  const namespace =
    error instanceof NamespaceNotFoundError ? error.namespace : UNKNOWN_NAMESPACE.exec(detailsOf(error))?.[1];
  if (namespace !== undefined)
    return new ClientError('TEMPORAL_REFUSED', `Temporal at ${where} has no namespace ${namespace}.`, { cause: error });
  const row = GRPC[grpcCodeOf(error) ?? -1];
  if (row !== undefined)
    return new ClientError(row.code, `${row.what(where)} ${sentence(detailsOf(error))}`, { cause: error });
  // What Connection.connect throws when it gives up waiting is a plain Error.
  if (error instanceof Error && /Failed to connect before the deadline/i.test(error.message)) {
    return new ClientError(
      'TEMPORAL_UNREACHABLE',
      `Temporal cannot be reached at ${where}. Nothing answered within ${CONNECT_LIMIT / 1000} s.`,
      { cause: error },
    );
  }
  return undefined;
}

/** The SDK wraps most of them. */
export function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.code : undefined;
}

export function detailsOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.details : messageOf(error);
}
