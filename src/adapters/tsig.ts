/** Signed questions and their answers (RFC 8945), which dns-packet knows nothing of. The secret stays inside this process. */

import { createHmac } from 'node:crypto';
import type { TsigKey } from '../steps/ports';
import { DeployError } from '../deployment/errors';

const TSIG = 250;
const ANY = 255;
/** How far two clocks may be apart, in seconds. */
const FUDGE = 300;
const HEADER = 12;
const ERRORS: Readonly<Record<number, string>> = { 16: 'BADSIG', 17: 'BADKEY', 18: 'BADTIME', 22: 'BADTRUNC' };

/** By rcode. PowerDNS says NOTAUTH and no more; to a question it can only be about the key. */
const UNSIGNED: Readonly<Record<number, string>> = {
  0: 'its answer is not signed',
  3: 'its answer is not signed',
  9: 'NOTAUTH',
};

interface Trailer {
  /** Where the record begins: it is the last of the message. */
  readonly start: number;
  readonly time: Buffer;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** Anything else than base64 is refused here: nsupdate repeats it aloud, and Node's decoder skips what it does not know. */
export function checkedSecret({ name, secret }: TsigKey): string {
  const text = secret.reveal();
  if (!/^[a-z0-9._-]{1,253}$/i.test(name)) throw new DeployError('DNS_KEY_REFUSED', 'The name of the key is no name.');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new DeployError('DNS_KEY_REFUSED', `The secret of the key ${name} is not base64.`);
  return text;
}

export function sign(question: Buffer, key: TsigKey): { readonly message: Buffer; readonly mac: Buffer } {
  const time = Buffer.alloc(6);
  time.writeUIntBE(Math.floor(Date.now() / 1000), 0, 6);
  const unsigned = { time, fudge: FUDGE, error: 0, other: Buffer.alloc(0) };
  const mac = digest(key, [question, variables(key, unsigned)]);
  const data = Buffer.concat([
    algorithmName(key),
    time,
    u16(FUDGE),
    u16(mac.length),
    mac,
    question.subarray(0, 2),
    u16(0),
    u16(0),
  ]);
  const record = Buffer.concat([keyName(key), u16(TSIG), u16(ANY), Buffer.alloc(4), u16(data.length), data]);
  return { message: counted(Buffer.concat([question, record]), 1), mac };
}

/**
 * What is wrong with the signature of an answer. Only the refusal of an answer may come unsigned: who knew no key, or no zone, had
 * nothing to sign with.
 * @param asked the question's own signature, which the answer's covers
 */
export function faultIn(reply: Buffer, key: TsigKey, asked: Buffer): string | undefined {
  const trailer = trailerOf(reply);
  if (trailer === undefined) return UNSIGNED[reply.readUInt8(3) & 0xf];
  if (trailer.error === 18) return `BADTIME, this machine's clock is ${apart(trailer.other)} off the server's`;
  if (trailer.error !== 0) return ERRORS[trailer.error] ?? `TSIG error ${trailer.error}`;
  const message = counted(Buffer.from(reply.subarray(0, trailer.start)), -1);
  message.writeUInt16BE(trailer.originalId, 0);
  const right = digest(key, [u16(asked.length), asked, message, variables(key, trailer)]);
  return right.equals(trailer.mac) ? undefined : 'its answer is not signed with that key';
}

function digest({ algorithm, ...key }: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(algorithm.replace('hmac-', ''), Buffer.from(checkedSecret({ algorithm, ...key }), 'base64'));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** What is signed besides the message. */
function variables(
  key: TsigKey,
  { time, fudge, error, other }: Pick<Trailer, 'time' | 'fudge' | 'error' | 'other'>,
): Buffer {
  return Buffer.concat([
    keyName(key),
    u16(ANY),
    Buffer.alloc(4),
    algorithmName(key),
    time,
    u16(fudge),
    u16(error),
    u16(other.length),
    other,
  ]);
}

function keyName({ name }: TsigKey): Buffer {
  return wireName(name.toLowerCase());
}

function algorithmName({ algorithm }: TsigKey): Buffer {
  return wireName(algorithm === 'hmac-md5' ? 'hmac-md5.sig-alg.reg.int' : algorithm);
}

/** The message with so many more records in its last section. */
function counted(message: Buffer, more: number): Buffer {
  message.writeUInt16BE(message.readUInt16BE(10) + more, 10);
  return message;
}

/** Reading past the end is a RangeError, as in any message that is cut. */
function trailerOf(reply: Buffer): Trailer | undefined {
  const [questions = 0, ...sections] = [4, 6, 8, 10].map((at) => reply.readUInt16BE(at));
  let at = HEADER;
  for (let i = 0; i < questions; i++) at = nameEnd(reply, at) + 4;
  let start = at;
  for (let i = sections.reduce((sum, count) => sum + count, 0); i > 0; i--) {
    start = at;
    const fixed = nameEnd(reply, at);
    at = fixed + 10 + reply.readUInt16BE(fixed + 8);
  }
  const fixed = start === at ? at : nameEnd(reply, start);
  if (start === at || reply.readUInt16BE(fixed) !== TSIG) return undefined;
  const data = nameEnd(reply, fixed + 10);
  const macEnd = data + 10 + reply.readUInt16BE(data + 8);
  return {
    start,
    time: reply.subarray(data, data + 6),
    fudge: reply.readUInt16BE(data + 6),
    mac: reply.subarray(data + 10, macEnd),
    originalId: reply.readUInt16BE(macEnd),
    error: reply.readUInt16BE(macEnd + 2),
    other: reply.subarray(macEnd + 6, macEnd + 6 + reply.readUInt16BE(macEnd + 4)),
  };
}

function nameEnd(message: Buffer, start: number): number {
  let at = start;
  for (let length = message.readUInt8(at); length !== 0; length = message.readUInt8(at)) {
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
  return at + 1;
}

function apart(serverTime: Buffer): string {
  if (serverTime.length !== 6) return 'too far';
  return `${Math.abs(Math.round(Date.now() / 1000 - serverTime.readUIntBE(0, 6)))} s`;
}

function wireName(name: string): Buffer {
  const labels = name
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}
