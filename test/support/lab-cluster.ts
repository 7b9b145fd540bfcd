/** A cluster in the lab, made and changed as a person does it: by `up` with an edited spec. What is true of it is read in cloud, zone and machines. */

import assert from 'node:assert/strict';
import type { Knobs } from '../../lab/knobs';
import type { Appliance, Kind } from '../../lab/types';
import type { Deployments } from '../../src/client/deployments';
import type { DeploymentStatus } from '../../src/client/status';
import type { UpOptions } from '../../src/client/changes';
import { CORE } from '../../src/deployment/facts';
import type { NodeName } from '../../src/deployment/facts';
import type { DeploymentView } from '../../src/deployment/messages';
import { nodeWorkflowIdOf, workflowIdOf } from '../../src/deployment/names';
import type { WORKFLOW } from '../../src/deployment/names';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { deploymentViewIn } from '../../src/temporal/memo';
import type { Temporal } from '../../src/client/temporal';
import type { Site, SpecChange } from './site';
import { eventually } from './wait';

/** Sub-commands of kato that change nothing. */
const LOOKS = /^(version|info|status|ready|process (list|ready)|node list)( |$)/;

/** What a release calls what is done to a node, as a person would type it (facts/stackato.md §3). HOST and CORE stand for name and address. */
const TYPED = {
  '2.6.7': {
    make: ['op static_ip', 'rename HOST', 'disable mdns', 'attach -e ROLES CORE'],
    drain: 'stop',
  },
  '2.10.6': {
    make: ['op static_ip', 'node rename HOST', 'role remove mdns', 'node attach -e ROLES CORE'],
    drain: 'stop ROLES',
  },
  '3.2.1': {
    make: ['op static_ip', 'node rename --no-restart HOST', 'role remove mdns', 'node attach -e ROLES CORE'],
    drain: 'node retire',
  },
} as const;

export type TypedRelease = keyof typeof TYPED;

export const RELEASE_ON = {
  'eucalyptus-3.2': '2.6.7',
  'eucalyptus-4.4': '2.10.6',
  aws: '3.2.1',
} as const satisfies Partial<Record<Kind, TypedRelease>>;
export type ClusterKind = keyof typeof RELEASE_ON;

const LIMIT_MS = 600_000;

export class LabCluster {
  private readonly release: TypedRelease;

  constructor(
    private readonly site: Site,
    readonly deployments: Deployments,
    private readonly temporal: Temporal,
    readonly name: string,
    readonly kind: ClusterKind,
    private readonly knobs: Partial<Knobs> = {},
    private readonly movesStore = false,
  ) {
    this.release = RELEASE_ON[kind];
  }

  /** @param movesStore whether its nodes have a container store that is moved */
  static async open(
    site: Site,
    name: string,
    kind: ClusterKind,
    taskQueue: string,
    knobs: Partial<Knobs> = {},
    movesStore = false,
  ): Promise<LabCluster> {
    const [deployments, temporal] = [await site.deployments(taskQueue), await site.temporal(taskQueue)];
    return new LabCluster(site, deployments, temporal, name, kind, knobs, movesStore);
  }

  /** @param nodes the section of that name */
  spec(nodes: SpecChange, change: SpecChange = {}): DeploymentSpec {
    const { name, kind, release, knobs } = this;
    return this.site.spec(name, kind, { release, nodes, ...change }, { release, ...knobs });
  }

  /** With so many DEAs. */
  deas(count: number, change: SpecChange = {}): DeploymentSpec {
    return this.spec({ dea: { roles: ['dea'], count } }, change);
  }

  async start(spec: DeploymentSpec, options: UpOptions = {}): Promise<void> {
    const { started } = await this.deployments.up(spec, options);
    assert.ok(started, 'a run of its own');
  }

  /** Waits until it is over. */
  async up(spec: DeploymentSpec, options: UpOptions = {}): Promise<DeploymentStatus> {
    await this.start(spec, options);
    return this.over();
  }

  /** And looks whether anything is left. */
  async down(): Promise<void> {
    const { address } = (await this.deployments.status(this.name)).resources;
    await this.deployments.down(this.name, { volumes: true });
    assert.equal((await this.over()).stage, 'removed');
    await this.assertGone(address?.publicIp ?? assert.fail('no address'));
  }

  /** Waits until it is over, and nothing needs attention. */
  over(): Promise<DeploymentStatus> {
    return eventually(
      `${this.name} is over`,
      async () => {
        const status = await this.deployments.status(this.name);
        assert.notEqual(status.stage, 'needs-attention', troubles(status));
        return status.open ? undefined : status;
      },
      LIMIT_MS,
      500,
    );
  }

  /** Waits until one of its steps needs attention. */
  parked(): Promise<DeploymentStatus> {
    return eventually(
      `${this.name} needs attention`,
      async () => {
        const status = await this.deployments.status(this.name);
        assert.ok(status.open, `${this.name} is ${status.stage}`);
        return status.stage === 'needs-attention' ? status : undefined;
      },
      LIMIT_MS,
      500,
    );
  }

  /** From outside. Its nodes' workflows end with it. */
  async terminate(): Promise<void> {
    await this.temporal.client.workflow.getHandle(workflowIdOf(this.name)).terminate('from outside');
  }

  /** What the workflow of a node, or the deployment itself, has published in the run under way; undefined: it has not begun. */
  async view(
    node: NodeName,
    type?: typeof WORKFLOW.node | typeof WORKFLOW.removeNode,
  ): Promise<DeploymentView | undefined> {
    const deployment = await this.temporal.describe(workflowIdOf(this.name));
    if (node === CORE || deployment === undefined) return deploymentViewIn(deployment?.memo);
    const own = await this.temporal.describe(nodeWorkflowIdOf(this.name, node));
    if (own === undefined || own.startTime < deployment.startTime) return undefined;
    return type === undefined || own.type === type ? deploymentViewIn(own.memo) : undefined;
  }

