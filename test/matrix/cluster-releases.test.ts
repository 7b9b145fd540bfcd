/**
 * A core, two DEAs and a node for the data services, of one release for each set of words, on one cloud for each way to tell nodes apart: by
 * the machines' own records, `kato` was called with the words of that release, once each, and each on its own machine. The words stand here
 * as a person would type them, not as the product's table has them. On one of the clouds the machines have every trap that a deployment
 * copes with.
 */

import assert from 'node:assert/strict';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import pLimit from 'p-limit';
import { HARD_KNOBS } from '../../lab/knobs';
import type { Knobs } from '../../lab/knobs';
import type { Appliance, CloudInventory, Kind } from '../../lab/types';
import type { DeploymentView } from '../../src/deployment/messages';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { OpenSshClient } from '../support/openssh-client';
import { Site } from '../support/site';

/** Number of deployments at the same time, of four machines each. They mostly wait, but two cores can take no more. */
const LANES = 5;

/** In order. HOST, IP and GATEWAY stand for those of the machine, CORE for the private address of the core. */
interface Words {
  readonly core: readonly string[];
  readonly dea: readonly string[];
  readonly data: readonly string[];
  /** What only looks, on any of them. */
  readonly looking: readonly string[];
  /** What looks at the core's list of nodes, there. */
  readonly list: string;
}

const FLAGS =
  "op static_ip --interface=eth0 --ip=IP --netmask=255.255.255.0 --gateway=GATEWAY '--dns-nameservers=172.16.0.23 172.16.0.24' --dns-search-domains=cloud.internal --no-restart";
const SERVICES = 'filesystem,mongodb,mysql,postgresql,rabbit,redis,memcached';

const MACHINE_2_6 = ['op static_ip', 'rename HOST', 'disable mdns'];
const MACHINE_2_10 = ['op static_ip', 'node rename HOST', 'role remove mdns'];
const MACHINE_3_4 = [FLAGS, 'node rename --no-restart HOST', 'role remove mdns'];

const RELEASES: Readonly<Record<string, Words>> = {
  '2.6.7': {
    core: [...MACHINE_2_6, 'setup core api.HOST', 'enable health_manager', 'enable stager'],
    dea: [...MACHINE_2_6, 'attach -e dea CORE'],
    data: [...MACHINE_2_6, `attach -e ${SERVICES} CORE`],
    looking: ['version', 'info', 'status', 'ready'],
    list: 'status --all',
  },
  '2.10.6': {
    core: [...MACHINE_2_10, 'node setup core api.HOST', 'role add health_manager stager'],
    dea: [...MACHINE_2_10, 'node attach -e dea CORE'],
    data: [...MACHINE_2_10, `node attach -e ${SERVICES} CORE`],
    looking: ['version', 'info', 'status', 'process list', 'process ready --block 5 all'],
    list: 'node list',
  },
  '3.4.2': {
    core: [...MACHINE_3_4, 'node setup core api.HOST'],
    dea: [...MACHINE_3_4, 'node attach -e dea CORE'],
    data: [...MACHINE_3_4, `node attach -e ${SERVICES} CORE`],
    looking: ['version', 'info', 'status', 'process list', 'process ready --block 5 all'],
    list: 'node list',
  },
};

interface CloudRow {
  readonly kind: Kind;
  readonly short: string;
  /** From 3.4.1 on a cluster needs a licence above 20 GB: of these it has four. */
  readonly type: string;
  /** The SDK talks to it. */
  readonly tags: boolean;
  readonly knobs: Partial<Knobs>;
}

/** The password stays the site's, and the witness comes with a key. */
const { password: _, ...TRAPS }: Knobs = { ...HARD_KNOBS, auth: ['keyboard-interactive', 'publickey'] };

const CLOUDS: readonly CloudRow[] = [
  { kind: 'eucalyptus-3.2', short: 'e32', type: 'm1.large', tags: false, knobs: {} },
  { kind: 'eucalyptus-4.4', short: 'e44', type: 'm1.large', tags: true, knobs: {} },
  { kind: 'aws', short: 'aws', type: 'm3.medium', tags: true, knobs: TRAPS },
];

const TRIALS = Object.entries(RELEASES).flatMap(([release, words]) =>
  CLOUDS.map((cloud) => ({ ...cloud, release, words, name: `c${release.replaceAll('.', '-')}-${cloud.short}` })),
);

const NODES = ['core', 'dea-1', 'dea-2', 'data-1'];

