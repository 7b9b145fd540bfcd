/** Chooses a lab's ports and loopback network. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { described, stopCommand, GUARD_PORT, labOnNet, otherLabs, InUseError } from './other-labs';
import type { OtherLab } from './other-labs';
import type { Kind } from './types';

/** Offset from the base port. */
const PORTS = {
  ssh: 22,
  dns: 53,
  http: 80,
  temporal: 233,
  ui: 234,
  metrics: 235,
  https: 443,
  moto: 500,
  euca32: 773,
  euca44: 774,
  aws: 775,
  euca34: 776,
  euca51: 777,
  store32: 783,
  store44: 784,
  storeAws: 785,
  store34: 786,
  store51: 787,
} as const;

export type PortName = keyof typeof PORTS;
export type Ports = Readonly<Record<PortName, number>>;

export interface CloudPorts {
  readonly ec2: number;
  readonly s3: number;
}

export function cloudPorts(ports: Ports): Readonly<Record<Kind, CloudPorts>> {
  return {
    'eucalyptus-3.2': { ec2: ports.euca32, s3: ports.store32 },
    'eucalyptus-3.4': { ec2: ports.euca34, s3: ports.store34 },
    'eucalyptus-4.4': { ec2: ports.euca44, s3: ports.store44 },
    'eucalyptus-5.1': { ec2: ports.euca51, s3: ports.store51 },
    aws: { ec2: ports.aws, s3: ports.storeAws },
  };
}

/**
 * Each network has a port range of its own. Otherwise two labs that start at the same time could both find the same
 * port free.
 */
const PORTS_PER_NET = 60;
/** Below the kernel's range for outgoing connections, which could take a free port before the lab listens on it. */
const OWN_PORTS_FROM = 20_000;

const FIRST_NET = 67;
const LAST_NET = 250;
const NETS = LAST_NET - FIRST_NET + 1;

export interface Net {
  readonly number: number;
  /** Lets other labs know which ports this one uses. */
  announce(ports: Ports): void;
  release(): void;
}

export async function claimNet(wanted: number | undefined, dir = process.cwd()): Promise<Net> {
  if (wanted !== undefined) {
    const guard = await tryClaim(wanted, dir);
    if (guard !== undefined) return guard;
    throw await netInUse(wanted);
  }
  const first = Math.floor(Math.random() * NETS);
  for (let i = 0; i < NETS; i += 1) {
    const guard = await tryClaim(FIRST_NET + ((first + i) % NETS), dir);
    if (guard !== undefined) return guard;
  }
  throw new InUseError(
    `All loopback networks from 127.${FIRST_NET} to 127.${LAST_NET} are in use. Stop other labs, or free port ${GUARD_PORT}.`,
  );
}

async function netInUse(net: number): Promise<InUseError> {
  const other = await labOnNet(net);
  return other === undefined
    ? new InUseError(
        `The network 127.${net}.0.0/16 is in use: something listens on 127.${net}.0.1 port ${GUARD_PORT}. Stop it, or choose another network with --net.`,
      )
    : new InUseError(
        `The network 127.${net}.0.0/16 is in use by ${described(other)}. Stop it with ${stopCommand(other)}, or choose another network with --net, and other ports with --base-port.`,
      );
}

/** Chooses a free port for every part of the lab. */
export async function choosePorts(basePort: number | undefined, net: number): Promise<Ports> {
  const chosen: Partial<Record<PortName, number>> = {};
  const taken = new Set<number>();
  for (const name of Object.keys(PORTS) as PortName[]) {
    const port = basePort === undefined ? await ownPort(name, net, taken) : basePort + PORTS[name];
    if (basePort !== undefined && !(await isFree(name, port, net))) throw await portInUse(name, port);
    taken.add(port);
    chosen[name] = port;
  }
  return chosen as Ports;
}

async function portInUse(name: PortName, port: number): Promise<InUseError> {
  const other = (await otherLabs()).find(({ ports }) => ports.includes(port));
  return other === undefined
    ? new InUseError(
        `Port ${port}, which the lab needs for ${name}, is in use. Stop the program that uses it, or choose other ports with --base-port.`,
      )
    : new InUseError(
        `Port ${port}, which the lab needs for ${name}, is in use by ${described(other)}. Stop it with ${stopCommand(other)}, or choose other ports with --base-port.`,
      );
}

async function ownPort(name: PortName, net: number, taken: ReadonlySet<number>): Promise<number> {
  const first = OWN_PORTS_FROM + ((net - FIRST_NET + NETS) % NETS) * PORTS_PER_NET;
  for (let port = first; port < first + PORTS_PER_NET; port += 1) {
    if (!taken.has(port) && (await isFree(name, port, net))) return port;
  }
  throw new Error(`There is no free port for ${name} between ${first} and ${first + PORTS_PER_NET}.`);
}

async function isFree(name: PortName, port: number, net: number): Promise<boolean> {
  const host = name === 'ssh' || name === 'http' || name === 'https' ? `127.${net}.0.1` : '127.0.0.1';
  const server = await listen(host, port);
  if (server === undefined) return false;
  server.close();
  await once(server, 'close');
  return name !== 'dns' || udpIsFree(host, port);
}

function udpIsFree(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}

async function tryClaim(number: number, dir: string): Promise<Net | undefined> {
  const server = await listen(`127.${number}.0.1`, GUARD_PORT);
  if (server === undefined) return undefined;
  let ours: OtherLab = { pid: process.pid, dir, net: number, ports: [] };
  server.unref();
  // A client that hangs up early is no problem.
  server.on('connection', (socket) => socket.on('error', () => undefined).end(JSON.stringify(ours)));
  return {
    number,
    announce: (ports) => {
      ours = { ...ours, ports: Object.values(ports) };
    },
    release: () => void server.close(),
  };
}

function listen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}
