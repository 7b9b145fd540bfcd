/** Reads user data as cloud-init does: gzip, MIME, and what a part begins with. */

import { gunzipSync } from 'node:zlib';

export interface Part {
  /** `text/cloud-config`, `text/x-shellscript` … */
  readonly type: string;
  readonly body: Buffer;
}

/** `starts_with_mappings` of 0.6.3, and jinja of 18.2; longer ones first. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['#cloud-config-archive', 'text/cloud-config-archive'],
  ['#cloud-config', 'text/cloud-config'],
  ['#cloud-boothook', 'text/cloud-boothook'],
  ['#include-once', 'text/x-include-once-url'],
  ['#include', 'text/x-include-url'],
  ['#upstart-job', 'text/upstart-job'],
  ['#part-handler', 'text/part-handler'],
  ['#!', 'text/x-shellscript'],
  ['## template: jinja', 'text/jinja2'],
];
const NOT_KNOWN = 'text/x-not-multipart';

export function partsOf(userData: Buffer): Part[] {
  const bytes = userData[0] === 0x1f && userData[1] === 0x8b ? gunzipSync(userData) : userData;
  if (/mime-version:/i.test(bytes.toString('latin1', 0, 4096))) return messageParts(bytes.toString('latin1'));
  return [{ type: typeByStart(bytes) ?? NOT_KNOWN, body: bytes }];
}

function typeByStart(body: Buffer): string | undefined {
  return BEGINNINGS.find(([begins]) => body.toString('latin1', 0, 64).startsWith(begins))?.[1];
}

/** A message, or a part of one; every character is a byte. */
function messageParts(message: string): Part[] {
  const end = /\r?\n\r?\n/.exec(message);
  const headers = (end === null ? message : message.slice(0, end.index)).replace(/\r?\n[ \t]+/g, ' ');
  const body = end === null ? '' : message.slice(end.index + end[0].length);
  const header = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(headers)?.[1]?.trim() ?? '';
  const [type = ''] = header('content-type').toLowerCase().split(';');
  const boundary = /boundary="?([^";\r\n]+)"?/i.exec(header('content-type'))?.[1];
  if (type.startsWith('multipart/') && boundary !== undefined) return split(body, boundary).flatMap(messageParts);
  const content = decoded(body, header('content-transfer-encoding').toLowerCase());
  return [{ type: type === 'text/plain' || type === '' ? (typeByStart(content) ?? NOT_KNOWN) : type, body: content }];
}

/** What is before the first delimiter and after the last is no part. The newline before a delimiter belongs to it. */
function split(body: string, boundary: string): string[] {
  const parts: string[] = [];
  let lines: string[] | undefined;
  for (const line of body.split('\n')) {
    const text = line.trimEnd();
    if (text !== `--${boundary}` && text !== `--${boundary}--`) {
      lines?.push(line);
      continue;
    }
    if (lines !== undefined) parts.push(lines.join('\n'));
    lines = [];
    if (text.endsWith(`${boundary}--`)) break;
  }
  return parts;
}

function decoded(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1');
  const text = body
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
