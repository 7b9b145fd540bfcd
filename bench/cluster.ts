/**
 * Measures a cluster against a core with one node, in the lab: `npm run bench:cluster [-- --kind eucalyptus-4.4 --nodes 20 --kill-every 15
 * --json]`. Machines boot, reboot and run kato without any delay. Then once more while the worker is killed again and again: it must end in
 * the same state (`--kill-every 0`: not). The times depend on the host and its load, so no test asserts them; the lab's machines run on it, too.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import type { Knobs } from '../lab/knobs';
import type { Appliance, Kind } from '../lab/types';
import { nodeWorkflowIdOf } from '../src/deployment/names';
import type { DeploymentSpec } from '../src/deployment/spec';
import type { Deployment } from '../test/support/deployment';
import { Site } from '../test/support/site';
import type { WorkerProcess } from '../test/support/site';
import { durationsIn, secondsWithFreeMachines } from './free-machines';

/** With tags, and without: there nodes are launched one at a time. */
const KINDS = ['eucalyptus-4.4', 'eucalyptus-3.2'] as const satisfies readonly Kind[];
const SECOND = 1_000;
const LIMIT = 1_800 * SECOND;

const NO_DELAYS: Partial<Knobs> = {
  sudoLectures: false,
  bootDelay: 0,
  readyDelay: 0,
  oldBootIdFor: 0,
  downFor: 0,
  katoTakes: 0,
};

interface Figures {
  readonly kind: Kind;
  readonly nodes: number;
  /** From the start of the workflow to its end. */
  readonly secondsWithOneNode: number;
  readonly secondsToReady: number;
  readonly timeToReadyRatio: number;
  /** With machines that cost nothing (free-machines.ts). */
  readonly timeToReadyRatioFreeMachines: number;
  /** While all nodes are made: what the product takes of the processors, and what the machines do. */
  readonly workerCpuSeconds: number;
  readonly labCpuSeconds: number;
  readonly parentEvents: number;
  readonly mostChildEvents: number;
  readonly kills?: number;
  readonly secondsToReadyWithKills?: number;
  readonly parentEventsWithKills?: number;
  readonly mostChildEventsWithKills?: number;
}

type KillFigures = Pick<
  Figures,
  'kills' | 'secondsToReadyWithKills' | 'parentEventsWithKills' | 'mostChildEventsWithKills'
>;

const BARS: Partial<Readonly<Record<keyof Figures, number>>> = {
  timeToReadyRatioFreeMachines: 1.5,
  parentEvents: 500,
  mostChildEvents: 150,
};

interface Options {
  readonly nodes: number;
  readonly canary: number;
  readonly killEvery: number;
}

class ClusterBench {
  constructor(
    private readonly site: Site,
    private readonly kind: Kind,
    private readonly options: Options,
  ) {}

  async figures(): Promise<Figures> {
    const { site, kind, options } = this;
    const worker = await site.worker(kind, kind);
    // The first deployment pays for what worker and lab compile and cache.
    await this.timed('warm-up', 1);
    const one = await this.timed('one', 1);
    const before = { worker: cpuSecondsOf(worker.pid), lab: cpuSecondsOf(process.pid) };
    const all = await this.timed('all', options.nodes);
    const workerCpuSeconds = cpuSecondsOf(worker.pid) - before.worker;
    const labCpuSeconds = cpuSecondsOf(process.pid) - before.lab;
    const free = await secondsWithFreeMachines(
      site.lab.state.temporal.address,
      [this.spec('free-warm-up', 1), this.spec('free-one', 1), this.spec('free-all', options.nodes)],
      one.durations.core,
      one.durations.node,
    );
    const [, freeOne = Number.NaN, freeAll = Number.NaN] = free;
    const killed = options.killEvery === 0 ? {} : await this.withKills(worker, all.end);
    return {
      kind,
      nodes: options.nodes,
      secondsWithOneNode: one.seconds,
      secondsToReady: all.seconds,
      timeToReadyRatio: all.seconds / one.seconds,
      timeToReadyRatioFreeMachines: freeAll / freeOne,
      workerCpuSeconds,
      labCpuSeconds,
      parentEvents: all.parentEvents,
      mostChildEvents: all.mostChildEvents,
      ...killed,
    };
  }

  /** @param end in which it must end */
  private async withKills(worker: WorkerProcess, end: object): Promise<KillFigures> {
    const { site, kind, options } = this;
    const killing = new Killing(site, kind, worker, options.killEvery);
    const killed = await this.timed('killed', options.nodes);
    const kills = await killing.end();
    assert.deepEqual(killed.end, end, 'killed or not, the end is the same');
    return {
      kills,
      secondsToReadyWithKills: killed.seconds,
      parentEventsWithKills: killed.parentEvents,
      mostChildEventsWithKills: killed.mostChildEvents,
    };
  }

