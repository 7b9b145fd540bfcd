/**
 * The machine's ports on its elastic IP: each is there only while a rule opens it, and the machine is up. Some who forward ports, such as
 * QEMU, NAT or a load balancer, take connections while it is down: nothing is said on those, and they are reset when that ends.
 */

import { once } from 'node:events';
import { BlockList, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { ApplianceOptions, Rule } from '../types';

export type DoorName = keyof ApplianceOptions['ports'];

export interface Openings {
  readonly ip: string | undefined;
  readonly rules: readonly Rule[];
  /** Who is met there; nothing: connections are refused. */
  readonly behind: 'machine' | 'silence' | 'nothing';
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
  private behind: Openings['behind'] = 'nothing';

  constructor(
    private readonly ports: ApplianceOptions['ports'],
    private readonly visit: Readonly<Record<DoorName, (socket: Socket) => void>>,
  ) {}

  async set({ ip, rules, behind }: Openings): Promise<void> {
    this.rules = rules;
    if (behind !== this.behind) for (const door of this.doors) this.cut(door);
    this.behind = behind;
    const names = (Object.keys(this.ports) as DoorName[]).filter(
      (name) => behind !== 'nothing' && this.rulesFor(name).length > 0,
    );
    const kept = this.doors.filter((door) => door.ip === ip && names.includes(door.name));
    await Promise.all(this.doors.filter((door) => !kept.includes(door)).map((door) => this.close(door)));
    const wanted =
      ip === undefined
        ? []
        : names.filter((name) => !kept.some((door) => door.name === name)).map((name) => ({ name, ip }));
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
      if (!this.admits(name, socket.remoteAddress ?? '')) socket.destroy();
      else if (this.behind === 'machine') this.visit[name](socket);
      else socket.resume();
    });
    server.listen({ host: ip, port: this.ports[name], exclusive: true });
    await once(server, 'listening');
    return { name, ip, server, sockets };
  }

  private async close(door: Door): Promise<void> {
    const closed = once(door.server, 'close');
    door.server.close();
    this.cut(door);
    await closed;
  }

  private cut({ sockets }: Door): void {
    for (const socket of sockets) {
      if (this.behind === 'machine') socket.destroy();
      else socket.resetAndDestroy();
    }
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
