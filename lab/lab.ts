/**
 * Starts a lab in this process: Temporal, BIND, moto and the clouds in front of it, with simulated machines or real
 * ones under QEMU.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkKnobs, createAppliance } from './appliance';
import { killOrphans, ChildProcesses } from './child-processes';
import { Clouds } from './cloud';
import type { Machine } from './cloud/machines';
import { CLOUD_DOMAIN, DNS_HOST, DnsServer, ZONE } from './dns';
import { DEFAULT_KNOBS } from './knobs';
import type { Knobs } from './knobs';
import { startMoto } from './moto';
import { InUseError } from './other-labs';
import { choosePorts, claimNet, cloudPorts } from './ports';
import type { Net, Ports } from './ports';
import { readState, removeState, writeState } from './state';
import { NAMESPACE, TemporalServer } from './temporal';
import { KINDS } from './types';
import type { ApplianceOptions, Host, Lab, LabOptions, LabState, MachineFactory, VirtualMachine } from './types';
import { vmFactory } from './vm';

const LOGIN_USER = 'stackato';

/**
 * What an earlier lab left behind. moto forgets everything, and the history and zone make no sense without it, so all
 * of it is deleted.
 */
const LEFTOVERS = [
  'temporal.db',
  'temporal.db-wal',
  'temporal.db-shm',
  'dns',
  'machines',
  'temporal.log',
  'named.log',
  'moto.log',
];

interface Parts<H extends Host> {
  readonly state: LabState;
  readonly temporal: TemporalServer;
  readonly dns: DnsServer;
  readonly clouds: Clouds;
  readonly plans: Map<string, Partial<Knobs>>;
  /** By instance id. */
  readonly hosts: ReadonlyMap<string, H>;
  stop(): Promise<void>;
}

export function startLab(options: LabOptions): Promise<Lab> {
  return assembleLab(options, { create: createAppliance, knobs: DEFAULT_KNOBS, bootsImages: false });
}

/** Launches only images that were published to it. */
export function startVmLab({
  kvm = false,
  ...options
}: LabOptions & { readonly kvm?: boolean }): Promise<Lab<VirtualMachine>> {
  return assembleLab(options, vmFactory(kvm));
}

export async function assembleLab<H extends Host>(options: LabOptions, factory: MachineFactory<H>): Promise<Lab<H>> {
  checkKnobs(options.knobs ?? {});
  const dir = resolve(options.dir);
  const other = readState(dir);
  if (other !== undefined)
    throw new InUseError(
      `A lab (pid ${other.pid}) already runs in ${dir}. Stop it with \`lab down --dir ${dir}\`, or use another folder.`,
    );
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const net = await claimNet(options.net, dir);
  const processes = new ChildProcesses(dir);
  try {
    const ports = await choosePorts(options.basePort, net.number);
    net.announce(ports);
    killOrphans(dir);
    for (const name of LEFTOVERS) rmSync(join(dir, name), { recursive: true, force: true });
    return labOf(await startParts({ ...options, dir }, factory, processes, net, ports));
  } catch (error) {
    await processes.endAll();
    net.release();
    throw error;
  }
}

async function startParts<H extends Host>(
  options: LabOptions,
  factory: MachineFactory<H>,
  processes: ChildProcesses,
  net: Net,
  ports: Ports,
): Promise<Parts<H>> {
  const { dir } = options;
  const hosts = new Map<string, H>();
  const create = async (wanted: ApplianceOptions): Promise<H> => {
    const host = await factory.create(wanted);
    hosts.set(host.instanceId, host);
    return host;
  };
  const plans = new Map<string, Partial<Knobs>>();
  const temporal = new TemporalServer(processes, dir, ports);
  const dns = new DnsServer(processes, dir, ports.dns, net.number);
  const [moto] = await Promise.all([startMoto(processes, ports.moto), temporal.start(), dns.start()]);
  const clouds = new Clouds({
    dir: join(dir, 'machines'),
    moto,
    net: net.number,
    domain: CLOUD_DOMAIN,
    ports: cloudPorts(ports),
    kernelRights: options.kernelRights === true,
    ...(options.addressQuota === undefined ? {} : { addressQuota: options.addressQuota }),
    machines: {
      ports: appliancePorts(ports),
      create,
      bootsImages: factory.bootsImages,
      ...(options.shuttingDownFor === undefined ? {} : { shuttingDownFor: options.shuttingDownFor }),
      knobsFor: (groups, nth) => {
        const planned = groups.flatMap((group) => plansFor(group, nth)).map((name) => plans.get(name) ?? {});
        return planned.reduce<Knobs>((knobs, plan) => ({ ...knobs, ...plan }), { ...factory.knobs, ...options.knobs });
      },
    },
  });
  await clouds.start();
  const state = stateOf(dir, { ...factory.knobs, ...options.knobs }, ports, temporal, dns, clouds);
  writeState(state);
  const stop = async (): Promise<void> => {
    await clouds.stop();
    await processes.endAll();
    net.release();
    removeState(dir);
  };
  return { state, temporal, dns, clouds, plans, hosts, stop };
}

