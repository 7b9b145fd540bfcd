/** Whether nodes are reached through their core or at public addresses of their own. */

import assert from 'node:assert/strict';
import { Cli } from '../cli/cli';
import type { Deployment } from '../support/deployment';
import { CLI, Site } from '../support/site';
import type { SpecChange } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'reach';
const LIMIT_MS = 240_000;
const NO_FORWARDING = { release: '2.10.6', forwardsPorts: false } as const;

describe('the way to the nodes of a cluster', function () {
  this.timeout(300_000);
  let site: Site;
  let open: Deployment;
  let closed: Deployment;

  before(async () => {
    site = await Site.open();
    site.lab.configure(KIND, { publicAddresses: true });
    await site.worker(KIND, QUEUE);
    const { ports } = site.lab.state;
    open = await start('public', {
      ssh: { port: ports.ssh, password: { env: 'SITE_SSH_PASSWORD' }, reach: 'public' },
      access: { ssh: ['127.0.0.0/8'], console: ['0.0.0.0/0'] },
    });
    closed = await start('closed', {});
  });
  after(() => site.close());

  /** The administrator is created through a forwarded port, too, so there is none. */
  const start = (name: string, change: SpecChange): Promise<Deployment> => {
    const cluster = {
      release: '2.10.6',
      network: 'dhcp',
      admin: undefined,
      nodes: { dea: { roles: ['dea'], count: 2 } },
      ...change,
    };
    return site.start(site.spec(name, KIND, cluster, NO_FORWARDING), QUEUE);
  };

  it('14: `reach: public` needs nothing of the core: nodes are reached at the addresses that the cloud gave them, by ssh only', async () => {
    const { stage, steps, nodes, facts } = await open.readyOrParked(LIMIT_MS, 500);
    assert.equal(stage, 'ready', JSON.stringify({ steps, nodes }));
    const { instances, addresses, groups } = await site.lab.inventory(KIND);
    const ofNodes = instances.filter((instance) => instance.groups.includes('stackato-public-nodes'));
    assert.deepEqual(
      ofNodes.map(({ publicIp }) => publicIp).sort(),
      ['dea-1', 'dea-2'].map((node) => facts.nodes[node]?.instance?.publicIp).sort(),
    );
    assert.equal(new Set(ofNodes.map(({ publicIp }) => publicIp)).size, 2);
    assert.deepEqual(
      addresses.filter(({ instanceId }) => ofNodes.some(({ id }) => id === instanceId)),
      [],
      'none of them is an elastic IP',
    );
    const rules = groups.find(({ name }) => name === 'stackato-public-nodes')?.rules ?? [];
    assert.deepEqual(
      rules.filter((rule) => 'cidr' in rule),
      [{ port: site.lab.state.ports.ssh, cidr: '127.0.0.0/8' }],
    );
  });

  it('14: a core with AllowTcpForwarding off parks its nodes with SSH_FORWARDING and both ways out; turned on, `resume` goes on', async () => {
    const parked = await closed.until(
      'dea-1 needs attention',
      ({ nodes }) => nodes['dea-1']?.stage === 'needs-attention',
      LIMIT_MS,
      500,
    );
    const { error } = parked.nodes['dea-1']!;
    assert.deepEqual([error?.step, error?.code], ['connect', 'SSH_FORWARDING']);
    const core = parked.facts.site.address?.publicIp ?? '';
    assert.match(
      error?.message ?? '',
      new RegExp(`sshd of the core, ${core}, forwards no ports \\(AllowTcpForwarding\\)`),
    );

    const env = site.env(KIND, { STACKATO_DEPLOY_TASK_QUEUE: QUEUE });
    const run = (...words: string[]) => new Cli(words, env, [process.execPath, CLI]).ended;
    const page = await run('status', 'closed', '--node', 'dea-1');
    assert.equal(page.code, 3, page.stderr);
    const text = page.stdout.replace(/\s+/g, ' ');
    assert.match(text, /SSH_FORWARDING/);
    assert.match(text, /Set `AllowTcpForwarding yes` in its sshd_config and reload it/);
    assert.match(text, /set `ssh\.reach: public` in the spec/);

    site.appliance('closed').setKnobs({ forwardsPorts: true });
    assert.equal((await run('resume', 'closed', '--node', 'dea-1')).code, 0);
    const { stage, steps, nodes } = await closed.until('ready', (view) => view.stage === 'ready', LIMIT_MS, 500);
    assert.equal(stage, 'ready', JSON.stringify({ steps, nodes }));
    // The nodes got public addresses, too, which are no way in.
    const { groups } = await site.lab.inventory(KIND);
    const rules = groups.find(({ name }) => name === 'stackato-closed-nodes')?.rules ?? [];
    assert.deepEqual(rules.map((rule) => ('group' in rule ? rule.group : rule.cidr)).sort(), [
      'stackato-closed',
      'stackato-closed-nodes',
    ]);
  });
});
