/** An image server for tests: packed by the command, served by a plain web server. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { Host, Kind } from '../../lab/types';
import { cli } from '../cli/cli';
import type { Site, SpecChange } from './site';
import { WebServer } from './web-server';

/** Packs the image of a spec into a new folder, and serves that. */
export async function packAndServe<H extends Host>(
  site: Site<H>,
  kind: Kind,
  change: SpecChange,
  folder: string,
): Promise<WebServer> {
  mkdirSync(folder);
  const { code, stderr } = await cli(['image', 'pack', site.specFile('packed', kind, change), '--to', folder]);
  assert.equal(code, 0, stderr);
  return WebServer.start(folder);
}
