/**
 * The machine's ports on its elastic IP. A port is open only while a security group rule allows it and the machine is
 * up. Port forwarders such as QEMU, NAT or a load balancer also accept connections while it is down: those stay silent
 * and are reset later.
 */

import { once } from 'node:events';
import { BlockList, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { ApplianceOptions, Rule } from '../types';

export type ListenerName = keyof ApplianceOptions['ports'];

export interface Exposure {
  readonly ip: string | undefined;
  readonly rules: readonly Rule[];
  /** `silent`: connections are accepted and never answered. `closed`: they are refused. */
  readonly mode: 'serving' | 'silent' | 'closed';
}

interface Listener {
  readonly name: ListenerName;
  readonly ip: string;
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

export class Listeners {
  private listeners: readonly Listener[] = [];
  private rules: readonly Rule[] = [];
  private mode: Exposure['mode'] = 'closed';

  constructor(
    private readonly ports: ApplianceOptions['ports'],
    private readonly handlers: Readonly<Record<ListenerName, (socket: Socket) => void>>,
  ) {}

  async set({ ip, rules, mode }: Exposure): Promise<void> {
    this.rules = rules;
    if (mode !== this.mode) for (const listener of this.listeners) this.disconnect(listener);
    this.mode = mode;
    const names = (Object.keys(this.ports) as ListenerName[]).filter(
      (name) => mode !== 'closed' && this.rulesFor(name).length > 0,
    );
    const kept = this.listeners.filter((listener) => listener.ip === ip && names.includes(listener.name));
    await Promise.all(
      this.listeners.filter((listener) => !kept.includes(listener)).map((listener) => this.close(listener)),
    );
    const wanted =
      ip === undefined
        ? []
        : names.filter((name) => !kept.some((listener) => listener.name === name)).map((name) => ({ name, ip }));
    this.listeners = kept;
    for (const { name, ip: host } of wanted) this.listeners = [...this.listeners, await this.open(name, host)];
  }

  private async open(name: ListenerName, ip: string): Promise<Listener> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      if (!this.admits(name, socket.remoteAddress ?? '')) socket.destroy();
      else if (this.mode === 'serving') this.handlers[name](socket);
      else socket.resume();
    });
    server.listen({ host: ip, port: this.ports[name], exclusive: true });
    await once(server, 'listening');
    return { name, ip, server, sockets };
  }

  private async close(listener: Listener): Promise<void> {
    const closed = once(listener.server, 'close');
    listener.server.close();
    this.disconnect(listener);
    await closed;
  }

  private disconnect({ sockets }: Listener): void {
    for (const socket of sockets) {
      if (this.mode === 'serving') socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  private rulesFor(name: ListenerName): readonly Rule[] {
    return this.rules.filter(({ port }) => port === this.ports[name]);
  }

  private admits(name: ListenerName, peer: string): boolean {
    const list = new BlockList();
    for (const { cidr } of this.rulesFor(name)) {
      const [net = '', prefix = '32'] = cidr.split('/');
      list.addSubnet(net, Number(prefix), 'ipv4');
    }
    return list.check(peer, 'ipv4');
  }
}
