/** TSIG (RFC 8945), which dns-packet lacks: signs queries and checks the signatures of answers. The secret stays inside this process. */

import { createHmac } from 'node:crypto';
import type { TsigKey } from '../steps/ports';
import { DeployError } from '../deployment/errors';

const TSIG = 250;
const ANY = 255;
/** How far the two clocks may differ, in seconds. */
const FUDGE = 300;
const HEADER_LENGTH = 12;
const ERRORS: Readonly<Record<number, string>> = { 16: 'BADSIG', 17: 'BADKEY', 18: 'BADTIME', 22: 'BADTRUNC' };

/** By rcode. PowerDNS answers an unsigned NOTAUTH, which for a query can only be about the key. */
const UNSIGNED: Readonly<Record<number, string>> = {
  0: 'its answer is not signed',
  3: 'its answer is not signed',
  9: 'NOTAUTH',
};

interface TsigRecord {
  /** Where it begins: it is the last record of the message. */
  readonly start: number;
  readonly time: Buffer;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** Anything but base64 is refused here, because nsupdate would print it and Node's decoder would skip what it does not know. */
export function checkedSecret({ name, secret }: TsigKey): string {
  const text = secret.reveal();
  if (!/^[a-z0-9._-]{1,253}$/i.test(name))
    throw new DeployError('DNS_KEY_REFUSED', 'The name of the TSIG key is not a domain name.');
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
  return { message: withRecordsAdded(Buffer.concat([question, record]), 1), mac };
}

/**
 * What is wrong with the signature of an answer. Only a refusal may be unsigned: a server that does not know the key or the zone cannot
 * sign.
 * @param queryMac the query's own signature, which the answer's signature covers
 */
export function signatureFault(reply: Buffer, key: TsigKey, queryMac: Buffer): string | undefined {
  const record = tsigRecordOf(reply);
  if (record === undefined) return UNSIGNED[reply.readUInt8(3) & 0xf];
  if (record.error === 18) return `BADTIME, this machine's clock is ${clockDifference(record.other)} off the server's`;
  if (record.error !== 0) return ERRORS[record.error] ?? `TSIG error ${record.error}`;
  const message = withRecordsAdded(Buffer.from(reply.subarray(0, record.start)), -1);
  message.writeUInt16BE(record.originalId, 0);
  const expected = digest(key, [u16(queryMac.length), queryMac, message, variables(key, record)]);
  return expected.equals(record.mac) ? undefined : 'its answer is not signed with that key';
}

function digest({ algorithm, ...key }: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(algorithm.replace('hmac-', ''), Buffer.from(checkedSecret({ algorithm, ...key }), 'base64'));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** What is signed besides the message ("TSIG variables"). */
function variables(
  key: TsigKey,
  { time, fudge, error, other }: Pick<TsigRecord, 'time' | 'fudge' | 'error' | 'other'>,
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

/** Changes the number of records in the additional section. */
function withRecordsAdded(message: Buffer, more: number): Buffer {
  message.writeUInt16BE(message.readUInt16BE(10) + more, 10);
  return message;
}

/** Reading past the end of a truncated message throws a RangeError. */
function tsigRecordOf(reply: Buffer): TsigRecord | undefined {
  const [questions = 0, ...sections] = [4, 6, 8, 10].map((at) => reply.readUInt16BE(at));
  let at = HEADER_LENGTH;
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

function clockDifference(serverTime: Buffer): string {
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
