/** The user data of a machine whose image has cloud-init: the `#cloud-config` made of the spec, and the user's own beside it. */

import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { hostOf } from '../deployment/cluster';
import { DeployError } from '../deployment/errors';
import { CORE } from '../deployment/facts';
import type { NodeName } from '../deployment/facts';
import { isReleaseName, RELEASES } from '../deployment/releases';
import type { Cell } from '../deployment/releases';
import type { DeploymentSpec } from '../deployment/spec';

/** Bytes, before base64: of AWS, and of Eucalyptus 4 unless configured otherwise. For 3.x not known, taken to be the same. */
export const USER_DATA_LIMIT = 16_384;

/** Most bytes that gzipped user data may unpack to: more cannot be meant. */
const UNPACKED_LIMIT = 4 * 1024 * 1024;

/** Why cloud-init is not asked for the name; undefined: it is. */
function whyNoName(release: string): string | undefined {
  const cell: Cell<boolean> | undefined = isReleaseName(release) ? RELEASES[release].cloudInitRenames : undefined;
  if (cell?.value === true) return undefined;
  return cell !== undefined && 'source' in cell
    ? `in ${release}, the module does not rename (${cell.source})`
    : `whether the module renames in ${release} is not known`;
}

/**
 * The cloud-config of the spec. No `roles` and no `nats`: with these cloud-init would attach the node at its first boot (2.10 guide), before
 * its address is static; and those of a core are known only once `kato info` lists them.
 * @param password of ssh.password, only if the spec wants it in the user data
 */
export function cloudConfigOf(
  { release, dns, ssh, instance }: DeploymentSpec,
  password?: string,
  node: NodeName = CORE,
): string {
  const { authorizedKeys = [], bootcmd = [] } = instance.cloudInit ?? {};
  const why = whyNoName(release);
  const lines = [
    '#cloud-config',
    ...(why === undefined
      ? ['stackato:', `  extname: ${quoted(hostOf({ dns }, node))}`]
      : [`# No \`stackato: extname\`: ${why}. The step rename does it.`]),
    // A login by key needs no password, and whether one is allowed is then the image's own affair.
    ...(ssh.key === undefined ? ['ssh_pwauth: true'] : []),
    // As one text: cloud-init 0.6.3 knows no list here.
    ...(password === undefined
      ? []
      : ['chpasswd:', '  expire: false', `  list: ${quoted(`${ssh.user}:${password}\n`)}`]),
    ...(authorizedKeys.length === 0
      ? []
      : [`user: ${quoted(ssh.user)}`, 'ssh_authorized_keys:', ...authorizedKeys.map((key) => `  - ${quoted(key)}`)]),
    ...(bootcmd.length === 0 ? [] : ['bootcmd:', ...bootcmd.map((command) => `  - ${quoted(command)}`)]),
  ];
  // 0.6.3 appends part to part and reads all of it as one YAML document: block style, no document markers, a newline at the end.
  return `${lines.join('\n')}\n`;
}

/** JSON's quotes are YAML's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** What chpasswd, or cloud-init before it, would take for something else. */
const OTHER_PASSWORDS: readonly { readonly is: RegExp; readonly what: string }[] = [
  { is: /[\r\n]/, what: 'has a line break in it, which chpasswd takes for the next account' },
  { is: /^(R|RANDOM)$/, what: 'is the word for which cloud-init makes up a password' },
  { is: /^\$(1|2a|2y|5|6)\$.+/, what: 'looks like a hash, which cloud-init sets as such' },
];

export function refuseUnsettablePassword(password: string): void {
  const found = OTHER_PASSWORDS.find(({ is }) => is.test(password));
  if (found !== undefined)
    throw new DeployError(
      'USER_DATA_REFUSED',
      `The password in ssh.password cannot be set by cloud-init: it ${found.what}.`,
    );
}

/** The kinds of user data that cloud-init knows, by how they begin; a longer beginning before one that it contains. */
const KINDS = [
  ['#cloud-config-archive', 'text/cloud-config-archive'],
  ['#cloud-config-jsonp', 'text/cloud-config-jsonp'],
  ['#cloud-config', 'text/cloud-config'],
  ['#cloud-boothook', 'text/cloud-boothook'],
  ['#include-once', 'text/x-include-once-url'],
  ['#include', 'text/x-include-url'],
  ['#upstart-job', 'text/upstart-job'],
  ['#part-handler', 'text/part-handler'],
  ['#!', 'text/x-shellscript'],
  // From 18.2 on; older ones ignore such a part, as they do without us.
  ['## template: jinja', 'text/jinja2'],
] as const;

