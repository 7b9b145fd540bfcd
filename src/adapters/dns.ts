/** DNS: updates by nsupdate, questions to the authority itself, and what this machine's resolver believes. */

import { randomInt } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { decode, streamEncode } from 'dns-packet';
import type { DecodedPacket, RecordType } from 'dns-packet';
import type { Dns, DnsAnswer, DnsServer } from '../activities/ports';
import { DeployError } from '../spec/errors';
import type { DnsRecord } from '../spec/types';
import { shownData, typeFromPacket, typeToPacket } from './dns-data';
import { runNsupdate } from './nsupdate';
import { Turnstile } from './turnstile';

const QUERY_TIMEOUT_MS = 5_000;
/** BIND lets 10 connections wait; what comes then is dropped without a word, and tried again seconds later. */
const CONNECTIONS = 4;
const RESOLVER = { timeout: 2_000, tries: 2 };

export function createDns(): Dns {
  const turnstiles = new Map<string, Turnstile>();
  const turnstileOf = ({ server, port }: DnsServer): Turnstile => {
    const turnstile = turnstiles.get(`${server}:${port}`) ?? new Turnstile(CONNECTIONS);
    turnstiles.set(`${server}:${port}`, turnstile);
    return turnstile;
  };
  return { update: runNsupdate, query: (server, name, type) => turnstileOf(server).pass(() => query(server, name, type)), resolvesTo };
}

async function query(server: DnsServer, name: string, type: string): Promise<DnsAnswer> {
  const id = randomInt(0x1_0000);
  // No flags: the authority shall say what it has, and ask nobody else.
  const question = { name, type: typeToPacket(type) as RecordType };
  const packet = decoded(server, await ask(server, streamEncode({ type: 'query', id, flags: 0, questions: [question] })));
  if (packet.type !== 'response' || packet.id !== id) throw new DeployError('DNS_ERROR', `${at(server)} answers something else than was asked.`);
  return { rcode: packet.rcode, authoritative: packet.flag_aa, records: recordsIn(packet) };
}

function recordsIn({ answers = [] }: DecodedPacket): DnsRecord[] {
  return answers.flatMap((answer) => {
    const data = shownData(answer);
    return data === undefined || answer.type === 'OPT' ? [] : [{ name: answer.name.toLowerCase(), ttl: answer.ttl ?? 0, type: typeFromPacket(answer.type), data }];
  });
}

/** The types do not know the rcode. */
function decoded(server: DnsServer, reply: Buffer): DecodedPacket & { readonly rcode: string } {
  try {
    return decode(reply) as DecodedPacket & { readonly rcode: string };
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
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.on('close', () => {
      clearTimeout(timer);
      fail('it closed the connection');
    });
    socket.write(message);
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
