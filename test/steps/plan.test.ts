import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { groupPlansOf, planOf } from '../../src/steps/plan';
import { paintIf } from '../../src/cli/render/text';
import { planText } from '../../src/cli/render/plan';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import { loadSpec } from '../../src/specfile/loader';
import { stepsOn } from '../../src/deployment/steps';
import type { StepId } from '../../src/deployment/steps';
import type { CloudKindName, DeploymentSpec } from '../../src/deployment/spec';
import { noFacts } from '../../src/deployment/facts';
import { freshView } from '../../src/deployment/view';
import { imageIn, specNamed } from '../support/specs';

async function example(name: string): Promise<DeploymentSpec> {
  const loaded = await loadSpec(`examples/${name}`);
  assert.ok(loaded.ok);
  return loaded.spec;
}

function whats(spec: DeploymentSpec, id: StepId): readonly string[] {
  return planOf(spec)
    .find((step) => step.id === id)!
    .actions.map(({ what }) => what);
}

/** The steps of a deployment without nodes. */
const STEPS_ALONE = stepsOn({}, 'core').map(({ id }) => id);

describe('plan', () => {
  it('of the lab example: the exact commands, in order', async () => {
    const spec = await example('stackato-2.6.6.yaml');
    const machine = planOf(spec)
      .flatMap(({ actions }) => actions)
      .filter(({ where }) => where === 'machine')
      .map(({ what }) => what.split('\n')[0]);
    assert.deepEqual(machine, [
      'timeout -k 2 10 kato status',
      'kato op static_ip',
      'kato rename dev.stackato.test',
      'kato disable mdns',
      'sudo reboot',
      'kato setup core api.dev.stackato.test',
      'kato enable --all-but mdns',
      "sudo sh -c 'put() {",
      'POST https://127.0.0.1/stackato/license email=admin@stackato.test&password=<env LAB_ADMIN_PASSWORD>&unix_password=<env LAB_ADMIN_PASSWORD>',
    ]);
    assert.deepEqual(whats(spec, 'launch'), [
      'RunInstances ImageId=<image> InstanceType=m1.large MinCount=1 MaxCount=1 SecurityGroup.1=stackato-dev KeyName=lab',
    ]);
    assert.deepEqual(whats(spec, 'dns'), [
      [
        'server 127.0.0.1 17053',
        'zone stackato.test.',
        'prereq nxrrset _stackato-deploy.dev.stackato.test. CNAME',
        'prereq nxrrset _stackato-deploy.dev.stackato.test. TXT',
        'prereq nxdomain dev.stackato.test.',
        'prereq nxdomain *.dev.stackato.test.',
        'update add dev.stackato.test. 600 CNAME euca-<address-with-hyphens>.eucalyptus.cloud.test.',
        'update add *.dev.stackato.test. 600 CNAME dev.stackato.test.',
        'update add _stackato-deploy.dev.stackato.test. 600 TXT "stackato-deploy/default/dev"',
        'send',
      ].join('\n'),
    ]);
  });

  it('of the other examples: their own dialect, address and network', async () => {
    const aws = await example('aws.yaml');
    assert.deepEqual(whats(aws, 'address'), [
      'AllocateAddress Domain=vpc TagSpecification.1.ResourceType=elastic-ip TagSpecification.1.Tag.1.Key=stackato-deploy TagSpecification.1.Tag.1.Value=stackato-deploy/default/demo',
    ]);
    assert.match(whats(aws, 'dns')[0]!, /^update add stackato\.example\.com\. 600 A <address>$/m);
    assert.deepEqual(
      whats(aws, 'open-console'),
      [80, 443].map(
        (port) =>
          `AuthorizeSecurityGroupIngress GroupId=<group id> IpProtocol=tcp FromPort=${port} ToPort=${port} CidrIp=198.51.100.0/24`,
      ),
    );
    const euca = await example('eucalyptus-4.4-dhcp.yaml');
    assert.deepEqual(whats(euca, 'associate'), [
      'AssociateAddress PublicIp=203.0.113.40 InstanceId=<instance> AllowReassociation=false',
    ]);
    assert.match(
      whats(euca, 'dns')[0]!,
      /^update add staging\.paas\.example\.com\. 300 CNAME euca-203-0-113-40\.eucalyptus\.cloud\.example\.com\.$/m,
    );
    for (const spec of [aws, euca])
      assert.equal(planOf(spec).find(({ id }) => id === 'static-ip')?.notNeeded, 'network: dhcp');
  });

  it('goes over the table of steps, and leaves out what the workflow leaves out', () => {
    const { admin: _, ...lean } = specNamed('lean', { network: { mode: 'dhcp' } });
    for (const spec of [specNamed('full'), lean, specNamed('published', { image: imageIn('/images') })]) {
      const steps = planOf(spec);
      assert.deepEqual(
        steps.map(({ id }) => id),
        STEPS_ALONE,
      );
      for (const { id, notNeeded, actions } of steps) {
        const view = freshView(spec, noFacts()).steps[id];
        assert.equal(notNeeded, view?.state === 'not-needed' ? view.note : undefined, id);
        assert.equal(actions.length === 0, notNeeded !== undefined, id);
      }
    }
  });

  it('puts the parts of an image first, its manifest last, and binds it to kernel and ramdisk', () => {
    const spec = specNamed('dev', { image: imageIn('/images') });
    assert.deepEqual(whats(spec, 'publish-image'), [
      'PUT /stackato-images/stackato-v2.6.6.part.<n>',
      'PUT /stackato-images/stackato-v2.6.6.manifest.xml',
      'RegisterImage ImageLocation=stackato-images/stackato-v2.6.6.manifest.xml Name=stackato-v2.6.6 Architecture=x86_64 KernelId=<kernel> RamdiskId=<ramdisk>',
    ]);
    assert.equal(
      whats(spec, 'publish-kernel').at(-1),
      'RegisterImage ImageLocation=stackato-images/stackato-v2.6.6-kernel.manifest.xml Name=stackato-v2.6.6-kernel Architecture=x86_64',
    );
    assert.match(whats(spec, 'launch')[0]!, /ImageId=<image> /);
  });

  it('sends what the capabilities of the cloud kind allow, and nothing else', () => {
    for (const [kind, can] of Object.entries(CLOUD_KINDS) as [CloudKindName, (typeof CLOUD_KINDS)[CloudKindName]][]) {
      const spec = specNamed('dev', { cloud: { ...specNamed('dev').cloud, kind } });
      const has = (id: StepId, parameter: string): boolean => whats(spec, id).some((what) => what.includes(parameter));
      assert.equal(has('launch', 'SecurityGroupId.1='), can.groupIds, kind);
      assert.equal(has('security-group', 'GroupId='), can.groupIds, kind);
      assert.equal(has('launch', 'ClientToken='), can.clientToken, kind);
      assert.equal(has('launch', 'TagSpecification.1.'), can.instanceTags === 'at launch', kind);
      assert.equal(has('launch', 'CreateTags'), can.instanceTags === 'afterwards', kind);
      assert.equal(has('address', 'Domain=vpc'), can.addressDomain === 'vpc', kind);
      assert.equal(has('address', 'TagSpecification.1.'), can.addressTags === 'at once', kind);
      assert.equal(has('address', 'CreateTags'), can.addressTags === 'afterwards', kind);
      assert.equal(has('associate', 'AllowReassociation=false'), can.refusesStealing, kind);
    }
  });

  it('reads the console only where the host key is pinned by it', () => {
    const { ssh } = specNamed('dev');
    assert.deepEqual(whats(specNamed('dev', { ssh: { ...ssh, hostKey: 'console' } }), 'connect'), [
      'GetConsoleOutput InstanceId=<instance>',
      ...whats(specNamed('dev'), 'connect'),
    ]);
    assert.deepEqual(whats(specNamed('dev'), 'connect'), ['timeout -k 2 10 kato status']);
  });

  it('marks what is made with the namespace', () => {
    const dns = planOf(specNamed('dev'), 'production').find(({ id }) => id === 'dns')!;
    assert.match(dns.actions[0]!.what, /TXT "stackato-deploy\/production\/dev"/);
  });

  it('14: of a cluster: the core with its own roles, then each group with those of its nodes', async () => {
    const spec = await example('cluster.yaml');
    assert.deepEqual(whats(spec, 'enable-roles'), ['kato role add health_manager stager']);
    const groups = groupPlansOf(spec);
    assert.deepEqual(
      groups.map(({ nodes }) => nodes),
      [['dea-1', 'dea-2'], ['data-1']],
    );
    const machine = groups.map(({ steps }) =>
      steps
        .filter(({ id }) => id === 'rename' || id === 'attach')
        .flatMap(({ actions }) => actions.map(({ what }) => what)),
    );
    const looks = ['timeout -k 2 10 kato node list', 'timeout -k 2 10 kato process list'];
    assert.deepEqual(machine, [
      ['kato node rename dea-1.paas.example.com', "kato node attach -e dea '<private address of the core>'", ...looks],
      [
        'kato node rename data-1.paas.example.com',
        "kato node attach -e filesystem,mongodb,mysql,postgresql,rabbit,redis,memcached '<private address of the core>'",
        ...looks,
      ],
    ]);
    // What belongs to the site, or to the core only, is planned once.
    for (const { steps } of groups)
      assert.deepEqual(
        steps.map(({ id }) => id),
        stepsOn(spec, 'dea-1').map(({ id }) => id),
      );
    assert.deepEqual(groupPlansOf(await example('aws.yaml')), []);
  });

  it('14: of a cluster whose core has no more roles than a core needs: nothing is enabled', async () => {
    const spec = await example('cluster.yaml');
    const cluster = { ...spec.cluster!, coreRoles: ['primary', 'controller', 'router'] };
    assert.deepEqual(whats({ ...spec, cluster }, 'enable-roles'), []);
  });

  it('names the nodes of a large group by its first and its last', async () => {
    const spec = await example('cluster.yaml');
    const cluster = { ...spec.cluster!, groups: [{ ...spec.cluster!.groups[0]!, count: 20 }] };
    const page = planText({ ...spec, cluster }, [], groupPlansOf({ ...spec, cluster }), paintIf(false));
    assert.match(page, /^dea-1 … dea-20 {2}\(as dea-1: /m);
  });

  // Those of a single machine were written by 0.1.0, before plans came from the steps themselves.
  it('prints what it always printed, for every example', async () => {
    for (const file of readdirSync('examples').filter((each) => each.endsWith('.yaml'))) {
      const spec = await example(file);
      const page = await readFile(`test/fixtures/plan/${file.replace(/\.yaml$/, '.txt')}`, 'utf8');
      assert.equal(
        `${planText(spec, planOf(spec), groupPlansOf(spec), paintIf(false))}\n`,
        page.replaceAll('<repository>', process.cwd()),
        file,
      );
    }
  });

  it('reads as one page, for every example', async () => {
    for (const name of readdirSync('examples').filter((file) => file.endsWith('.yaml'))) {
      const spec = await example(name);
      const lines = planText(spec, planOf(spec), [], paintIf(false)).split('\n');
      assert.deepEqual(
        lines.flatMap((line) => /^ ?(\d+)\. (\S+) {2}/.exec(line)?.[2] ?? []),
        stepsOn(spec, 'core').map(({ id }) => id),
      );
    }
  });
});