/** cloud-init's own test, on the first 4096 bytes. */
const MIME = /mime-version:/i;
const MIME_WITHIN = 4096;

interface OwnPart {
  /** `multipart` for a message of the user's, which is put into ours as it is. */
  readonly type: string;
  readonly body: Buffer;
}

function ownPart(own: Buffer): OwnPart {
  const body = isGzip(own) ? unpacked(own) : own;
  const start = body.toString('latin1', 0, MIME_WITHIN);
  if (MIME.test(start)) return { type: 'multipart', body: withoutMboxLine(body) };
  const [, type] = KINDS.find(([begins]) => start.trimStart().toLowerCase().startsWith(begins)) ?? [];
  if (type === undefined)
    throw new DeployError(
      'USER_DATA_REFUSED',
      `The user data in instance.userData is of no kind that cloud-init knows; it would be ignored. Known are MIME and what begins with ${KINDS.map(([begins]) => begins).join(', ')}.`,
    );
  if (type === 'text/cloud-config' && UNAPPENDABLE.some((each) => each.test(body.toString('utf8'))))
    throw new DeployError(
      'USER_DATA_REFUSED',
      'The cloud-config in instance.userData is in braces or has document markers (--- or ...): cloud-init 0.6.3 appends it to that of the spec, and could then read neither. Write it in block style, without markers.',
    );
  return { type, body };
}

