/** Clusters that are stopped half-way: by a canary, by a second `up`, by an abort. What counts is what the cloud has in the end. */

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import type { Kind } from '../../lab/types';
import { nodeWorkflowIdOf } from '../../src/deployment/names';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { Deployment } from '../support/deployment';
import { OpenSshClient } from '../support/openssh-client';
import { CLI, Site } from '../support/site';
import type { SpecChange } from '../support/site';
import { eventually } from '../support/wait';

/** By the command line. */
const KIND = 'eucalyptus-4.4';
/**
 * Launches are held there. `nodesAtOnce`: how many nodes of a deployment are launched at the same time. `tags`: an instance whose launch was
 * not answered tells which node it is.
 */
const HOLDING = [
  { kind: 'eucalyptus-3.2', short: 'e32', nodesAtOnce: 1, tags: false },
  { kind: 'aws', short: 'aws', nodesAtOnce: 3, tags: true },
] as const;
type Holding = (typeof HOLDING)[number];
const RELEASE = '3.4.2';
/** How a machine is set up is not tried here. */
const QUICK = { release: RELEASE, bootDelay: 50, readyDelay: 50, oldBootIdFor: 50, downFor: 100, katoTakes: 20 };
/** A cluster may have so much memory. */
const LICENCE = { licenceMiB: 1_000_000 };
const LIMIT_MS = 300_000;

