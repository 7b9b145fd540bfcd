/** Where Temporal is: its own environment variables and TOML profile, and a few of ours. Loads no client: `plan` needs it too. */

import type { ConnectionOptions } from '@temporalio/client';
import { ConnectionFault, temporalPlace } from '../temporal/connection';
import type { TemporalPlace } from '../temporal/connection';
import { TASK_QUEUE } from '../deployment/names';
import { ClientError } from './errors';

export interface ConnectOptions {
  /** Profile of the TOML file; default: TEMPORAL_PROFILE, else `default`. TEMPORAL_* variables override it. */
  readonly profile?: string;
  /** Default: STACKATO_DEPLOY_TASK_QUEUE, else `stackato-deploy`. */
  readonly taskQueue?: string;
  /** Where Temporal's Web UI is. Default: STACKATO_DEPLOY_UI, TEMPORAL_UI_ADDRESS, else http://localhost:8233. */
  readonly ui?: string;
}

export interface Settings {
  readonly place: TemporalPlace;
  readonly connection: ConnectionOptions;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly ui: string;
}

const DEFAULT_UI = 'http://localhost:8233';
export const CONNECT_LIMIT = 5_000;

/** Reads configuration only. */
export function settingsOf(options: ConnectOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  const place = placeOf(options.profile, env);
  const ui = options.ui ?? env.STACKATO_DEPLOY_UI ?? env.TEMPORAL_UI_ADDRESS ?? DEFAULT_UI;
  return {
    place,
    connection: {
      address: place.address,
      connectTimeout: CONNECT_LIMIT,
      // gRPC would go through a proxy of the environment, which is the cloud's; the worker's own library does not.
      channelArgs: { 'grpc.enable_http_proxy': 0 },
      ...place.how,
    },
    namespace: place.namespace,
    taskQueue: options.taskQueue ?? env.STACKATO_DEPLOY_TASK_QUEUE ?? TASK_QUEUE,
    ui: (/^https?:\/\//.test(ui) ? ui : `http://${ui}`).replace(/\/+$/, ''),
  };
}

function placeOf(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalPlace {
  try {
    return temporalPlace(profile, env);
  } catch (error) {
    throw error instanceof ConnectionFault ? clientErrorOf(error) : error;
  }
}

export function clientErrorOf({ code, message, remedy, cause }: ConnectionFault): ClientError {
  return new ClientError(code, message, { remedy, cause });
}