function labOf<H extends Host>({ state, temporal, dns, clouds, plans, hosts, stop }: Parts<H>): Lab<H> {
  let stopped: Promise<void> | undefined;
  const hostsOf = (machines: readonly Machine[]): H[] =>
    machines.flatMap(({ host }) => hosts.get(host?.instanceId ?? '') ?? []);
  return {
    state,
    cloud: (kind) => clouds.access(kind),
    inventory: (kind) => clouds.inventory(kind),
    fault: (fault) => clouds.faults.add(fault),
    clearFaults: () => clouds.faults.clear(),
    faultsLeft: (kind) => clouds.faults.left(kind),
    configure: (kind, settings) => clouds.configure(kind, settings),
    held: (kind) => clouds.faults.held(kind),
    release: (kind, by) => clouds.faults.release(kind, by),
    user: (kind, name) => clouds.user(kind, name),
    calls: (kind) => clouds.front(kind).calls,
    storeCalls: (kind) => clouds.store(kind).calls,
    images: (kind) => clouds.front(kind).cloud.images.published(),
    volumes: (kind) =>
      clouds
        .front(kind)
        .cloud.volumes.all()
        .flatMap(({ id, size, dir, state, attachment }) =>
          state === 'deleted'
            ? []
            : [{ id, size, dir, state, ...(attachment === undefined ? {} : { instanceId: attachment.instanceId }) }],
        ),
    image: (kind, id) => clouds.front(kind).cloud.images.unbundled(id),
    objects: (kind) => clouds.store(kind).buckets.objects(),
    plan: (deployment, knobs, nth) => {
      checkKnobs(knobs);
      plans.set(planOf(groupOf(deployment), nth), knobs);
    },
    machines: (deployment) => hostsOf(clouds.machinesOf(groupOf(deployment))),
    launched: (deployment) => hostsOf(clouds.launchedIn(groupOf(deployment))),
    zone: () => dns.zone(),
    nsupdate: (script) => dns.update(script),
    killTemporal: () => temporal.kill(),
    startTemporal: () => temporal.start(),
    stop: () => (stopped ??= stop()),
  };
}

function stateOf(
  dir: string,
  knobs: Knobs,
  ports: Ports,
  temporal: TemporalServer,
  dns: DnsServer,
  clouds: Clouds,
): LabState {
  return {
    pid: process.pid,
    dir,
    temporal: { address: temporal.address, namespace: NAMESPACE, ui: temporal.ui },
    clouds: KINDS.map((kind) => clouds.access(kind)),
    dns: { server: DNS_HOST, port: ports.dns, zone: ZONE, tsig: dns.tsig },
    ports: appliancePorts(ports),
    login: { user: LOGIN_USER, password: knobs.password },
  };
}

function appliancePorts({ ssh, http, https }: Ports): ApplianceOptions['ports'] {
  return { ssh, http, https };
}

/** The plans for a machine, the weakest first. */
function plansFor(group: string, nth: number): string[] {
  const core = group.replace(/-nodes$/, '');
  return [...new Set([core, group, planOf(group, nth)])];
}

function planOf(group: string, nth?: number): string {
  return nth === undefined ? group : `${group} ${nth}`;
}

function groupOf(deployment: string): string {
  return `stackato-${deployment}`;
}
