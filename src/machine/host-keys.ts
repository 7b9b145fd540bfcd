/** Host keys that cloud-init prints on the machine's console, which only the machine and its cloud can write to. */

import { createHash } from 'node:crypto';

/** Not only at the beginning of a line: the console is shared with the kernel, and syslog puts a prefix before it. */
const MARKER = /-----(BEGIN|END) SSH HOST KEY (FINGERPRINTS|KEYS)-----/;
/** As `ssh-keygen -l` prints it. Fingerprints in MD5 (OpenSSH before 6.8) cannot be compared with ours. */
const FINGERPRINT = /\b\d+ (SHA256:[A-Za-z0-9+/]{43})(?=\s|$)/;
/** As in a `.pub` file. */
const PUBLIC_KEY = /(?:^|\s)((?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/]+={0,2})(?=\s|$)/;

type Kind = 'FINGERPRINTS' | 'KEYS';

interface Block {
  readonly kind: Kind;
  readonly lines: readonly string[];
}

const READ: Readonly<Record<Kind, (line: string) => string | undefined>> = {
  FINGERPRINTS: (line) => FINGERPRINT.exec(line)?.[1],
  KEYS: fingerprintOfKey,
};

/** `SHA256:…` of each key in the last complete block: earlier blocks may be from an earlier boot, and an incomplete one lacks keys. */
export function printedHostKeys(output: string): readonly string[] {
  const block = lastBlock(output);
  if (block === undefined) return [];
  return [...new Set(block.lines.flatMap((line) => READ[block.kind](line) ?? []))];
}

/** @param key in the SSH wire format */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function lastBlock(output: string): Block | undefined {
  let last: Block | undefined;
  let open: { kind: Kind; lines: string[] } | undefined;
  for (const line of output.split(/[\r\n]+/)) {
    const [, edge, kind] = MARKER.exec(line) ?? [];
    if (edge === undefined) open?.lines.push(line);
    else if (edge === 'BEGIN') open = { kind: kind as Kind, lines: [] };
    else {
      if (open?.kind === kind) last = open;
      open = undefined;
    }
  }
  return last;
}

function fingerprintOfKey(line: string): string | undefined {
  const [, type, base64] = PUBLIC_KEY.exec(line) ?? [];
  if (type === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  // A key begins with its type. One that does not has another line printed into it.
  const inner = key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0));
  return inner === type ? fingerprintOf(key) : undefined;
}
