import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { DeploymentStatus, NodeDetails } from '../../src/client/status';
import { FakeActivities } from '../support/fake-activities';
import { localServer } from '../support/temporal';
import { ClientBench } from '../client/bench';
import { cli } from '../cli/cli';

describe('command line, with nodes', function () {
  this.timeout(120_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: FakeActivities;
  let dir: string;

  before(async () => {
    server = await localServer();
    dir = mkdtempSync(join(tmpdir(), 'stackato-cli-nodes-'));
    fakes = new FakeActivities();
    bench = await ClientBench.open(server, 'cli-nodes');
    await bench.worker.startWorker(fakes);
  });
  after(async () => {
    await bench.close();
    rmSync(dir, { recursive: true });
    await server.teardown();
  });

  /** The example, with other counts. */
  function specFile(name: string, counts: { readonly dea: number; readonly data: number }): string {
    const path = join(dir, `${name}.yaml`);
    const text = readFileSync('examples/cluster.yaml', 'utf8')
      .replace('name: paas\n', `name: ${name}\n`)
      .replace(/count: 2 .*\n/, `count: ${counts.dea}\n`)
      .replace('roles: [data-services]', `roles: [data-services]\n    count: ${counts.data}`);
    writeFileSync(path, `${text}\ntiming: { rebootWait: 1s }\n`);
    return path;
  }

  it('14: a parked node ends up with 3 and is answered by name; aborted it ends with 4; up, plan and down tell what they do to nodes', async () => {
    fakes.failOn(['dea-1'], 'attachNode', 'COMMAND_NO_EFFECT');
    const path = specFile('team', { dea: 2, data: 1 });
    const up = await cli(['up', path]);
    assert.equal(up.code, 3, up.stderr);
    assert.match(up.stdout, / team dea-1: deploying\n/);
    assert.match(up.stdout, / team dea-1: attach: COMMAND_NO_EFFECT: attachNode fails\n/);
    assert.match(up.stdout, / team {3}stackato-deploy resume team --node dea-1\n/);
    await bench.until('team', 'data-1 is ready', ({ nodes }) =>
      nodes.some(({ name, stage }) => name === 'data-1' && stage === 'ready'),
    );

    const page = await cli(['status', 'team']);
    assert.equal(page.code, 3);
    assert.match(page.stdout, /^team {2}needs attention .* 1\/3 nodes\n/);
    assert.match(page.stdout, /\n {2}✗ dea-1 +attention .*\n {2}✓ data-1 +ready .*\n {2}· dea-2 +waiting/);
    const whole = JSON.parse((await cli(['status', 'team', '--json'])).stdout) as DeploymentStatus;
    assert.deepEqual(
      whole.nodes.map(({ name, steps }) => [name, steps.length > 0]),
      [
        ['dea-1', true],
        ['dea-2', false],
        ['data-1', true],
      ],
    );
    const one = await cli(['status', 'team', '--node', 'dea-1']);
    assert.equal(one.code, 3);
    assert.match(one.stdout, /^team dea-1 {2}attention .*\n {2}host +dea-1\.paas\.example\.com\n/);
    const json = JSON.parse((await cli(['status', 'team', '--node', 'dea-1', '--json'])).stdout) as NodeDetails;
    assert.deepEqual([json.deployment, json.name, json.stage], ['team', 'dea-1', 'needs-attention']);
    const core = await cli(['status', 'team', '--node', 'core']);
    assert.match(core.stdout, /^team {2}needs attention/);
    const unknown = await cli(['status', 'team', '--node', 'dea-9']);
    assert.equal(unknown.code, 2);
    assert.match(
      unknown.stderr,
      /has no node dea-9\.\nDid you mean dea-1\? Its nodes are core, dea-1, dea-2, data-1\.\n$/,
    );
    assert.match(
      (await cli(['list'])).stdout,
      /^team +needs attention .* {2}1\/3 nodes, dea-1 attach: COMMAND_NO_EFFECT$/m,
    );

    assert.equal((await cli(['abort', 'team', '--node', 'dea-1'])).code, 0);
    const watched = await cli(['watch', 'team']);
    assert.equal(watched.code, 4);
    assert.match(watched.stdout, /The cluster is not whole\. Missing: dea-1 \(aborted\), dea-2 \(held\)\./);

    fakes.recover('attachNode');
    const again = await cli(['up', path]);
    assert.equal(again.code, 0, again.stdout);
    assert.match(again.stdout, / team dea-2: ready in /);

    const smaller = specFile('team', { dea: 3, data: 0 });
    const plan = await cli(['plan', smaller]);
    assert.equal(plan.code, 0);
    assert.match(
      plan.stdout,
      /\nNodes of the deployment:\n {2}\+ dea-3\n {2}- data-1\n\nup would refuse this\.\nThe deployment team would lose data\./,
    );
    const refused = await cli(['up', smaller]);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      new RegExp(`would lose data\\. data-1 would be removed[^]*\`stackato-deploy up ${smaller} --data-loss data-1\``),
    );
    const shrunk = await cli(['up', smaller, '--data-loss', 'data-1']);
    assert.equal(shrunk.code, 0, shrunk.stdout);
    assert.match(shrunk.stdout, / team data-1: removed\n/);
    assert.match(shrunk.stdout, /Removed: data-1\n/);

    const down = await cli(['down', 'team']);
    assert.equal(down.code, 0);
    assert.match(down.stderr, /^Removing what the deployment team made: 4 machines, and what belongs to them\.\n/);
  });

  it('14: plan of a cluster does not need Temporal, and says what it cannot show', async () => {
    const { code, stdout, stderr } = await cli(['plan', specFile('nowhere', { dea: 2, data: 1 })], {
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^Which nodes there are already is not shown\. Temporal cannot be reached at 127\.0\.0\.1:1\./,
    );
    assert.doesNotMatch(stdout, /Nodes of the deployment|No node of the deployment/);
    const alone = await cli(['plan', specFile('unheard-of', { dea: 2, data: 1 })]);
    assert.deepEqual([alone.code, alone.stderr], [0, '']);
    assert.doesNotMatch(alone.stdout, /Nodes of the deployment|No node of the deployment/);
  });
});
