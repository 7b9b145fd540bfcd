/** What commands do, loaded when one is run: Temporal's client alone costs more time than `--help` may take. */

import { createRequire } from 'node:module';
import type * as answering from './answering';
import type * as deploying from './deploying';
import type * as image from './image';
import type * as looking from './looking';
import type * as offline from './offline';
import type * as processes from './processes';
import type * as publishing from './publishing';

// Not import(): where TypeScript is run as it is, only require knows its files.
const load = createRequire(__filename);

export const lazy = {
  answering: (): typeof answering => load('./answering') as typeof answering,
  deploying: (): typeof deploying => load('./deploying') as typeof deploying,
  image: (): typeof image => load('./image') as typeof image,
  looking: (): typeof looking => load('./looking') as typeof looking,
  offline: (): typeof offline => load('./offline') as typeof offline,
  processes: (): typeof processes => load('./processes') as typeof processes,
  publishing: (): typeof publishing => load('./publishing') as typeof publishing,
};
