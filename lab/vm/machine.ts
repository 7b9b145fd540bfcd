/** A real machine: a QEMU process, a disk on top of the image, and ports forwarded from the elastic IP. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { ChildProcesses } from '../child-processes';
import type { Child } from '../child-processes';
import { findProgram } from '../programs';
import type { ApplianceOptions, LabVolume, Rule, VirtualMachine } from '../types';
import { untilReady } from '../wait';
import { makeDisk, plug, slotOf, unplug } from './disks';
import type { PluggedVolume } from './disks';
import { writeMetadata } from './metadata';
import { Monitor } from './monitor';
import { NETWORK, qemuArguments } from './qemu';
import type { QemuPlan } from './qemu';
import { writeSettings } from './settings';

const run = promisify(execFile);

/** Ports inside the machine. */
const INSIDE = { ssh: 22, http: 80, https: 443 } as const;

/** Name of the link to the serial console in the machine's folder. */
export const SERIAL = 'serial';

export class QemuMachine implements VirtualMachine {
  readonly instanceId: string;
  readonly dir: string;
  private readonly processes: ChildProcesses;
  private child: Child | undefined;
  private monitor: Monitor | undefined;
  private ip: string | undefined;
  private rules: readonly Rule[] = [];
  /** Ports that QEMU forwards: `tcp:<ip>:<port>`. */
  private forwards: readonly string[] = [];
  private volumes: readonly PluggedVolume[] = [];
  private readonly queue = pLimit(1);

  /** Returns once QEMU runs; the machine boots in the background. */
  static async create(options: ApplianceOptions, kvm: boolean): Promise<QemuMachine> {
    const { dir, image, knobs, memory, ports, privateIp, lan, instanceId, ephemeral = 0 } = options;
    if (image === undefined) throw new Error(`${instanceId} has no image to boot.`);
    const [disk, settings, metadata] = [join(dir, 'disk.qcow2'), join(dir, 'settings.json'), join(dir, 'metadata')];
    const ephemeralDisk = ephemeral > 0 ? join(dir, 'ephemeral.raw') : undefined;
    if (ephemeralDisk !== undefined) makeDisk(ephemeralDisk, ephemeral);
    writeSettings(settings, knobs, ports.ssh);
    writeMetadata(metadata, options);
    await run(findProgram('qemu-img'), ['create', '-q', '-f', 'qcow2', '-b', image.root, '-F', 'raw', disk]);
    // The path of a Unix socket must be short.
    const sockets = mkdtempSync(join(tmpdir(), 'stackato-vm-'));
    const plan: QemuPlan = {
      memory,
      privateIp,
      lan,
      image,
      disk,
      ephemeral: ephemeralDisk,
      settings,
      metadata,
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
    this.processes = new ChildProcesses(options.dir);
  }

  get serial(): string {
    return this.plan.sockets.serial;
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    this.ip = ip;
    return this.queue(() => this.forward());
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.rules = rules;
    return this.queue(() => this.forward());
  }

  /** While the machine is off, the volume is there at the next power-on. */
  attachVolume(volume: LabVolume, device: string): Promise<void> {
    return this.queue(async () => {
      if (this.volumes.some((each) => slotOf(each.device) === slotOf(device)))
        throw new Error(`${this.instanceId} already has a volume at ${device}.`);
      const plugged = { volume, device };
      const monitor = this.live();
      if (monitor !== undefined) await plug(monitor, plugged);
      this.volumes = [...this.volumes, plugged];
    });
  }

  detachVolume(id: string): Promise<void> {
    return this.queue(async () => {
      const plugged = this.volumes.find(({ volume }) => volume.id === id);
      if (plugged === undefined) throw new Error(`${this.instanceId} has no volume ${id}.`);
      const monitor = this.live();
      if (monitor !== undefined) await unplug(monitor, plugged);
      this.volumes = this.volumes.filter((each) => each !== plugged);
    });
  }

  consoleOutput(): string {
    return existsSync(this.plan.consoleLog) ? readFileSync(this.plan.consoleLog, 'utf8') : '';
  }

  pullPlug(): Promise<void> {
    return this.queue(() => this.off());
  }

  powerOn(): Promise<void> {
    return this.queue(async () => {
      const child = this.processes.start({
        name: 'qemu',
        program: findProgram('qemu-system-x86_64'),
        args: qemuArguments(this.plan, this.volumes),
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
    return this.queue(async () => {
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

  /** The monitor of a machine that runs. */
  private live(): Monitor | undefined {
    return this.child?.running() === true ? this.monitor : undefined;
  }

  /** Removes forwards before it adds any: another machine may need the address. */
  private async forward(): Promise<void> {
    const [monitor, ip] = [this.live(), this.ip];
    if (monitor === undefined) return;
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
