/** DNS: updates by nsupdate, queries to the authoritative server, and what this machine's resolver answers. */

import { randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { decode, encode } from 'dns-packet';
import type { DecodedPacket, RecordType } from 'dns-packet';
import pLimit from 'p-limit';
import type { DnsAnswer } from '../dns/answers';
import type { Dns, DnsServer, TsigKey } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { DnsRecord } from '../deployment/spec';
import { presentationOf, typeFromPacket, typeToPacket } from './dns-record-data';
import { runNsupdate } from './nsupdate';
import { sign, signatureFault } from './tsig';

const QUERY_TIMEOUT_MS = 5_000;
/** BIND lets 10 connections wait; it silently drops more, and TCP tries again only seconds later. */
const CONNECTIONS_PER_SERVER = 4;
const RESOLVER = { timeout: 2_000, tries: 2 };

/** This machine is short of resources: the server was not even asked. */
const LOCAL_FAULTS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS']);

export function createDns(): Dns {
  const limits = new Map<string, pLimit.Limit>();
  const limitOf = ({ server, port }: DnsServer): pLimit.Limit => {
    const limit = limits.get(`${server}:${port}`) ?? pLimit(CONNECTIONS_PER_SERVER);
    limits.set(`${server}:${port}`, limit);
    return limit;
  };
  return {
    update: runNsupdate,
    query: (server, name, type, key) => limitOf(server)(() => query(server, { name, type }, key)),
    resolvesTo,
  };
}

type Reply = DecodedPacket & { readonly rcode: string };

/** dns-packet's types lack it. */
function hasRcode(packet: DecodedPacket): packet is Reply {
  return 'rcode' in packet && typeof packet.rcode === 'string';
}

async function query(
  server: DnsServer,
  { name, type }: { name: string; type: string },
  key: TsigKey | undefined,
): Promise<DnsAnswer> {
  const id = randomInt(0x1_0000);
  // No flags, so no recursion: only the server's own data counts.
  const question = encode({
    type: 'query',
    id,
    flags: 0,
    questions: [{ name, type: typeToPacket(type) as RecordType }],
  });
  const signed = key === undefined ? undefined : { ...sign(question, key), key };
  const reply = await exchange(server, signed?.message ?? question);
  const { packet, fault } = read(server, reply, () =>
    signed === undefined ? undefined : signatureFault(reply, signed.key, signed.mac),
  );
  if (packet.type !== 'response' || packet.id !== id)
    throw new DeployError('DNS_ERROR', `${at(server)} answered something else than the query.`);
  if (fault !== undefined)
    throw new DeployError(
      'DNS_KEY_REFUSED',
      `${at(server)} and the key ${key?.name ?? ''} do not fit together: ${fault}.`,
    );
  return { rcode: packet.rcode, authoritative: packet.flag_aa, records: recordsIn(packet) };
}

function recordsIn({ answers = [] }: DecodedPacket): DnsRecord[] {
  return answers.flatMap((answer) => {
    const data = presentationOf(answer);
    return data === undefined || answer.type === 'OPT'
      ? []
      : [{ name: answer.name.toLowerCase(), ttl: answer.ttl ?? 0, type: typeFromPacket(answer.type), data }];
  });
}

/** A truncated message throws a RangeError, both in dns-packet and when its signature is checked. */
function read(
  server: DnsServer,
  reply: Buffer,
  check: () => string | undefined,
): { packet: Reply; fault: string | undefined } {
  try {
    const packet = decode(reply);
    if (hasRcode(packet)) return { packet, fault: check() };
  } catch {
    // Same message as for a reply without an rcode.
  }
  throw new DeployError('DNS_ERROR', `${at(server)} sent an answer that cannot be read.`);
}

/** One connection for each query. Over TCP a message is preceded by its length, two bytes. */
function exchange(server: DnsServer, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.server, port: server.port });
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new DeployError('DNS_UNREACHABLE', `${at(server)} does not answer: ${reason}.`));
    };
    const timer = setTimeout(() => fail(`no answer within ${QUERY_TIMEOUT_MS / 1000} s`), QUERY_TIMEOUT_MS);
    let reply = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      const end = reply.length < 2 ? Infinity : 2 + reply.readUInt16BE(0);
      if (reply.length < end) return;
      socket.destroy();
      resolve(reply.subarray(2, end));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (LOCAL_FAULTS.has(error.code ?? '')) reject(error);
      fail(error.code ?? error.message);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      fail('it closed the connection');
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length, 0);
    socket.write(Buffer.concat([length, message]));
  });
}

function at({ server, port }: DnsServer): string {
  return `The name server ${server}, port ${port},`;
}

async function resolvesTo(name: string, ip: string): Promise<boolean> {
  const resolver = new Resolver(RESOLVER);
  // With several servers, all their tries together take too long.
  const timer = setTimeout(() => resolver.cancel(), QUERY_TIMEOUT_MS);
  try {
    return (await resolver.resolve4(name)).includes(ip);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