describe('the matrix of clusters', function () {
  this.timeout(600_000);
  let site: Site;
  let client: OpenSshClient;
  const specs = new Map<string, DeploymentSpec>();
  const results = new Map<string, Promise<DeploymentView>>();
  /** Of each cloud, and the zone. */
  let atFirst: Awaited<ReturnType<typeof everything>>;

  const queueOf = (kind: Kind): string => `clusters-${kind}`;
  const everything = async () => ({
    clouds: await Promise.all(CLOUDS.map(async ({ kind }) => livingIn(await site.lab.inventory(kind)))),
    zone: await site.lab.zone(),
  });

  before(async () => {
    site = await Site.open();
    client = new OpenSshClient(site.dir, site.lab.state.ports.ssh);
    atFirst = await everything();
    await Promise.all(CLOUDS.map(({ kind }) => site.worker(kind, queueOf(kind))));
    const lane = pLimit(LANES);
    for (const trial of TRIALS) {
      const result = lane(() => deployed(trial));
      // The test that awaits it reports its failure.
      result.catch(() => undefined);
      results.set(trial.name, result);
    }
  });
  after(() => site.close());

  const deployed = async ({ name, kind, release, type, knobs }: (typeof TRIALS)[number]): Promise<DeploymentView> => {
    const change = {
      release,
      instance: { type, key: site.lab.cloud(kind).keyName },
      nodes: { dea: { roles: ['dea'], count: 2 }, data: { roles: ['data-services'] } },
    };
    const spec = site.spec(name, kind, change, { ...knobs, release, authorizedKey: client.publicKey });
    specs.set(name, spec);
    return (await site.start(spec, queueOf(kind))).readyOrParked(400_000, 500);
  };

  for (const { release, words, name, kind, tags } of TRIALS) {
    it(`14: Core + 2 DEA + 1 data node of ${release} on ${kind}: ready, by the words of that release, once each, on each machine`, async () => {
      const { stage, steps, nodes, facts } = (await results.get(name))!;
      assert.equal(stage, 'ready', JSON.stringify({ steps, nodes }));

      const machines = new Map(
        [site.appliance(name), ...site.nodes(name)].map((machine) => [machine.instanceId, machine]),
      );
      const machineOf = (node: string): Appliance =>
        machines.get(facts.nodes[node]?.instance?.id ?? '') ?? assert.fail(`${node} has no machine`);
      assert.equal(machines.size, NODES.length);
      const coreIp = addressOf(machineOf('core'));
      for (const node of NODES) {
        const machine = machineOf(node);
        const ip = addressOf(machine);
        const host = `${node === 'core' ? '' : `${node}.`}${name}.${site.lab.state.dns.zone}`;
        const own = {
          HOST: host,
          IP: ip,
          GATEWAY: ip.replace(/\d+$/, ip.endsWith('.1') ? '254' : '1'),
          CORE: coreIp,
        };
        const typed = typedAt(machine);
        const looking = [...words.looking, ...(node === 'core' ? [words.list] : [])];
        const group = node.replace(/-\d$/, '') as 'core' | 'dea' | 'data';
        assert.deepEqual(
          typed.filter((line) => !looking.includes(line)),
          words[group].map((line) => line.replace(/HOST|IP|GATEWAY|CORE/g, (key) => own[key as keyof typeof own])),
          node,
        );
        assert.ok(
          ['version', 'info', ...(node === 'core' ? [words.list] : [])].every((line) => typed.includes(line)),
          `version, info and the core's list were asked for: ${typed.join('; ')}`,
        );
        const reboots = machine.invocations().filter(({ program }) => program === 'reboot');
        assert.deepEqual([reboots.length, machine.boots()], [1, 2], `${node} was rebooted once`);
        assert.equal(machine.file('/etc/hostname')?.trim(), host);
        assert.match(machine.file('/etc/network/interfaces') ?? '', /iface eth0 inet static/);
      }

      const cloud = await site.lab.inventory(kind);
      const [core, ofNodes] = [`stackato-${name}`, `stackato-${name}-nodes`];
      const publicIp = facts.site.address?.publicIp;
      assert.deepEqual(
        livingIn(cloud)
          .instances.filter(({ groups }) => groups.includes(core) || groups.includes(ofNodes))
          .map(({ id, ...rest }) => ({ node: NODES.find((node) => facts.nodes[node]?.instance?.id === id), ...rest }))
          .sort((a, b) => NODES.indexOf(a.node ?? '') - NODES.indexOf(b.node ?? '')),
        [
          { node: 'core', state: 'running', groups: [core], publicIp },
          ...NODES.slice(1).map((node) => ({ node, state: 'running', groups: [ofNodes] })),
        ],
      );
      const owner = `stackato-deploy/default/${name}`;
      assert.deepEqual(
        cloud.groups
          .filter((group) => group.name === core || group.name === ofNodes)
          .map(({ rules, ...group }) => ({ ...group, rules: rules.map(sourceOf).sort() }))
          .sort((a, b) => a.name.length - b.name.length),
        [
          {
            name: core,
            description: owner,
            rules: [
              ...Object.values(site.lab.state.ports).map((port) => `${port} from 0.0.0.0/0`),
              `1 from ${ofNodes}`,
            ].sort(),
          },
          { name: ofNodes, description: `${owner}/nodes`, rules: [`1 from ${core}`, `1 from ${ofNodes}`].sort() },
        ],
      );
      if (tags) {
        const marks = await marksIn(kind);
        assert.deepEqual(
          NODES.map((node) => marks.get(facts.nodes[node]?.instance?.id ?? '')),
          [owner, ...NODES.slice(1).map((node) => `${owner}/${node}`)],
        );
      }

      assert.match(
        await client.kato(addressOf(machineOf('dea-2')), 'info', publicIp),
        new RegExp(`^mbusip: ${coreIp}$`, 'm'),
      );
      const list = await client.kato(publicIp ?? '', words.list);
      const lineOf = (node: string): string =>
        list
          .split('\n')
          .filter((line) => line.startsWith(`${addressOf(machineOf(node))} `))
          .join('\n');
      const listed = [...new Set(list.match(/^[\d.]+/gm) ?? [])];
      assert.deepEqual(listed.sort(), NODES.map((node) => addressOf(machineOf(node))).sort());
      for (const node of ['dea-1', 'dea-2']) assert.match(lineOf(node), /\bdea\b/);
      for (const service of SERVICES.split(',')) assert.match(lineOf('data-1'), new RegExp(`\\b${service}`));
      assert.doesNotMatch(`${lineOf('core')}\n${lineOf('data-1')}`, /\bdea\b/);
    });
  }

  it('14: each cloud was asked for every machine once, and `down` leaves clouds and zone as they were', async () => {
    for (const { kind } of CLOUDS) {
      const made = site.lab.calls(kind).flatMap((call) => (call.action === 'RunInstances' ? call.made : []));
      const { instances } = await site.lab.inventory(kind);
      assert.deepEqual([made.length, made.sort()], [3 * NODES.length, instances.map(({ id }) => id).sort()]);
    }
    const stages = await Promise.all(
      TRIALS.map(async ({ name, kind }) => {
        const { facts } = (await results.get(name))!;
        return (await site.teardown(specs.get(name)!, queueOf(kind), facts)).stage;
      }),
    );
    assert.deepEqual(
      stages,
      TRIALS.map(() => 'removed'),
    );
    assert.deepEqual(await everything(), atFirst);
  });

  async function marksIn(kind: Kind): Promise<ReadonlyMap<string, string | undefined>> {
    const { endpoint, region, accessKey, secretKey } = site.lab.cloud(kind);
    const ec2 = new EC2Client({
      endpoint,
      region,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    return new Map(
      Reservations.flatMap(({ Instances = [] }) =>
        Instances.map(({ InstanceId = '', Tags = [] }) => [
          InstanceId,
          Tags.find(({ Key }) => Key === 'stackato-deploy')?.Value,
        ]),
      ),
    );
  }
});

/** As a person would type it, without `kato`. */
function typedAt(machine: Appliance): string[] {
  return machine
    .invocations()
    .filter(({ program }) => program === 'kato')
    .map(({ args }) => args.map((word) => (/ /.test(word) ? `'${word}'` : word)).join(' '));
}

/** By its own file. */
function addressOf(machine: Appliance): string {
  return /^\s*address ([\d.]+)/m.exec(machine.file('/etc/network/interfaces') ?? '')?.[1] ?? assert.fail('no address');
}

function sourceOf(rule: CloudInventory['groups'][number]['rules'][number]): string {
  return `${rule.port} from ${'cidr' in rule ? rule.cidr : rule.group}`;
}

/** Clouds list what was terminated for a while. */
function livingIn(cloud: CloudInventory): CloudInventory {
  return { ...cloud, instances: cloud.instances.filter(({ state }) => state !== 'terminated') };
}
