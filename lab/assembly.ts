/** Puts the parts together: ports, Temporal, BIND, moto and the clouds before it. Every lab begins empty. */

import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkKnobs } from './appliance';
import { Clouds } from './cloud';
import { CLOUD_DOMAIN, DNS_HOST, DnsServer, ZONE } from './dns';
import { endOrphans, Household } from './household';
import { startMoto } from './moto';
import { TakenError } from './neighbours';
import { choosePorts, claimNet, cloudPorts } from './ports';
import type { Net, Ports } from './ports';
import { readState, removeState, writeState } from './state';
import { NAMESPACE, TemporalServer } from './temporal';
import { KINDS } from './types';
import type { ApplianceOptions, Host, Knobs, Lab, LabOptions, LabState } from './types';

const LOGIN_USER = 'stackato';

/** What an older lab left there. Temporal, the zone and the clouds only make sense together, and moto forgets: so all of it goes. */
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

/** The maker of machines: lab/appliance, lab/vm, or a stand-in in tests of the lab itself. */
export interface Machinery<H extends Host> {
  readonly create: (options: ApplianceOptions) => Promise<H>;
  readonly knobs: Knobs;
  /** Whether they boot what was published, and nothing else; if not, an image is but a name. */
  readonly bootsImages: boolean;
}

interface Parts<H extends Host> {
  readonly state: LabState;
  readonly temporal: TemporalServer;
  readonly dns: DnsServer;
  readonly clouds: Clouds;
  readonly plans: Map<string, Partial<Knobs>>;
  /** Those made, by instance. */
  readonly hosts: ReadonlyMap<string, H>;
  stop(): Promise<void>;
}

export async function assembleLab<H extends Host>(options: LabOptions, machinery: Machinery<H>): Promise<Lab<H>> {
  checkKnobs(options.knobs ?? {});
  const dir = resolve(options.dir);
  const other = readState(dir);
  if (other !== undefined)
    throw new TakenError(
      `A lab (pid ${other.pid}) runs in ${dir} already. End it with \`lab down --dir ${dir}\`, or use another folder.`,
    );
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const net = await claimNet(options.net, dir);
  const household = new Household(dir);
  try {
    const ports = await choosePorts(options.basePort, net.number);
    net.tell(ports);
    endOrphans(dir);
    for (const name of LEFTOVERS) rmSync(join(dir, name), { recursive: true, force: true });
    return labOf(await startParts({ ...options, dir }, machinery, household, net, ports));
  } catch (error) {
    await household.endAll();
    net.release();
    throw error;
  }
}

async function startParts<H extends Host>(
  options: LabOptions,
  machinery: Machinery<H>,
  household: Household,
  net: Net,
  ports: Ports,
): Promise<Parts<H>> {
  const { dir } = options;
  const hosts = new Map<string, H>();
  const create = async (wanted: ApplianceOptions): Promise<H> => {
    const host = await machinery.create(wanted);
    hosts.set(host.instanceId, host);
    return host;
  };
  const plans = new Map<string, Partial<Knobs>>();
  const temporal = new TemporalServer(household, dir, ports);
  const dns = new DnsServer(household, dir, ports.dns, net.number);
  const [moto] = await Promise.all([startMoto(household, ports.moto), temporal.start(), dns.start()]);
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
      bootsImages: machinery.bootsImages,
      ...(options.shuttingDownFor === undefined ? {} : { shuttingDownFor: options.shuttingDownFor }),
      knobsFor: (groups) =>
        Object.assign({}, machinery.knobs, options.knobs, ...groups.map((group) => plans.get(group) ?? {})) as Knobs,
    },
  });
  await clouds.start();
  const state = stateOf(dir, { ...machinery.knobs, ...options.knobs }, ports, temporal, dns, clouds);
  writeState(state);
  const stop = async (): Promise<void> => {
    await clouds.stop();
    await household.endAll();
    net.release();
    removeState(dir);
  };
  return { state, temporal, dns, clouds, plans, hosts, stop };
}

function labOf<H extends Host>({ state, temporal, dns, clouds, plans, hosts, stop }: Parts<H>): Lab<H> {
  let stopped: Promise<void> | undefined;
  return {
    state,
    cloud: (kind) => clouds.access(kind),
    inventory: (kind) => clouds.inventory(kind),
    fault: (fault) => clouds.faults.add(fault),
    clearFaults: () => clouds.faults.clear(),
    faultsLeft: (kind) => clouds.faults.left(kind),
    held: (kind) => clouds.faults.held(kind),
    release: (kind, by) => clouds.faults.release(kind, by),
    user: (kind, name) => clouds.user(kind, name),
    calls: (kind) => clouds.front(kind).calls,
    storeCalls: (kind) => clouds.store(kind).calls,
    images: (kind) => clouds.front(kind).world.images.published(),
    image: (kind, id) => clouds.front(kind).world.images.unbundled(id),
    objects: (kind) => clouds.store(kind).buckets.objects(),
    plan: (deployment, knobs) => {
      checkKnobs(knobs);
      plans.set(groupOf(deployment), knobs);
    },
    machines: (deployment) =>
      clouds.machinesOf(groupOf(deployment)).flatMap(({ host }) => hosts.get(host?.instanceId ?? '') ?? []),
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

function groupOf(deployment: string): string {
  return `stackato-${deployment}`;
}