  get core(): Appliance {
    return this.site.appliance(this.name);
  }

  machine({ nodes }: DeploymentStatus, node: NodeName): Appliance {
    const id = nodes.find(({ name }) => name === node)?.instance?.id;
    return (
      this.launched().find(({ instanceId }) => instanceId === id) ?? assert.fail(`${node} has no machine ${id ?? ''}`)
    );
  }

  /** Every machine that was ever launched for a node, oldest first. */
  launched(): readonly Appliance[] {
    return this.site.lab.launched(`${this.name}-nodes`);
  }

  /** What was typed on a machine, other than to look. */
  static changesOn(machine: Appliance): string[] {
    return machine
      .invocations()
      .filter(({ program }) => program === 'kato')
      .map(({ args }) => args.join(' ').replace(/^op static_ip .*/, 'op static_ip'))
      .filter((line) => !LOOKS.test(line));
  }

  /** What makes a machine that node, in the order in which it is typed. */
  making(status: DeploymentStatus, node: NodeName, roles: readonly string[] = ['dea']): string[] {
    const own = {
      HOST: `${node}.${this.name}.${this.site.lab.state.dns.zone}`,
      CORE: status.resources.instance?.privateIp ?? '',
      ROLES: roles.join(','),
    };
    const typed = [...(this.movesStore ? ['stop', 'start'] : []), ...TYPED[this.release].make];
    return typed.map((line) => line.replace(/HOST|CORE|ROLES/g, (key) => own[key as keyof typeof own]));
  }

  draining(roles: readonly string[] = ['dea']): string {
    return TYPED[this.release].drain.replace('ROLES', roles.join(' '));
  }

  /**
   * It has these nodes and no other: by its status, in the cloud, in the list of the core, and on the machines, where each command was run
   * once.
   * @param launches how many machines were launched for nodes so far
   */
  async assertWhole(
    status: DeploymentStatus,
    wanted: Readonly<Record<NodeName, readonly string[]>>,
    launches: number,
  ): Promise<void> {
    const { name, kind, site } = this;
    const names = Object.keys(wanted);
    assert.deepEqual(
      [status.stage, status.nodes.map((node) => `${node.name} ${node.stage}`)],
      ['ready', names.map((node) => `${node} ready`)],
      troubles(status),
    );
    const { instances, groups, addresses } = await site.lab.inventory(kind);
    const alive = (group: string): string[] =>
      instances.filter((each) => each.groups.includes(group) && each.state !== 'terminated').map(({ id }) => id);
    assert.deepEqual(alive(`stackato-${name}`), [status.resources.instance?.id]);
    assert.deepEqual(alive(`stackato-${name}-nodes`).sort(), status.nodes.map(({ instance }) => instance?.id).sort());
    assert.equal(this.launched().length, launches, 'machines launched for nodes');
    assert.equal(groups.filter((group) => group.name.startsWith(`stackato-${name}`)).length, 2);
    assert.equal(addresses.filter(({ instanceId }) => instanceId === status.resources.instance?.id).length, 1);
    const volumes = site.lab
      .volumes(kind)
      .filter(({ instanceId }) => this.launched().some((machine) => machine.instanceId === instanceId));
    assert.equal(new Set(volumes.map(({ instanceId }) => instanceId)).size, volumes.length, 'one volume for each');
    assert.deepEqual(
      this.core
        .clusterList()
        .map(({ ip }) => ip)
        .sort(),
      [status.resources, ...status.nodes].map(({ instance }) => instance?.privateIp).sort(),
      'the list of the core',
    );
    for (const node of names) {
      const machine = this.machine(status, node);
      const roles = wanted[node] ?? [];
      assert.deepEqual(LabCluster.changesOn(machine), this.making(status, node, roles), `kato on ${node}`);
      assert.equal(machine.boots(), 2, `boots of ${node}`);
      const ip = status.nodes.find((each) => each.name === node)?.instance?.privateIp;
      const listed = this.core.clusterList().find((each) => each.ip === ip)?.roles ?? [];
      assert.deepEqual(
        roles.filter((role) => !listed.includes(role)),
        [],
        `roles of ${node} in the list of the core`,
      );
    }
    const typed = LabCluster.changesOn(this.core);
    assert.deepEqual(typed, [...new Set(typed)], 'each command once on the core');
  }

  /** Nothing is left of it, in cloud and zone. */
  private async assertGone(address: string): Promise<void> {
    const { instances, groups, addresses } = await this.site.lab.inventory(this.kind);
    const ours = (group: string): boolean => [`stackato-${this.name}`, `stackato-${this.name}-nodes`].includes(group);
    const ids = [...this.launched(), ...this.site.lab.launched(this.name)].map(({ instanceId }) => instanceId);
    assert.deepEqual(
      instances.filter(({ id, state }) => ids.includes(id) && state !== 'terminated'),
      [],
    );
    assert.deepEqual(
      groups.filter((group) => ours(group.name)),
      [],
    );
    assert.ok(!addresses.some(({ publicIp }) => publicIp === address), `${address} is released`);
    const volumes = this.site.lab.volumes(this.kind).filter(({ instanceId }) => ids.includes(instanceId ?? ''));
    assert.deepEqual(volumes, []);
    assert.deepEqual(
      (await this.site.lab.zone()).filter((line) => line.includes(`${this.name}.`)),
      [],
    );
  }
}

function troubles({ steps, nodes }: DeploymentStatus): string {
  const own = steps.filter(({ error, state }) => error !== undefined || state === 'attention');
  return JSON.stringify([own, nodes.map(({ name, stage, error }) => [name, stage, error])]);
}
