/** Runs the real nsupdate, and tells what its words mean. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TsigKey } from '../activities/ports';
import { DeployError } from '../spec/errors';
import type { ErrorCode } from '../spec/errors';

const TIMEOUT_S = 20;
/** A name server's name may have several addresses, each with the whole timeout. */
const KILL_AFTER_MS = 30_000;
const OUTPUT_LIMIT = 4_096;

/** First match. A server that refuses a key says NOTAUTH too. */
const MEANINGS: readonly { readonly words: RegExp; readonly code: ErrorCode; readonly what: string }[] = [
  { words: /BADKEY|BADSIG|BADTIME|BADTRUNC|tsig indicates error|TSIG error|could not create key|could not read key/i, code: 'DNS_KEY_REFUSED', what: 'does not accept the key' },
  { words: /update failed: REFUSED/, code: 'DNS_REFUSED', what: 'refuses the update' },
  { words: /update failed: (NOTZONE|NOTAUTH)/, code: 'DNS_NOT_ZONE', what: 'is not the authority for the zone' },
  { words: /update failed: [NY]X(DOMAIN|RRSET)/, code: 'DNS_CHANGED', what: 'holds other records than those seen' },
  { words: /Communication with|couldn't get address|timed out|could not reach|connection refused|unreachable/i, code: 'DNS_UNREACHABLE', what: 'does not answer' },
];

export async function runNsupdate(script: string, key: TsigKey | undefined): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'stackato-deploy-'));
  try {
    const keyFile = key === undefined ? undefined : join(dir, 'key');
    if (key !== undefined && keyFile !== undefined) await writeFile(keyFile, keyText(key), { mode: 0o600 });
    // TCP: over UDP a reply that is lost has the message sent again, and its own effect breaks the prerequisites.
    const { code, output } = await run(['-v', '-t', String(TIMEOUT_S), ...(keyFile === undefined ? [] : ['-k', keyFile])], script);
    if (code !== 0) throw failure(script, key, output);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** nsupdate says an unreadable secret aloud and then goes on without a key: it must not come so far. */
function keyText({ name, algorithm, secret }: TsigKey): string {
  const text = secret.reveal();
  if (!/^[a-z0-9._-]{1,253}$/i.test(name)) throw new DeployError('DNS_KEY_REFUSED', 'The name of the key is no name.');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw new DeployError('DNS_KEY_REFUSED', `The secret of the key ${name} is not base64.`);
  return `key "${name}" { algorithm ${algorithm}; secret "${text}"; };\n`;
}

/** The worker's environment holds secrets: of it, nsupdate gets the path to itself only. */
function run(args: readonly string[], script: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('nsupdate', args, { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  let output = '';
  const hear = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(0, OUTPUT_LIMIT));
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(new DeployError('TOOL_MISSING', `nsupdate cannot be run: ${error.code ?? error.message}.`)));
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
  const shown = key === undefined ? output : output.replaceAll(key.secret.reveal(), '[secret]');
  const words = shown.split('\n').map((line) => line.replace(/^;\s*/, '').trim()).filter((line) => line !== '').join('; ');
  const { code, what } = MEANINGS.find((meaning) => meaning.words.test(output)) ?? { code: 'DNS_ERROR' as const, what: 'did not take the update' };
  return new DeployError(code, `The name server ${server?.[1] ?? ''}, port ${server?.[2] ?? '?'}, ${what}: ${words || 'no reason given'}.`);
}
