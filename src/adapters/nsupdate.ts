/** Runs the real nsupdate, and tells what its words mean. */

import { spawn } from 'node:child_process';
import type { TsigKey } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { maskSecrets } from '../deployment/mask';
import { checkedSecret } from './tsig';

const TIMEOUT_S = 20;
/** A name server's name may have several addresses, each with the whole timeout. */
const KILL_AFTER_MS = 30_000;
/** What is kept, and what of it is shown: it is masked in between, so that no half of a secret is at its end. */
const OUTPUT_LIMIT = 65_536;
const SHOWN_LIMIT = 4_096;

/** Why a program cannot be started, where that is the program's fault and not that of the machine it runs on. */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR']);

/** First match. A server that refuses a key says NOTAUTH too. */
const MEANINGS: readonly { readonly words: RegExp; readonly code: ErrorCode; readonly what: string }[] = [
  {
    words: /BADKEY|BADSIG|BADTIME|BADTRUNC|tsig indicates error|TSIG error|could not create key|could not read key/i,
    code: 'DNS_KEY_REFUSED',
    what: 'does not accept the key',
  },
  { words: /update failed: REFUSED/, code: 'DNS_REFUSED', what: 'refuses the update' },
  { words: /update failed: (NOTZONE|NOTAUTH)/, code: 'DNS_NOT_ZONE', what: 'is not the authority for the zone' },
  { words: /update failed: [NY]X(DOMAIN|RRSET)/, code: 'DNS_CHANGED', what: 'holds other records than those seen' },
  {
    words: /Communication with|couldn't get address|timed out|could not reach|connection refused|unreachable/i,
    code: 'DNS_UNREACHABLE',
    what: 'does not answer',
  },
];

export async function runNsupdate(script: string, key: TsigKey | undefined): Promise<void> {
  // TCP: over UDP a reply that is lost has the message sent again, and its own effect breaks the prerequisites.
  const { code, output } = await run(['-v', '-t', String(TIMEOUT_S)], `${keyLine(key)}${script}`);
  if (code !== 0) throw failure(script, key, output);
}

/** The secret goes in by the pipe: a file would outlive a worker that is killed, and arguments are seen by everybody. */
function keyLine(key: TsigKey | undefined): string {
  return key === undefined ? '' : `key ${key.algorithm}:${key.name} ${checkedSecret(key)}\n`;
}

/** The worker's environment holds secrets: of it, nsupdate gets the path to itself only. */
function run(args: readonly string[], script: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('nsupdate', args, { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  let output = '';
  const hear = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(0, OUTPUT_LIMIT));
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        MISSING.has(error.code ?? '')
          ? new DeployError('TOOL_MISSING', `nsupdate cannot be run: ${error.code ?? ''}.`)
          : error,
      ),
    );
    // Without descriptors left there are no pipes either.
    if (child.pid === undefined) return;
    child.on('close', (code, signal) => resolve({ code, output: signal === null ? output : `${output}\ntimed out` }));
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  }).finally(() => clearTimeout(timer));
}

function failure(script: string, key: TsigKey | undefined, output: string): DeployError {
  const server = /^server (\S+) (\d+)$/m.exec(script);
  const shown = (key === undefined ? output : maskSecrets(output, [key.secret.reveal()])).slice(0, SHOWN_LIMIT);
  const words = shown
    .split('\n')
    .map((line) => line.replace(/^;\s*/, '').trim())
    .filter((line) => line !== '')
    .join('; ');
  const { code, what } = MEANINGS.find((meaning) => meaning.words.test(output)) ?? {
    code: 'DNS_ERROR' as const,
    what: 'did not take the update',
  };
  return new DeployError(
    code,
    `The name server ${server?.[1] ?? ''}, port ${server?.[2] ?? '?'}, ${what}: ${words || 'no reason given'}.`,
  );
}