/** Ubuntu 12.04's cloud-init makes one YAML document of all parts: a line with a marker, or a mapping in braces, ends that. */
const UNAPPENDABLE = [/^(---|\.\.\.)(\s|$)/m, /^([ \t]*(#.*)?\r?\n)*[ \t]*\{/];

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function unpacked(own: Buffer): Buffer {
  try {
    return gunzipSync(own, { maxOutputLength: UNPACKED_LIMIT });
  } catch {
    throw new DeployError(
      'USER_DATA_REFUSED',
      `The user data in instance.userData begins as gzip and cannot be unpacked (to at most ${UNPACKED_LIMIT} bytes).`,
    );
  }
}

/** Python's email writes it before a message; inside of a part it would not be a header. */
function withoutMboxLine(message: Buffer): Buffer {
  return message.toString('latin1', 0, 5) === 'From ' ? message.subarray(message.indexOf('\n') + 1) : message;
}

export interface UserData {
  readonly bytes: Buffer;
  /** Before gzip. */
  readonly plainSize: number;
  readonly packed: boolean;
}

/**
 * With user data of the user's own: a multipart message, ours first. cloud-init's rule, by which the later part counts, holds for whole
 * keys of a cloud-config: 0.6.3 reads all parts as one document, in which the last of equal keys counts, and from 0.7.2 on the default
 * Merge-Type is `dict(replace)`. Gzipped only if it would be too big otherwise: plain, it can be read in the cloud's own tools, and does
 * not depend on the worker's zlib, so that a launch that is repeated with one client token stays the same request.
 */
export function userDataOf(config: string, own?: Buffer): UserData {
  const plain = own === undefined ? Buffer.from(config) : multipart(config, ownPart(own));
  if (plain.length <= USER_DATA_LIMIT) return { bytes: plain, plainSize: plain.length, packed: false };
  return { bytes: gzipSync(plain, { level: 9 }), plainSize: plain.length, packed: true };
}

/** User data for an image without cloud-init is sent as it is. */
export function asIs(own: Buffer): UserData {
  return { bytes: own, plainSize: own.length, packed: false };
}

export function refuseTooBig({ bytes, plainSize, packed }: UserData): void {
  if (bytes.length <= USER_DATA_LIMIT) return;
  throw new DeployError(
    'USER_DATA_TOO_BIG',
    `The user data has ${bytes.length} bytes${packed ? ` (gzipped; ${plainSize} before)` : ''}; clouds take at most ${USER_DATA_LIMIT}.`,
  );
}

function multipart(config: string, own: OwnPart): Buffer {
  const ours = Buffer.from(config);
  // Made of the content: a repeated launch must send the same bytes, and no part can hold its own digest.
  const boundary = `stackato-${createHash('sha256').update(ours).update('\0').update(own.body).digest('hex').slice(0, 32)}`;
  return Buffer.concat([
    Buffer.from(`Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n`),
    ...[partOf('text/cloud-config', ours), own.type === 'multipart' ? own.body : partOf(own.type, own.body)].flatMap(
      (part) => [Buffer.from(`--${boundary}\n`), part, Buffer.from('\n')],
    ),
    Buffer.from(`--${boundary}--\n`),
  ]);
}

/** Bytes that mail does not keep as they are. */

const NOT_PLAIN = /[^\t\n\x20-\x7e]/;
const BASE64_LINE = /.{1,76}/g;

function partOf(type: string, body: Buffer): Buffer {
  const plain = !NOT_PLAIN.test(body.toString('latin1'));
  const head = `Content-Type: ${type}; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: ${plain ? '7bit' : 'base64'}\n\n`;
  const text = plain ? body : Buffer.from((body.toString('base64').match(BASE64_LINE) ?? []).join('\n'));
  return Buffer.concat([Buffer.from(head), text]);
}

/** The keys of ours that the user's own cloud-config replaces; none for user data of another kind. */
export function replacedKeys(config: string, own: Buffer): readonly string[] {
  const { type, body } = ownPart(own);
  if (type !== 'text/cloud-config') return [];
  const theirs = topLevelKeys(body.toString('utf8'));
  return topLevelKeys(config).filter((key) => theirs.includes(key));
}

function topLevelKeys(config: string): string[] {
  return [...config.matchAll(/^["']?([A-Za-z_][\w-]*)["']?\s*:/gm)].map(([, key = '']) => key);
}

/** Words of the user's own that may be secrets: they must not be shown where a log repeats them. Ordinary words are left readable. */
export function tellingWords(own: Buffer): readonly string[] {
  const text = (isGzip(own) ? unpacked(own) : own).toString('utf8');
  // Any word, if it follows a colon directly: `user:password`. Otherwise one with more than lower-case letters in it.
  const passwords = [...text.matchAll(/[\w-]:([^\s"':,\]}]{4,})/g)].map(([, word = '']) => word);
  const words = text.split(/[\s"':,=[\]{}]+/).filter((word) => word.length >= 6 && /[^a-z-]/.test(word));
  return [...new Set([...namedPasswords(text), ...listedPasswords(text), ...passwords, ...words])].filter(
    (word) => !KINDS.some(([begins]) => word === begins),
  );
}

/** Masking shorter ones would make holes in ordinary words. */
const SHORTEST = 4;
const ORDINARY = /^(true|false|null|none)$/i;

/** `password: …`, `DB_PASSWD=…`: all that the value may be, since a password may have any of the signs that end a value. */
function namedPasswords(text: string): string[] {
  return [...text.matchAll(/passw(?:or)?d[^\n:=]{0,40}[:=]+[ \t]*(?=(.*))/gi)]
    .flatMap(([, value = '']) => [...readingsOf(value), value.split(/[\s,"'}\]]/)[0] ?? ''])
    .filter(mayBePassword);
}

/** The entries `user:password` of `list:` in `chpasswd`, in one line or each in its own: whole, from the first colon on. */
function listedPasswords(text: string): string[] {
  const inLine = [...text.matchAll(/\blist["']?[ \t]*:[ \t]*(?=(.*))/g)].flatMap(([, value = '']) => {
    const bracketed = /^\[(.*)\]/.exec(value)?.[1];
    return bracketed === undefined ? readingsOf(value).flatMap((each) => each.split('\\n')) : bracketed.split(/,\s*/);
  });
  // A key of YAML has a space after its colon.
  const ownLines = text.split('\n').map((line) => line.replace(/^\s*(-\s+)?/, ''));
  return [...inLine, ...ownLines]
    .flatMap(readingsOf)
    .map((entry) => /^[\w.-]+:(\S.*)$/.exec(entry)?.[1] ?? '')
    .filter(mayBePassword);
}

function mayBePassword(text: string): boolean {
  return text.length >= SHORTEST && !ORDINARY.test(text);
}

/** A value to the end of its line: as it is, without a comment after it, and what is in its quotes. */
function readingsOf(value: string): string[] {
  const whole = value.trim();
  const quoted = /^(["'])(.*?)(?<!\\)\1/.exec(whole)?.[2];
  return [whole, whole.replace(/\s+#.*$/, ''), ...(quoted === undefined ? [] : [quoted])];
}
