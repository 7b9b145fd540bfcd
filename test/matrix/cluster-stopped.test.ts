/** Clusters that are stopped half-way: by a canary, by a second `up`, by an abort. What counts is what the cloud has in the end. */

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import type { Kind } from '../../lab/types';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { OpenSshClient } from '../support/openssh-client';
import { CLI, Site } from '../support/site';
import type { SpecChange } from '../support/site';
import { eventually } from '../support/wait';

/** By the command line. */
const KIND = 'eucalyptus-4.4';
/** Aborted; each has a cloud of its own, whose launches are held. `nodesAtOnce`: how many of its nodes are launched at the same time. */
const ABORTED = [
  { kind: 'eucalyptus-3.2', name: 'aborted-e32', nodesAtOnce: 1 },
  { kind: 'aws', name: 'aborted-aws', nodesAtOnce: 3 },
] as const;
const RELEASE = '3.4.2';
/** How a machine is set up is not tried here. */
const QUICK = { release: RELEASE, bootDelay: 50, readyDelay: 50, oldBootIdFor: 50, downFor: 100, katoTakes: 20 };
const LIMIT_MS = 300_000;

describe('a cluster that is stopped half-way', function () {
  this.timeout(600_000);
  let site: Site;
  let client: OpenSshClient;
  const results = new Map<string, Promise<void>>();

  before(async () => {
    site = await Site.open({ knobs: QUICK });
    client = new OpenSshClient(site.dir, site.lab.state.ports.ssh);
    const kinds: readonly Kind[] = [KIND, ...ABORTED.map(({ kind }) => kind)];
    await Promise.all(kinds.map((kind) => site.worker(kind, queueOf(kind))));
    const begin = (name: string, trial: Promise<void>): void => {
      // The test that awaits it reports its failure.
      trial.catch(() => undefined);
      results.set(name, trial);
    };
    for (const each of ABORTED) begin(each.name, aborted(each));
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

    core.setKnobs({ licenceMiB: 1_000_000 });
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

  const aborted = async ({ kind, name, nodesAtOnce }: (typeof ABORTED)[number]): Promise<void> => {
    const inZone = async (): Promise<readonly string[]> =>
      (await site.lab.zone()).filter((line) => line.includes(name));
    const held = (): number => site.lab.held(kind).filter(({ action }) => action === 'RunInstances').length;
    const deployment = await site.start(site.spec(name, kind, cluster(3, { canary: 0 })), queueOf(kind));
    await deployment.until('the core runs', ({ steps }) => steps.connect?.state === 'done', LIMIT_MS, 200);
    assert.notDeepEqual(await inZone(), []);
    site.lab.fault({ kind, action: 'RunInstances', what: 'hold', times: 1_000 });
    await eventually('nodes are being launched', () => held() === nodesAtOnce, LIMIT_MS);
    await deployment.say('abort');
    await deployment.until('it is taken back', ({ stage }) => stage === 'undoing', LIMIT_MS, 200);
    assert.equal(held(), nodesAtOnce, 'no other launch was begun');
    site.lab.clearFaults();
    site.lab.release(kind);
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted', JSON.stringify(view.undone));
    assert.deepEqual(await machinesOf(kind, name), { ever: 1 + nodesAtOnce, left: 0 }, 'launches that came late');
    const { addresses, groups } = await site.lab.inventory(kind);
    assert.deepEqual({ addresses, groups, zone: await inZone() }, { addresses: [], groups: [], zone: [] });
  };

  it('14: a canary that fails leaves one machine, not twenty; aborted, it leaves the core; `up` then makes all twenty', () =>
    results.get('canary'));

  it('14: of two `up` with different counts at the same time the second is refused, and nothing of it is done', () =>
    results.get('twice'));

  for (const { kind, name } of ABORTED)
    it(`14: on ${kind} an abort while nodes are being launched leaves nothing in cloud and zone`, () =>
      results.get(name));
});
