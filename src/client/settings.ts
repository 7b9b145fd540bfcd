/** The client's settings: Temporal's own variables and TOML profile, and a few of ours. Loads no Temporal client: `plan` needs none. */

import type { ConnectionOptions } from '@temporalio/client';
import { ConnectionFault, temporalTarget } from '../temporal/connection';
import type { TemporalTarget } from '../temporal/connection';
import { TASK_QUEUE } from '../deployment/names';
import { ClientError } from './errors';

export interface ConnectOptions {
  /** Profile of the TOML file; default: TEMPORAL_PROFILE, else `default`. TEMPORAL_* variables override it. */
  readonly profile?: string;
  /** Default: STACKATO_DEPLOY_TASK_QUEUE, else `stackato-deploy`. */
  readonly taskQueue?: string;
  /** Where Temporal's Web UI is. Default: STACKATO_DEPLOY_UI, TEMPORAL_UI_ADDRESS, else http://localhost:8233. */
  readonly ui?: string;
  /** How long to wait for Temporal's answers, ms. Default: 5 s to connect, 15 s for a call. */
  readonly patience?: number;
}

export interface Settings {
  readonly target: TemporalTarget;
  readonly connection: ConnectionOptions;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly ui: string;
  /** To connect, ms. */
  readonly connectLimit: number;
  /** For a call that Temporal answers at once, ms. */
  readonly callLimit: number;
}

const DEFAULT_UI = 'http://localhost:8233';
const CONNECT_LIMIT = 5_000;
const CALL_LIMIT = 15_000;

/** Reads the configuration; connects to nothing. */
export function settingsOf(options: ConnectOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  const target = targetOf(options.profile, env);
  const connectLimit = options.patience ?? CONNECT_LIMIT;
  const ui = options.ui ?? env.STACKATO_DEPLOY_UI ?? env.TEMPORAL_UI_ADDRESS ?? DEFAULT_UI;
  return {
    target,
    connection: {
      address: target.address,
      connectTimeout: connectLimit,
      // gRPC would use the proxy of the environment, which is meant for the cloud; the worker's own library does not.
      channelArgs: { 'grpc.enable_http_proxy': 0 },
      ...target.options,
    },
    namespace: target.namespace,
    taskQueue: options.taskQueue ?? env.STACKATO_DEPLOY_TASK_QUEUE ?? TASK_QUEUE,
    connectLimit,
    callLimit: options.patience ?? CALL_LIMIT,
    ui: (/^https?:\/\//.test(ui) ? ui : `http://${ui}`).replace(/\/+$/, ''),
  };
}

function targetOf(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalTarget {
  try {
    return temporalTarget(profile, env);
  } catch (error) {
    throw error instanceof ConnectionFault ? clientErrorOf(error) : error;
  }
}

/** The address of a run in Temporal's Web UI. */
export function webUrlOf({ ui, namespace }: Settings, workflowId: string, runId: string): string {
  return `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
}

export function clientErrorOf({ code, message, remedy, cause }: ConnectionFault): ClientError {
  return new ClientError(code, message, { remedy, cause });
}
