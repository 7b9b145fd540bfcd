/**
 * Simulated machines on the private network of a cloud: from outside, nodes are reached through the core's sshd only.
 * OpenSSH's own client is the witness.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppliance } from '../../lab/appliance';
import type { Clouds } from '../../lab/cloud';
import { DEFAULT_KNOBS } from '../../lab/knobs';
import type { Knobs } from '../../lab/knobs';
import type { Appliance, ApplianceOptions } from '../../lab/types';
import { OpenSshClient } from '../support/openssh-client';
import { eventually } from '../support/wait';
import { PORTS } from './appliance-support';
import { callV2, startClouds, texts } from './support';

const KIND = 'eucalyptus-3.2';
const OWNER = '000123456789';

describe('the private network of a cloud of the lab', function () {
  this.timeout(90_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-net-'));
  const made = new Map<string, { readonly appliance: Appliance; readonly options: ApplianceOptions }>();
  const client = new OpenSshClient(dir, PORTS.ssh);
  const knobs: Knobs = {
    ...DEFAULT_KNOBS,
    release: '2.10.6',
    authorizedKey: client.publicKey,
    bootDelay: 10,
    readyDelay: 10,
    katoTakes: 10,
    connectTimeout: 300,
    sudoAsks: false,
  };
  let clouds: Clouds;
  let stop: () => Promise<void>;

  before(async () => {
    const create = async (options: ApplianceOptions): Promise<Appliance> => {
      const appliance = await createAppliance(options);
      made.set(options.instanceId, { appliance, options });
      return appliance;
    };
    ({ clouds, stop } = await startClouds(dir, { create, knobs, bootsImages: false }, 10, false, 50, PORTS));
    for (const GroupName of ['core', 'nodes']) await call('CreateSecurityGroup', { GroupName, GroupDescription: 'x' });
    await authorize('core', { FromPort: String(PORTS.ssh), ToPort: String(PORTS.ssh), CidrIp: '0.0.0.0/0' });
    for (const [group, source] of [
      ['nodes', 'core'],
      ['core', 'nodes'],
      ['nodes', 'nodes'],
    ] as const)
      await authorize(group, { FromPort: '0', ToPort: '65535', SourceSecurityGroupName: source, ...owner });
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const owner = { SourceSecurityGroupOwnerId: OWNER };
  const call = async (Action: string, params: Readonly<Record<string, string>>): Promise<string[]> => {
    const reply = await callV2(clouds.access(KIND), { Action, ...params });
    assert.equal(reply.status, 200, reply.body);
    return [...texts(reply, 'instanceId'), ...texts(reply, 'publicIp')];
  };
  const authorize = (GroupName: string, rule: Readonly<Record<string, string>>): Promise<unknown> =>
    call('AuthorizeSecurityGroupIngress', { GroupName, IpProtocol: 'tcp', ...rule });
  const launch = async (group: string): Promise<{ id: string; appliance: Appliance; privateIp: string }> => {
    const [id = ''] = await call('RunInstances', {
      ImageId: clouds.access(KIND).imageId,
      MinCount: '1',
      MaxCount: '1',
      InstanceType: 'm1.large',
      'SecurityGroup.1': group,
    });
    await eventually('it is up', () => made.get(id)?.appliance.boots() === 1);
    const { appliance, options } = made.get(id)!;
    return { id, appliance, privateIp: options.privateIp };
  };

  it('14: ssh -J reaches a node through the core, and the node attaches to the core', async () => {
    const [core, node] = await Promise.all([launch('core'), launch('nodes')]);
    const [ip = ''] = await call('AllocateAddress', {});
    await call('AssociateAddress', { PublicIp: ip, InstanceId: core.id });
    const kato = (line: string): string => `$HOME/bin/kato ${line}`;
    assert.equal((await client.run(node.privateIp, 'exit 7', ip)).code, 7);
    assert.match((await client.run(ip, kato('node setup core api.x.y'))).text, /core of a cluster/);
    const attached = await client.run(node.privateIp, kato(`node attach -e dea ${core.privateIp}`), ip);
    assert.match(attached.text, /starting dea/);
    assert.match((await client.run(ip, kato('node list'))).text, new RegExp(`^${node.privateIp} +base, dea$`, 'm'));
    assert.deepEqual(
      node.appliance.invocations().map(({ args }) => args.join(' ')),
      [`node attach -e dea ${core.privateIp}`],
    );

    core.appliance.setKnobs({ forwardsPorts: false });
    const forbidden = await client.run(node.privateIp, 'true', ip);
    assert.deepEqual([forbidden.code, /forwarding failed/.test(forbidden.text)], [255, true], forbidden.text);
    core.appliance.setKnobs({ forwardsPorts: true });

    // The rule goes: no answer, rather than a refusal, so sshd tries for a while.
    const rule = { IpProtocol: 'tcp', FromPort: '0', ToPort: '65535', SourceSecurityGroupName: 'core', ...owner };
    await call('RevokeSecurityGroupIngress', { GroupName: 'nodes', ...rule });
    core.appliance.setKnobs({ connectTimeout: 700 });
    const asked = Date.now();
    assert.equal((await client.run(node.privateIp, 'true', ip)).code, 255);
    assert.ok(Date.now() - asked >= 700, 'it was not refused at once');
    await authorize('nodes', { FromPort: '0', ToPort: '65535', SourceSecurityGroupName: 'core', ...owner });
    assert.equal((await client.run(node.privateIp, 'true', ip)).code, 0);
  });

  it('14: twenty nodes attach to one core at once, in one process', async () => {
    const core = await launch('core');
    const [ip = ''] = await call('AllocateAddress', {});
    await call('AssociateAddress', { PublicIp: ip, InstanceId: core.id });
    const kato = (line: string): string => `$HOME/bin/kato ${line}`;
    await client.run(ip, kato('node setup core api.x.y'));
    const nodes = await Promise.all(Array.from({ length: 20 }, () => launch('nodes')));
    const attach = kato(`node attach -e dea ${core.privateIp}`);
    // From the core, as somebody logged in there would.
    for (let from = 0; from < nodes.length; from += 5)
      await Promise.all(nodes.slice(from, from + 5).map(({ privateIp }) => client.run(privateIp, attach, ip)));
    const listed = (await client.run(ip, kato('node list'))).text.trim().split('\n');
    assert.equal(listed.length, 21);
    await eventually('all run', async () => {
      const rows = (await client.run(ip, kato('status --all'))).text.trim().split('\n');
      return rows.length >= 21 && rows.every((row) => row.endsWith('RUNNING'));
    });
    for (const { appliance } of nodes) assert.equal(appliance.invocations().length, 1);
  });
});
