/** A lock file: only one setup at a time runs in this folder. The lock of a dead process is broken. */

import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, say } from './process.mjs';

const FOLDER = join(ROOT, '.tools');
const LOCK = join(FOLDER, 'setup.lock');
const REFRESH_MS = 5_000;
/** After this long without a refresh the holder is dead, even if its process id exists again. */
const STALE_MS = 60_000;

export async function withLock(work) {
  mkdirSync(FOLDER, { recursive: true });
  await acquire();
  const refresh = setInterval(() => utimesSync(LOCK, new Date(), new Date()), REFRESH_MS);
  process.once('SIGINT', abandon).once('SIGTERM', abandon);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    process.off('SIGINT', abandon).off('SIGTERM', abandon);
    unlinkSync(LOCK);
  }
}

function abandon() {
  unlinkSync(LOCK);
  process.exit(130);
}

async function acquire() {
  for (let told = false; !tryAcquire(); told = true) {
    if (!told) say('another setup is running in this folder; waiting for it');
    breakIfStale();
    await sleep(500);
  }
}

function tryAcquire() {
  try {
    const file = openSync(LOCK, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function breakIfStale() {
  const holder = readHolder(LOCK);
  if (holder === undefined || !isGone(holder)) return;
  // Renamed before it is removed: of two processes that find it stale, only one succeeds. A new lock renamed by mistake
  // is put back.
  const mine = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, mine);
    if (readHolder(mine)?.pid !== holder.pid) linkSync(mine, LOCK);
    unlinkSync(mine);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

function readHolder(path) {
  try {
    return { pid: Number(readFileSync(path, 'utf8')), touched: statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}

function isGone({ pid, touched }) {
  if (Date.now() - touched > STALE_MS) return true;
  // Just created and not yet written.
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
