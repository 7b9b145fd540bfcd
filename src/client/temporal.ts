/** The client's connection to Temporal; Temporal's errors become ClientErrors. */

import {
  Client,
  Connection,
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { WorkflowExecutionDescription, WorkflowService } from '@temporalio/client';
import { tlsTrouble } from '../temporal/connection';
import { ClientError, messageOf, sentence } from './errors';
import type { ClientErrorCode } from './errors';
import { clientErrorOf as asClientError, settingsOf } from './settings';
import type { ConnectOptions, Settings } from './settings';

type TaskQueueRequest = Parameters<WorkflowService['describeTaskQueue']>[0];

/** A worker's poll lasts up to a minute; Temporal lists a worker for five minutes after its last poll. */
const POLL_LIMIT = 75_000;
/** temporal.api.enums.v1.TaskQueueType */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- it is in the protocol package, which the client may not import
const WORKFLOW_QUEUE = 1 as NonNullable<TaskQueueRequest['taskQueueType']>;

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

  /** For calls that Temporal answers at once. Throws ClientErrors, except for errors that callers know by class. */
  call<T>(work: () => Promise<T>, limit = this.settings.callLimit): Promise<T> {
    return translated(this.settings.target.address, () => this.connection.withDeadline(Date.now() + limit, work));
  }

  /** The newest run of a workflow; undefined where Temporal knows none. */
  async describe(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.call(() => this.client.workflow.getHandle(workflowId).describe());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  /** Whether a worker polls that task queue. */
  async hasWorker(taskQueue: string): Promise<boolean> {
    const { namespace } = this.settings;
    const request: TaskQueueRequest = { namespace, taskQueue: { name: taskQueue }, taskQueueType: WORKFLOW_QUEUE };
    const { pollers } = await this.call(() => this.connection.workflowService.describeTaskQueue(request));
    const age = (seconds: unknown): number => Date.now() - Number(seconds ?? 0) * 1000;
    return (pollers ?? []).some(({ lastAccessTime }) => age(lastAccessTime?.seconds) < POLL_LIMIT);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

async function connected({ target, connection, connectLimit }: Settings): Promise<Connection> {
  try {
    return await translated(target.address, () => Connection.connect(connection));
  } catch (error) {
    const named = isConnectTimeout(error) ? silent(target.address, connectLimit, error) : error;
    const trouble =
      named instanceof ClientError && named.code === 'TEMPORAL_UNREACHABLE' ? await tlsTrouble(target) : undefined;
    throw trouble === undefined ? named : asClientError(trouble);
  }
}

/** What Connection.connect throws when it gives up waiting is a plain Error. */
function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && /Failed to connect before the deadline/i.test(error.message);
}

function silent(where: string, limit: number, cause: unknown): ClientError {
  return new ClientError(
    'TEMPORAL_UNREACHABLE',
    `Temporal cannot be reached at ${where}. Nothing answered within ${limit / 1000} s.`,
    { cause },
  );
}

/** By number: the enumeration is in grpc-js, which the client may not import. */
const GRPC: Readonly<Record<number, { readonly code: ClientErrorCode; readonly what: (where: string) => string }>> = {
  4: { code: 'TEMPORAL_UNREACHABLE', what: (where) => `Temporal at ${where} did not answer in time.` },
  14: { code: 'TEMPORAL_UNREACHABLE', what: (where) => `Temporal cannot be reached at ${where}.` },
  7: { code: 'TEMPORAL_REFUSED', what: (where) => `Temporal at ${where} does not allow this.` },
  16: { code: 'TEMPORAL_REFUSED', what: (where) => `Temporal at ${where} does not accept these credentials.` },
};

/** The server's words, for calls that the SDK does not wrap. */
const UNKNOWN_NAMESPACE = /^Namespace (\S+) is not found/;

async function translated<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw clientErrorOf(error, where) ?? error;
  }
}

function clientErrorOf(error: unknown, where: string): ClientError | undefined {
  // It has its own message and cause.
  if (error instanceof ClientError) return error;
  const namespace =
    error instanceof NamespaceNotFoundError ? error.namespace : UNKNOWN_NAMESPACE.exec(detailsOf(error))?.[1];
  if (namespace !== undefined)
    return new ClientError('TEMPORAL_REFUSED', `Temporal at ${where} has no namespace ${namespace}.`, { cause: error });
  const row = GRPC[grpcCodeOf(error) ?? -1];
  if (row !== undefined)
    return new ClientError(row.code, `${row.what(where)} ${sentence(detailsOf(error))}`, { cause: error });
  return undefined;
}

/** The SDK wraps most gRPC errors. */
export function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.code : undefined;
}

export function detailsOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.details : messageOf(error);
}
