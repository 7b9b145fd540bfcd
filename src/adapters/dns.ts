/** DNS: updates by nsupdate, questions to the authority itself, and what this machine's resolver believes. */

import { randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { decode, encode } from 'dns-packet';
import type { DecodedPacket, RecordType } from 'dns-packet';
import type { Dns, DnsServer, TsigKey } from '../steps/ports';
import type { DnsAnswer } from '../dns/answers';
import { DeployError } from '../deployment/errors';
import type { DnsRecord } from '../deployment/types';
import { shownData, typeFromPacket, typeToPacket } from './dns-data';
import { runNsupdate } from './nsupdate';
import { faultIn, sign } from './tsig';
import { Turnstile } from './turnstile';

const QUERY_TIMEOUT_MS = 5_000;
/** BIND lets 10 connections wait; what comes then is dropped without a word, and tried again seconds later. */
const CONNECTIONS = 4;
const OF_THIS_MACHINE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS']);
const RESOLVER = { timeout: 2_000, tries: 2 };

export function createDns(): Dns {
  const turnstiles = new Map<string, Turnstile>();
  const turnstileOf = ({ server, port }: DnsServer): Turnstile => {
    const turnstile = turnstiles.get(`${server}:${port}`) ?? new Turnstile(CONNECTIONS);
    turnstiles.set(`${server}:${port}`, turnstile);
    return turnstile;
  };
  return {
    update: runNsupdate,
    query: (server, name, type, key) => turnstileOf(server).pass(() => query(server, { name, type }, key)),
    resolvesTo,
  };
}

async function query(
  server: DnsServer,
  { name, type }: { name: string; type: string },
  key: TsigKey | undefined,
): Promise<DnsAnswer> {
  const id = randomInt(0x1_0000);
  // No flags: the authority shall say what it has, and ask nobody else.
  const question = encode({
    type: 'query',
    id,
    flags: 0,
    questions: [{ name, type: typeToPacket(type) as RecordType }],
  });
  const signed = key === undefined ? undefined : { ...sign(question, key), key };
  const reply = await ask(server, signed?.message ?? question);
  const { packet, fault } = read(server, reply, (it) =>
    signed === undefined ? undefined : faultIn(it, signed.key, signed.mac),
  );
  if (packet.type !== 'response' || packet.id !== id)
    throw new DeployError('DNS_ERROR', `${at(server)} answers something else than was asked.`);
  if (fault !== undefined)
    throw new DeployError(
      'DNS_KEY_REFUSED',
      `${at(server)} and the key ${key?.name ?? ''} do not fit together: ${fault}.`,
    );
  return { rcode: packet.rcode, authoritative: packet.flag_aa, records: recordsIn(packet) };
}

function recordsIn({ answers = [] }: DecodedPacket): DnsRecord[] {
  return answers.flatMap((answer) => {
    const data = shownData(answer);
    return data === undefined || answer.type === 'OPT'
      ? []
      : [{ name: answer.name.toLowerCase(), ttl: answer.ttl ?? 0, type: typeFromPacket(answer.type), data }];
  });
}

/** The types do not know the rcode. */
function read(
  server: DnsServer,
  reply: Buffer,
  check: (reply: Buffer) => string | undefined,
): { packet: DecodedPacket & { readonly rcode: string }; fault: string | undefined } {
  try {
    return { packet: decode(reply) as DecodedPacket & { readonly rcode: string }, fault: check(reply) };
  } catch {
    throw new DeployError('DNS_ERROR', `${at(server)} answers with a message that cannot be read.`);
  }
}

/** One question, one connection: the length of the reply comes in its first two bytes. */
function ask(server: DnsServer, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.server, port: server.port });
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new DeployError('DNS_UNREACHABLE', `${at(server)} does not answer: ${reason}.`));
    };
    const timer = setTimeout(() => fail(`nothing came within ${QUERY_TIMEOUT_MS / 1000} s`), QUERY_TIMEOUT_MS);
    let reply = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      const end = reply.length < 2 ? Infinity : 2 + reply.readUInt16BE(0);
      if (reply.length < end) return;
      socket.destroy();
      resolve(reply.subarray(2, end));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // This machine is short of something: the server was never asked.
      if (OF_THIS_MACHINE.has(error.code ?? '')) reject(error);
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
  // Several servers, each with its tries, would take longer than anybody waits.
  const timer = setTimeout(() => resolver.cancel(), QUERY_TIMEOUT_MS);
  try {
    return (await resolver.resolve4(name)).includes(ip);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