describe('a cluster that is stopped half-way', function () {
  this.timeout(600_000);
  let site: Site;
  let client: OpenSshClient;
  const results = new Map<string, Promise<void>>();

  before(async () => {
    site = await Site.open({ knobs: QUICK });
    client = new OpenSshClient(site.dir, site.lab.state.ports.ssh);
    const kinds: readonly Kind[] = [KIND, ...HOLDING.map(({ kind }) => kind)];
    await Promise.all(kinds.map((kind) => site.worker(kind, queueOf(kind))));
    const begin = (name: string, trial: Promise<void>): void => {
      // The test that awaits it reports its failure.
      trial.catch(() => undefined);
      results.set(name, trial);
    };
    for (const each of HOLDING) {
      const first = aborted(each);
      begin(`aborted-${each.short}`, first);
      begin(
        `alone-${each.short}`,
        first.then(() => nodeAborted(each)),
      );
    }
    begin('canary', canary());
    begin('twice', twice());
  });
  after(() => site.close());

  const queueOf = (kind: Kind): string => `stopped-${kind}`;
  const cluster = (count: number, rollout: SpecChange): SpecChange => ({
    release: RELEASE,
    network: 'dhcp',
    nodes: { dea: { roles: ['dea'], count } },
    rollout,
  });
  const run = (...words: string[]): Promise<Ended> => {
    const env = site.env(KIND, { STACKATO_DEPLOY_TASK_QUEUE: queueOf(KIND) });
    return new Cli(words, env, [process.execPath, CLI]).ended;
  };
  /** Of its machines, by what the cloud itself lists: those that there ever were, and those that are left. */
  const machinesOf = async (kind: Kind, name: string) => {
    const { instances } = await site.lab.inventory(kind);
    const mine = instances.filter(({ groups }) => /^stackato-(.*?)(-nodes)?$/.exec(groups[0] ?? '')?.[1] === name);
    return { ever: mine.length, left: mine.filter(({ state }) => state !== 'terminated').length };
  };

  /** Its core has no licence for a second machine, so no node can be attached. */
  const canary = async (): Promise<void> => {
    const knobs = { licenceMiB: 5_000, authorizedKey: client.publicKey };
    const path = site.specFile('canary', KIND, cluster(20, { parallel: 10 }), knobs);
    const up = await run('up', path);
    assert.equal(up.code, 3, up.stdout + up.stderr);
    assert.match(up.stdout, / canary dea-1: attach: COMMAND_NO_EFFECT: .*A license key is needed/);
    assert.deepEqual(await machinesOf(KIND, 'canary'), { ever: 2, left: 2 }, 'the core and the canary');

    const abort = await run('abort', 'canary', '--node', 'dea-1');
    assert.equal(abort.code, 0, abort.stderr);
    const ended = await run('watch', 'canary');
    assert.equal(ended.code, 4, ended.stdout);
    assert.match(ended.stdout, /Missing: dea-1 \(aborted\), dea-2 … dea-20 \(held\)\./);
    assert.deepEqual(await machinesOf(KIND, 'canary'), { ever: 2, left: 1 }, 'the core');
    const core = site.appliance('canary');
    assert.equal((await listOf('canary')).length, 1);

    core.setKnobs(LICENCE);
    const again = await run('up', path);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.deepEqual(await machinesOf(KIND, 'canary'), { ever: 22, left: 21 });
    assert.equal(new Set(await listOf('canary')).size, 21);
    assert.equal(site.appliance('canary'), core, 'the core is the same');
  };

  /** The addresses in the core's own list. */
  const listOf = async (name: string): Promise<readonly string[]> => {
    const { addresses } = await site.lab.inventory(KIND);
    const ip = addresses.find(({ instanceId }) => instanceId === site.appliance(name).instanceId)?.publicIp;
    return (await client.kato(ip ?? '', 'node list')).match(/^[\d.]+(?= )/gm) ?? [];
  };

  const twice = async (): Promise<void> => {
    const file = (count: number): string => {
      const path = site.specFile('twice', KIND, cluster(count, { canary: 0 }));
      const own = path.replace(/\.yaml$/, `-${count}.yaml`);
      renameSync(path, own);
      return own;
    };
    let ever = 1;
    for (const counts of [
      [1, 2],
      [3, 4],
    ]) {
      const ended = await Promise.all(counts.map(async (count) => ({ count, ...(await run('up', file(count))) })));
      const [won, lost] = ended.sort((a, b) => Number(a.code) - Number(b.code));
      assert.deepEqual([won?.code, lost?.code], [0, 2], JSON.stringify(ended));
      assert.match(
        lost?.stderr ?? '',
        /The deployment twice is under way with another spec\. It differs in nodes\.dea\.count\.\nWatch it with the spec it has/,
      );
      ever = 1 + (won?.count ?? 0);
      assert.deepEqual(await machinesOf(KIND, 'twice'), { ever, left: ever }, `${ever - 1} nodes`);
    }
  };

  const held = (kind: Kind): number => site.lab.held(kind).filter(({ action }) => action === 'RunInstances').length;
  /** Until nodes are being launched, and the cloud does not answer. */
  const launching = async (kind: Kind, deployment: Deployment, nodesAtOnce: number): Promise<void> => {
    await deployment.until('the core runs', ({ steps }) => steps.connect?.state === 'done', LIMIT_MS, 200);
    site.lab.fault({ kind, action: 'RunInstances', what: 'hold', times: 1_000 });
    await eventually('nodes are being launched', () => held(kind) === nodesAtOnce, LIMIT_MS);
  };
  const letGo = (kind: Kind): void => {
    site.lab.clearFaults();
    site.lab.release(kind);
  };

  const aborted = async ({ kind, short, nodesAtOnce }: Holding): Promise<void> => {
    const name = `aborted-${short}`;
    const inZone = async (): Promise<readonly string[]> =>
      (await site.lab.zone()).filter((line) => line.includes(name));
    const deployment = await site.start(site.spec(name, kind, cluster(3, { canary: 0 })), queueOf(kind));
    await launching(kind, deployment, nodesAtOnce);
    assert.notDeepEqual(await inZone(), []);
    await deployment.say('abort');
    await deployment.until('it is taken back', ({ stage }) => stage === 'undoing', LIMIT_MS, 200);
    assert.equal(held(kind), nodesAtOnce, 'no other launch was begun');
    letGo(kind);
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted', JSON.stringify(view.undone));
    assert.deepEqual(await machinesOf(kind, name), { ever: 1 + nodesAtOnce, left: 0 }, 'launches that came late');
    const { addresses, groups } = await site.lab.inventory(kind);
    assert.deepEqual({ addresses, groups, zone: await inZone() }, { addresses: [], groups: [], zone: [] });
  };

  const nodeAborted = async ({ kind, short, tags }: Holding): Promise<void> => {
    const name = `alone-${short}`;
    const spec = site.spec(name, kind, cluster(2, {}), LICENCE);
    const deployment = await site.start(spec, queueOf(kind));
    await launching(kind, deployment, 1);
    const { client: temporal } = await site.temporal(queueOf(kind));
    const canary = new Deployment(temporal.workflow.getHandle(nodeWorkflowIdOf(name, 'dea-1')));
    await canary.say('abort');
    await canary.until('it is taken back', ({ stage }) => stage === 'undoing', LIMIT_MS, 200);
    letGo(kind);
    const failed = await deployment.result();
    assert.match(failed.message ?? '', /Not ready: dea-1 \(aborted\), dea-2 \(held\)/);
    assert.deepEqual(await machinesOf(kind, name), { ever: 2, left: tags ? 1 : 2 });

    const again = await site.start(spec, queueOf(kind), failed.view.facts);
    const { stage, nodes } = await again.readyOrParked(LIMIT_MS, 500);
    assert.equal(stage, 'ready', JSON.stringify(nodes));
    assert.deepEqual(await machinesOf(kind, name), { ever: tags ? 4 : 3, left: 3 });
  };

  it('14: a canary that fails leaves one machine, not twenty; aborted, it leaves the core; `up` then makes all twenty', () =>
    results.get('canary'));

  it('14: of two `up` with different counts at the same time the second is refused, and nothing of it is done', () =>
    results.get('twice'));

  for (const { kind, short, tags } of HOLDING) {
    it(`14: on ${kind} an abort while nodes are being launched leaves nothing in cloud and zone`, () =>
      results.get(`aborted-${short}`));

    it(`14: on ${kind} an instance of a node that is aborted while it is being launched is ${tags ? 'terminated' : 'adopted by the next `up`'}, not doubled`, () =>
      results.get(`alone-${short}`));
  }
});
