/** Host keys as cloud-init prints them on a machine's console, where only the machine and its cloud can write. */

import { createHash } from 'node:crypto';

/** Behind whatever the line begins with: the console is shared with the kernel, and syslog puts its own words first. */
const MARKER = /-----(BEGIN|END) SSH HOST KEY (FINGERPRINTS|KEYS)-----/;
/** As `ssh-keygen -l` prints it; the MD5 of releases before 6.8 compares with nothing. */
const PRINT = /\b\d+ (SHA256:[A-Za-z0-9+/]{43})(?=\s|$)/;
/** As in a file `.pub`. */
const KEY = /(?:^|\s)((?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/]+={0,2})(?=\s|$)/;

type Kind = 'FINGERPRINTS' | 'KEYS';

interface Block {
  readonly kind: Kind;
  readonly lines: readonly string[];
}

const READ: Readonly<Record<Kind, (line: string) => string | undefined>> = {
  FINGERPRINTS: (line) => PRINT.exec(line)?.[1],
  KEYS: printOfKey,
};

/** `SHA256:…` of each key in the last whole block: those before it may be of an earlier boot, and a block without its end lacks keys. */
export function printedHostKeys(output: string): readonly string[] {
  const block = lastBlock(output);
  if (block === undefined) return [];
  return [...new Set(block.lines.flatMap((line) => READ[block.kind](line) ?? []))];
}

/** @param key as it goes over the wire */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function lastBlock(output: string): Block | undefined {
  let whole: Block | undefined;
  let open: { kind: Kind; lines: string[] } | undefined;
  for (const line of output.split(/[\r\n]+/)) {
    const [, edge, kind] = MARKER.exec(line) ?? [];
    if (edge === undefined) open?.lines.push(line);
    else if (edge === 'BEGIN') open = { kind: kind as Kind, lines: [] };
    else {
      if (open?.kind === kind) whole = open;
      open = undefined;
    }
  }
  return whole;
}

function printOfKey(line: string): string | undefined {
  const [, type, base64] = KEY.exec(line) ?? [];
  if (type === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  // A key begins with its type; one that does not was torn by another line.
  const said = key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0));
  return said === type ? fingerprintOf(key) : undefined;
}
