/** Where Temporal is: its own environment variables and TOML profile, and a few of ours. Loads no client: `plan` needs it too. */

import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TASK_QUEUE } from '../spec/names';
import { ClientError } from './errors';
import { messageOf, sentence } from './words';

export interface ConnectOptions {
  /** Profile of the TOML file; default: TEMPORAL_PROFILE, else `default`. TEMPORAL_* variables override it. */
  readonly profile?: string;
  /** Default: STACKATO_DEPLOY_TASK_QUEUE, else `stackato-deploy`. */
  readonly taskQueue?: string;
  /** Where Temporal's Web UI is. Default: STACKATO_DEPLOY_UI, TEMPORAL_UI_ADDRESS, else http://localhost:8233. */
  readonly ui?: string;
}

export interface Settings {
  readonly connection: ConnectionOptions;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly ui: string;
}

export const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_UI = 'http://localhost:8233';
export const CONNECT_LIMIT = 5_000;

/** Reads configuration only. */
export function settingsOf(options: ConnectOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  const { connectionOptions, namespace } = loadConfig(options.profile);
  const { address, apiKey, tls, metadata } = connectionOptions;
  const ui = options.ui ?? env.STACKATO_DEPLOY_UI ?? env.TEMPORAL_UI_ADDRESS ?? DEFAULT_UI;
  return {
    connection: {
      address: address ?? DEFAULT_ADDRESS,
      connectTimeout: CONNECT_LIMIT,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(tls === undefined ? {} : { tls }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    namespace: namespace ?? 'default',
    taskQueue: options.taskQueue ?? env.STACKATO_DEPLOY_TASK_QUEUE ?? TASK_QUEUE,
    ui: (/^https?:\/\//.test(ui) ? ui : `http://${ui}`).replace(/\/+$/, ''),
  };
}

function loadConfig(profile: string | undefined): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig(profile === undefined ? {} : { profile });
  } catch (error) {
    throw new ClientError('TEMPORAL_CONFIG', `Temporal's configuration cannot be read. ${sentence(messageOf(error))}`, { cause: error });
  }
}