  /** Deploys a cluster with so many DEAs, and takes it back. */
  private async timed(name: string, nodes: number) {
    const { site, kind } = this;
    const spec = this.spec(name, nodes);
    const before = this.launched();
    const deployment = await site.start(spec, kind);
    await deployment.readyOrParked(LIMIT, SECOND);
    const { stage } = await deployment.view();
    assert.equal(stage, 'ready', JSON.stringify(await deployment.view()));
    await deployment.result();
    const { startTime, closeTime, historyLength } = await deployment.handle.describe();
    const children = await this.nodesOf(spec, nodes);
    const [first] = children;
    const durations = {
      core: await durationsIn(deployment.handle),
      node: first === undefined ? new Map<string, number>() : await durationsIn(first),
    };
    const events = await Promise.all(children.map(async (child) => (await child.describe()).historyLength));
    const end = await this.endOf(spec, deployment);
    assert.equal(end.instances, nodes + 1, 'instances');
    assert.equal(this.launched() - before, nodes + 1, 'instances that were ever launched');
    await site.teardown(spec, kind, (await deployment.view()).facts);
    return {
      seconds: ((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / SECOND,
      parentEvents: historyLength,
      mostChildEvents: Math.max(...events),
      durations,
      end,
    };
  }

  private launched(): number {
    const launches = this.site.lab.calls(this.kind).filter(({ action }) => action === 'RunInstances');
    // A call that is repeated with its token names the instance once more.
    return new Set(launches.flatMap(({ made }) => made)).size;
  }

  private spec(name: string, nodes: number): DeploymentSpec {
    const change = {
      release: '2.10.6',
      nodes: { core: { roles: ['data-services'] }, dea: { roles: ['dea'], count: nodes } },
      rollout: { parallel: Math.min(100, nodes), canary: this.options.canary },
    };
    return this.site.spec(name, this.kind, change, { release: '2.10.6', ...NO_DELAYS });
  }

  private async nodesOf({ name }: DeploymentSpec, nodes: number): Promise<WorkflowHandle[]> {
    const { client } = await this.site.temporal(this.kind);
    return Array.from({ length: nodes }, (_, index) =>
      client.workflow.getHandle(nodeWorkflowIdOf(name, `dea-${index + 1}`)),
    );
  }

  /** As cloud, machines and name server have it, without what is another one each time. */
  private async endOf({ name, dns }: DeploymentSpec, deployment: Deployment) {
    const { site, kind } = this;
    const groups = [`stackato-${name}`, `stackato-${name}-nodes`];
    const { instances, addresses, groups: all } = await site.lab.inventory(kind);
    const mine = instances.filter(
      ({ groups: its, state }) => state !== 'terminated' && its.some((g) => groups.includes(g)),
    );
    const machines = [site.appliance(name), ...site.nodes(name)];
    const view = await deployment.view();
    const instanceOf = new Map(
      Object.entries(view.facts.nodes).map(([node, { instance }]) => [instance?.id ?? '', node] as const),
    );
    const coreIp = view.facts.nodes.core.instance?.privateIp ?? '';
    const plain = (text: string): string => text.replaceAll(dns.name, '<host>').replaceAll(coreIp, '<core>');
    return {
      stages: Object.fromEntries(Object.entries(view.nodes).map(([node, row]) => [node, row.stage])),
      instances: mine.length,
      addresses: addresses.filter(({ instanceId }) => mine.some(({ id }) => id === instanceId)).length,
      groups: all
        .filter((group) => groups.includes(group.name))
        .map(({ name: of, rules }) => [of.replace(name, '<name>'), rules.length]),
      records: (await site.lab.zone()).filter((line) => line.includes(dns.name)).length,
      machines: machines
        .map(
          (machine) =>
            `${instanceOf.get(machine.instanceId) ?? 'of nobody'}: ${commandsOf(machine).map(plain).join(', ')}`,
        )
        .sort(),
    };
  }
}

/** Sub-commands of kato that change nothing. */
const LOOKS = /^(version|info|status|ready|process list|node list)\b/;

/** What was run on it that changes something, in order, and how often it booted. */
function commandsOf(machine: Appliance): string[] {
  const kato = machine
    .invocations()
    .filter(({ program }) => program === 'kato')
    .map(({ args }) => args.join(' '))
    .filter((line) => !LOOKS.test(line));
  return [...kato, `${machine.boots()} boots`];
}

/** Kills the worker every so many seconds, and starts another one at once. */
class Killing {
  private readonly over = new AbortController();
  private readonly done: Promise<number>;

  constructor(
    private readonly site: Site,
    private readonly kind: Kind,
    private worker: WorkerProcess,
    private readonly every: number,
  ) {
    this.done = this.run();
  }

  /** @returns how many were killed */
  async end(): Promise<number> {
    this.over.abort();
    const kills = await this.done;
    await this.worker.stop();
    return kills;
  }

  private async run(): Promise<number> {
    for (let kills = 0; ; kills++) {
      await sleep(this.every * SECOND, undefined, { signal: this.over.signal }).catch(() => undefined);
      if (this.over.signal.aborted) return kills;
      await this.worker.kill();
      this.worker = await this.site.worker(this.kind, this.kind);
    }
  }
}

const TICKS_PER_SECOND = 100;

/** With the processes that it started and that have ended. */
function cpuSecondsOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const ticks = fields.split(' ').slice(11, 15).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

function text(figures: Figures): string {
  const rows = (Object.keys(figures) as (keyof Figures)[]).map((name) => {
    const figure = figures[name];
    const shown = typeof figure === 'number' ? Math.round(figure * 100) / 100 : figure;
    const bar = BARS[name];
    return `${name.padEnd(26)} ${shown}${bar === undefined ? '' : ` (bar: ${bar})`}\n`;
  });
  return rows.join('');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', multiple: true, default: [...KINDS] },
      nodes: { type: 'string', default: '20' },
      canary: { type: 'string', default: '0' },
      'kill-every': { type: 'string', default: '15' },
      json: { type: 'boolean', default: false },
    },
  });
  const options = {
    nodes: Number(values.nodes),
    canary: Number(values.canary),
    killEvery: Number(values['kill-every']),
  };
  const site = await Site.open();
  try {
    const figures: Figures[] = [];
    for (const kind of KINDS.filter((each) => values.kind.includes(each)))
      figures.push(await new ClusterBench(site, kind, options).figures());
    process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : figures.map(text).join('\n'));
  } finally {
    await site.close();
  }
}

main().then(
  // The SDK's native part would keep the process alive.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
