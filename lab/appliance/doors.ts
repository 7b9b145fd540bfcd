/** The machine's ports on its elastic IP: each is there only while the machine is up and a rule opens it. */

import { once } from 'node:events';
import { BlockList, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { ApplianceOptions, Rule } from '../types';

export type DoorName = keyof ApplianceOptions['ports'];

export interface Openings {
  readonly ip: string | undefined;
  readonly rules: readonly Rule[];
  readonly up: boolean;
}

interface Door {
  readonly name: DoorName;
  readonly ip: string;
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

export class Doors {
  private doors: readonly Door[] = [];
  private rules: readonly Rule[] = [];

  constructor(private readonly ports: ApplianceOptions['ports'], private readonly visit: Readonly<Record<DoorName, (socket: Socket) => void>>) {}

  async set({ ip, rules, up }: Openings): Promise<void> {
    this.rules = rules;
    const names = (Object.keys(this.ports) as DoorName[]).filter((name) => up && this.rulesFor(name).length > 0);
    const kept = this.doors.filter((door) => door.ip === ip && names.includes(door.name));
    await Promise.all(this.doors.filter((door) => !kept.includes(door)).map(close));
    const wanted = ip === undefined ? [] : names.filter((name) => !kept.some((door) => door.name === name)).map((name) => ({ name, ip }));
    this.doors = kept;
    for (const { name, ip: host } of wanted) this.doors = [...this.doors, await this.open(name, host)];
  }

  private async open(name: DoorName, ip: string): Promise<Door> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      if (this.admits(name, socket.remoteAddress ?? '')) this.visit[name](socket);
      else socket.destroy();
    });
    server.listen({ host: ip, port: this.ports[name], exclusive: true });
    await once(server, 'listening');
    return { name, ip, server, sockets };
  }

  private rulesFor(name: DoorName): readonly Rule[] {
    return this.rules.filter(({ port }) => port === this.ports[name]);
  }

  private admits(name: DoorName, peer: string): boolean {
    const list = new BlockList();
    for (const { cidr } of this.rulesFor(name)) {
      const [net = '', prefix = '32'] = cidr.split('/');
      list.addSubnet(net, Number(prefix), 'ipv4');
    }
    return list.check(peer, 'ipv4');
  }
}

async function close({ server, sockets }: Door): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}
