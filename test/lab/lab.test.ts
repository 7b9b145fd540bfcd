/** The lab with real Temporal, BIND and moto, and fake machines. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import type { Knobs } from '../../lab/knobs';
import { assembleLab } from '../../lab/lab';
import type { Lab } from '../../lab/types';
import { callV2, fakeMachineFactory, texts, until } from './support';
import type { Reply } from './support';

const run = promisify(execFile);

describe('lab', function () {
  this.timeout(120_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-'));
  const factory = fakeMachineFactory();
  let lab: Lab;

  before(async () => {
    lab = await assembleLab({ dir, knobs: { bootDelay: 7 } }, factory);
  });

  after(async () => {
    const pids = processes();
    await lab.stop();
    assert.deepEqual(pids.filter(alive), [], 'ends what it started');
    assert.equal(existsSync(join(dir, 'state.json')), false);
    rmSync(dir, { recursive: true, force: true });
  });

  function processes(): number[] {
    return (JSON.parse(readFileSync(join(dir, 'processes.json'), 'utf8')) as { pid: number }[]).map(({ pid }) => pid);
  }

  function alive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  async function namespaces(): Promise<string[]> {
    const connection = await Connection.connect({ address: lab.state.temporal.address });
    try {
      const { namespaces: found } = await connection.workflowService.listNamespaces({});
      return found.map(({ namespaceInfo }) => namespaceInfo?.name ?? '');
    } finally {
      await connection.close();
    }
  }

  async function resolve(name: string, type: string): Promise<string[]> {
    const { server, port } = lab.state.dns;
    const { stdout } = await run('dig', [`@${server}`, '-p', String(port), '+short', name, type]);
    return stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  }

  it('writes a state file that only its user can read', () => {
    const file = join(dir, 'state.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { started, ...state } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    assert.deepEqual(state, lab.state);
    assert.match(String(started), /^\d+$/);
    assert.deepEqual(
      lab.state.clouds.map(({ kind }) => kind),
      ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1', 'aws'],
    );
  });

  it('does not disturb a lab that runs in the folder', async () => {
    await assert.rejects(assembleLab({ dir }, fakeMachineFactory()), /A lab \(pid \d+\) already runs in/);
  });

  it('serves the Web UI', async () => {
    assert.equal((await fetch(lab.state.temporal.ui)).status, 200);
  });

  it("keeps Temporal's data when Temporal is killed", async () => {
    const connection = await Connection.connect({ address: lab.state.temporal.address });
    await connection.workflowService.registerNamespace({
      namespace: 'kept',
      workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
    });
    await connection.close();
    await lab.killTemporal();
    await assert.rejects(Connection.connect({ address: lab.state.temporal.address, connectTimeout: 500 }));
    await lab.startTemporal();
    assert.ok((await namespaces()).includes('kept'));
  });

  it('has a zone that accepts only signed updates', async () => {
    const { server, port, zone } = lab.state.dns;
    const before = await lab.zone();
    assert.ok(
      before.some((line) => line.startsWith(`www.${zone}. `)),
      before.join('\n'),
    );
    await lab.nsupdate(`zone ${zone}\nupdate add a.${zone} 60 A 192.0.2.7\nsend\n`);
    assert.deepEqual(
      (await lab.zone()).filter((line) => !before.includes(line)),
      [`a.${zone}. 60 IN A 192.0.2.7`],
    );
    assert.deepEqual(await resolve(`a.${zone}`, 'A'), ['192.0.2.7']);
    await lab.nsupdate(`update delete a.${zone}`);
    assert.deepEqual(await lab.zone(), before);
    const unsigned = run('nsupdate', []);
    unsigned.child.stdin?.end(`server ${server} ${port}\nupdate add b.${zone} 60 A 192.0.2.7\nsend\n`);
    await assert.rejects(unsigned, /REFUSED/);
    await assert.rejects(lab.nsupdate('update add outside.example.com 60 A 192.0.2.7'));
  });

  it('resolves the public DNS name of every elastic IP', async () => {
    const access = lab.cloud('eucalyptus-3.2');
    const [ip = ''] = texts(await callV2(access, { Action: 'AllocateAddress' }), 'publicIp');
    const name = (access.addressName ?? '').replace('{dashed}', ip.replaceAll('.', '-'));
    assert.deepEqual(await resolve(name, 'A'), [ip]);
    await callV2(access, { Action: 'ReleaseAddress', PublicIp: ip });
  });

  it('sets knobs by deployment, and finds its machines', async () => {
    const access = lab.cloud('eucalyptus-3.2');
    lab.plan('d1', { katoTakes: 99 });
    await callV2(access, { Action: 'CreateSecurityGroup', GroupName: 'stackato-d1', GroupDescription: 'x' });
    const run1 = {
      Action: 'RunInstances',
      ImageId: access.imageId,
      MinCount: '1',
      MaxCount: '1',
      'SecurityGroup.1': 'stackato-d1',
    };
    const [id = ''] = texts(await callV2(access, run1), 'instanceId');
    await until('its machine', () => lab.machines('d1')[0]);
    const { knobs } = factory.made.get(id)?.options ?? assert.fail('no machine');
    assert.deepEqual([knobs.katoTakes, knobs.bootDelay, knobs.release], [99, 7, '2.6.6']);
    assert.equal(lab.calls('eucalyptus-3.2').filter(({ action }) => action === 'RunInstances').length, 1);
    await callV2(access, { Action: 'TerminateInstances', 'InstanceId.1': id });
    await until('the end of it', () => lab.machines('d1').length === 0 || undefined);
  });

  it("14: finds a cluster's nodes, whose knobs are those of the deployment unless they have their own", async () => {
    const access = lab.cloud('eucalyptus-3.2');
    lab.plan('c', { katoTakes: 11, downFor: 12 });
    lab.plan('c-nodes', { downFor: 13 });
    lab.plan('c-nodes', { downFor: 14 }, 2);
    const launch = async (group: string): Promise<Knobs> => {
      const reply = await callV2(access, {
        Action: 'RunInstances',
        ImageId: access.imageId,
        MinCount: '1',
        MaxCount: '1',
        'SecurityGroup.1': group,
      });
      const [id = ''] = texts(reply, 'instanceId');
      return (await until('its machine', () => factory.made.get(id))).options.knobs;
    };
    for (const GroupName of ['stackato-c', 'stackato-c-nodes'])
      await callV2(access, { Action: 'CreateSecurityGroup', GroupName, GroupDescription: 'x' });
    const core = await launch('stackato-c');
    const nodes = [
      await launch('stackato-c-nodes'),
      await launch('stackato-c-nodes'),
      await launch('stackato-c-nodes'),
    ];
    assert.deepEqual(
      [core, ...nodes].map(({ katoTakes, downFor }) => [katoTakes, downFor]),
      [
        [11, 12],
        [11, 13],
        [11, 14],
        [11, 13],
      ],
    );
    assert.deepEqual([lab.machines('c').length, lab.machines('c-nodes').length], [1, 3]);
  });

  it('14: changes what a cloud allows', async () => {
    const access = lab.cloud('eucalyptus-3.2');
    const launch = (): Promise<Reply> =>
      callV2(access, { Action: 'RunInstances', ImageId: access.imageId, MinCount: '1', MaxCount: '1' });
    lab.configure('eucalyptus-3.2', { capacity: 0 });
    assert.match((await launch()).message, /Not enough resources/);
    lab.configure('eucalyptus-3.2', { capacity: 100 });
    assert.equal((await launch()).status, 200);
  });

  it('runs beside another lab', async () => {
    const otherDir = mkdtempSync(join(tmpdir(), 'lab-'));
    const other = await assembleLab({ dir: otherDir }, fakeMachineFactory());
    try {
      assert.notEqual(other.state.dns.port, lab.state.dns.port);
      const [ip = ''] = texts(await callV2(other.cloud('eucalyptus-3.2'), { Action: 'AllocateAddress' }), 'publicIp');
      const [mine = ''] = texts(await callV2(lab.cloud('eucalyptus-3.2'), { Action: 'AllocateAddress' }), 'publicIp');
      assert.notEqual(ip.split('.')[1], mine.split('.')[1]);
    } finally {
      await other.stop();
      rmSync(otherDir, { recursive: true, force: true });
    }
  });

  it('names the port that is in use', async () => {
    const base = lab.state.dns.port - 53;
    await assert.rejects(
      assembleLab({ dir: mkdtempSync(join(tmpdir(), 'lab-')), basePort: base }, fakeMachineFactory()),
      /Port \d+, which the lab needs for \w+, is in use by the lab in/,
    );
  });
});
