/** Runs BIND's nsupdate and maps its messages to our error codes. */

import { spawn } from 'node:child_process';
import type { TsigKey } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { maskSecrets } from '../deployment/mask';
import { LimitedBuffer } from './limited-buffer';
import { codeOf, reasonOf } from './node-errors';
import { checkedSecret } from './tsig';

const TIMEOUT_S = 20;
/** The name server may have several addresses, each with the whole timeout. */
const KILL_AFTER_MS = 30_000;
/** More is kept than is shown, because masking comes in between: a secret cut in half would not be found. */
const OUTPUT_LIMIT = 65_536;
const SHOWN_LIMIT = 4_096;

/** nsupdate cannot be started because of itself, not because this machine is short of resources. */
const NOT_RUNNABLE: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR']);

/** The first match counts: a server that refuses a key says NOTAUTH as well. */
const MEANINGS: readonly { readonly pattern: RegExp; readonly code: ErrorCode; readonly what: string }[] = [
  {
    pattern: /BADKEY|BADSIG|BADTIME|BADTRUNC|tsig indicates error|TSIG error|could not create key|could not read key/i,
    code: 'DNS_KEY_REFUSED',
    what: 'does not accept the key',
  },
  { pattern: /update failed: REFUSED/, code: 'DNS_REFUSED', what: 'refuses the update' },
  { pattern: /update failed: (NOTZONE|NOTAUTH)/, code: 'DNS_NOT_ZONE', what: 'is not the authority for the zone' },
  {
    pattern: /update failed: [NY]X(DOMAIN|RRSET)/,
    code: 'DNS_CHANGED',
    what: 'holds other records than those found before',
  },
  {
    pattern: /Communication with|couldn't get address|timed out|could not reach|connection refused|unreachable/i,
    code: 'DNS_UNREACHABLE',
    what: 'does not answer',
  },
];

export async function runNsupdate(script: string, key: TsigKey | undefined): Promise<void> {
  // TCP (-v), because over UDP a lost reply makes nsupdate send again, and the update's own effect then violates its prerequisites.
  const { code, output } = await run(['-v', '-t', String(TIMEOUT_S)], `${keyLine(key)}${script}`);
  if (code !== 0) throw failure(script, key, output);
}

/** The secret goes through stdin: a file would outlive a killed worker, and everybody sees arguments. */
function keyLine(key: TsigKey | undefined): string {
  return key === undefined ? '' : `key ${key.algorithm}:${key.name} ${checkedSecret(key)}\n`;
}

/** nsupdate gets only PATH: the worker's environment holds secrets. */
function run(args: readonly string[], script: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('nsupdate', args, { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  const output = new LimitedBuffer(OUTPUT_LIMIT);
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.on('error', (error) =>
      reject(
        NOT_RUNNABLE.has(codeOf(error) ?? '')
          ? new DeployError('TOOL_MISSING', `nsupdate cannot be run: ${reasonOf(error)}.`)
          : error,
      ),
    );
    // There are no pipes if the process could not be started.
    if (child.pid === undefined) return;
    child.on('close', (code, signal) =>
      resolve({ code, output: signal === null ? output.text : `${output.text}\ntimed out` }),
    );
    child.stdout.on('data', (chunk: Buffer) => output.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.add(chunk));
    // nsupdate may end before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  }).finally(() => clearTimeout(timer));
}

function failure(script: string, key: TsigKey | undefined, output: string): DeployError {
  const server = /^server (\S+) (\d+)$/m.exec(script);
  const shown = (key === undefined ? output : maskSecrets(output, [key.secret.reveal()])).slice(0, SHOWN_LIMIT);
  const reason = shown
    .split('\n')
    .map((line) => line.replace(/^;\s*/, '').trim())
    .filter((line) => line !== '')
    .join('; ');
  const { code, what } = MEANINGS.find((meaning) => meaning.pattern.test(output)) ?? {
    code: 'DNS_ERROR' as const,
    what: 'did not accept the update',
  };
  return new DeployError(
    code,
    `The name server ${server?.[1] ?? ''}, port ${server?.[2] ?? '?'}, ${what}: ${reason || 'no reason given'}.`,
  );
}
