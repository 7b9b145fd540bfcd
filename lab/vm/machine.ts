/** A real machine: one QEMU process, its disk over the image, its ports on the elastic IP. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Household } from '../household';
import type { Child } from '../household';
import { findProgram } from '../programs';
import { Turns } from '../turns';
import type { ApplianceOptions, Rule, VirtualMachine } from '../types';
import { untilReady } from '../wait';
import { Monitor } from './monitor';
import { NETWORK, qemuArguments } from './qemu';
import type { QemuPlan } from './qemu';
import { writeSettings } from './settings';

const run = promisify(execFile);

/** On the machine. */
const INSIDE = { ssh: 22, http: 80, https: 443 } as const;

/** In the machine's folder: a link to its serial console. */
export const SERIAL = 'serial';

export class QemuMachine implements VirtualMachine {
  readonly instanceId: string;
  readonly dir: string;
  private readonly household: Household;
  private child: Child | undefined;
  private monitor: Monitor | undefined;
  private ip: string | undefined;
  private rules: readonly Rule[] = [];
  /** Those QEMU has: `tcp:<ip>:<port>`. */
  private forwards: readonly string[] = [];
  private readonly turns = new Turns();

  /** Returns once it was switched on; it boots by itself. */
  static async create(options: ApplianceOptions, kvm: boolean): Promise<QemuMachine> {
    const { dir, image, knobs, memory, privateIp, instanceId } = options;
    if (image === undefined) throw new Error(`${instanceId} has no image to boot.`);
    const [disk, settings] = [join(dir, 'disk.qcow2'), join(dir, 'settings.json')];
    writeSettings(settings, knobs);
    await run(findProgram('qemu-img'), ['create', '-q', '-f', 'qcow2', '-b', image.root, '-F', 'raw', disk]);
    // The name of a Unix socket has no room for deep folders.
    const sockets = mkdtempSync(join(tmpdir(), 'stackato-vm-'));
    const plan: QemuPlan = {
      memory,
      privateIp,
      image,
      disk,
      settings,
      kvm,
      consoleLog: join(dir, 'console.log'),
      sockets: { monitor: join(sockets, 'monitor'), serial: join(sockets, 'serial') },
    };
    symlinkSync(plan.sockets.serial, join(dir, SERIAL));
    const machine = new QemuMachine(options, plan, sockets);
    await machine.powerOn();
    return machine;
  }

  private constructor(
    private readonly options: ApplianceOptions,
    private readonly plan: QemuPlan,
    private readonly sockets: string,
  ) {
    ({ instanceId: this.instanceId, dir: this.dir } = options);
    this.household = new Household(options.dir);
  }

  get serial(): string {
    return this.plan.sockets.serial;
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    this.ip = ip;
    return this.turns.take(() => this.forward());
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.rules = rules;
    return this.turns.take(() => this.forward());
  }

  consoleOutput(): string {
    return existsSync(this.plan.consoleLog) ? readFileSync(this.plan.consoleLog, 'utf8') : '';
  }

  pullPlug(): Promise<void> {
    return this.turns.take(() => this.off());
  }

  powerOn(): Promise<void> {
    return this.turns.take(async () => {
      const child = this.household.start({
        name: 'qemu',
        program: findProgram('qemu-system-x86_64'),
        args: qemuArguments(this.plan),
      });
      this.child = child;
      await untilReady(child, async () => {
        this.monitor = await Monitor.connect(this.plan.sockets.monitor);
        return true;
      });
      await this.forward();
    });
  }

  terminate(): Promise<void> {
    return this.turns.take(async () => {
      await this.off();
      rmSync(this.sockets, { recursive: true, force: true });
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  private async off(): Promise<void> {
    this.monitor?.close();
    this.monitor = undefined;
    this.forwards = [];
    await this.child?.end('SIGKILL');
  }

  /** What is no longer wanted goes first: the address may be wanted on another machine. */
  private async forward(): Promise<void> {
    const { monitor, ip } = this;
    if (monitor === undefined || this.child?.running() !== true) return;
    const names = Object.keys(INSIDE) as (keyof typeof INSIDE)[];
    const open = names.filter((name) => this.rules.some(({ port }) => port === this.options.ports[name]));
    const wanted = new Map<string, number>(
      ip === undefined ? [] : open.map((name) => [`tcp:${ip}:${this.options.ports[name]}`, INSIDE[name]]),
    );
    for (const gone of this.forwards.filter((each) => !wanted.has(each)))
      await monitor.command(`hostfwd_remove ${NETWORK} ${gone}`, / removed$/);
    for (const [from, to] of wanted)
      if (!this.forwards.includes(from)) await monitor.command(`hostfwd_add ${NETWORK} ${from}-:${to}`, /^$/);
    this.forwards = [...wanted.keys()];
  }
}
