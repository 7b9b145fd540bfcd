/**
 * Every release, with and without cloud-init, on every kind of network, from nothing to ready: by the appliance's own record, `kato` was called with
 * the words of that release, once each. The words stand here as a person would type them, not as the product's table
 * has them.
 */

import assert from 'node:assert/strict';
import pLimit from 'p-limit';
import type { Knobs } from '../../lab/knobs';
import type { Appliance } from '../../lab/types';
import type { DeploymentView } from '../../src/deployment/messages';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'matrix';
/** Number of deployments at the same time. They mostly wait, but two cores can take no more. */
const LANES = 6;

interface Words {
  /** What changes the machine, in order; the first one only on a static network. */
  readonly changing: readonly string[];
  /** Whether cloud-init, where the image has it, has renamed the machine before. */
  readonly cloudInitRenames?: true;
  /** What only looks. */
  readonly looking: readonly string[];
  /** `organization` and `space` of the first administrator. */
  readonly place?: string;
}

const LOOKING_2_6 = ['version', 'status', 'info', 'ready'];
const LOOKING = ['version', 'status', 'info', 'process ready --block 5 all'];
const FLAGS =
  "op static_ip --interface=eth0 --ip=IP --netmask=255.255.255.0 --gateway=GATEWAY '--dns-nameservers=172.16.0.23 172.16.0.24' --dns-search-domains=cloud.internal --no-restart";

const TO_2_6 = ['op static_ip', 'rename HOST', 'disable mdns', 'setup core api.HOST', 'enable --all-but mdns'];
const FROM_2_8 = [
  'op static_ip',
  'node rename HOST',
  'role remove mdns',
  'node setup core api.HOST',
  'role add --all-but mdns',
];
const FROM_3_2 = [
  FLAGS,
  'node rename --no-restart HOST',
  'role remove mdns',
  'node setup core api.HOST',
  'role add --all-but mdns',
];

/** HOST, IP and GATEWAY stand for those of the machine. */
const RELEASES: Readonly<Record<string, Words>> = {
  '2.6.6': {
    changing: TO_2_6,
    looking: LOOKING_2_6,
  },
  '2.6.7': {
    changing: TO_2_6,
    looking: LOOKING_2_6,
  },
  '2.8.2': {
    changing: FROM_2_8,
    looking: LOOKING,
  },
  '2.10.4': {
    changing: FROM_2_8,
    looking: LOOKING,
  },
  '2.10.6': {
    changing: FROM_2_8,
    cloudInitRenames: true,
    looking: LOOKING,
  },
  '3.0.1': {
    changing: [
      'op static_ip --no-restart',
      'node rename --no-restart HOST',
      'role remove mdns',
      'node setup core api.HOST',
      'role add --all-but mdns',
    ],
    cloudInitRenames: true,
    looking: LOOKING,
    place: 'default',
  },
  '3.2.1': {
    changing: FROM_3_2,
    cloudInitRenames: true,
    looking: LOOKING,
    place: 'default',
  },
  '3.4.2': {
    changing: FROM_3_2,
    cloudInitRenames: true,
    looking: LOOKING,
    place: 'default',
  },
  '3.6.2': {
    changing: FROM_3_2,
    looking: LOOKING,
    place: 'default',
  },
};

/** Kinds of image: what the spec says for it, and the machine is. */
const IMAGES = [
  { title: 'no cloud-init', kind: 'plain', change: (): SpecChange => ({}), knobs: {} },
  {
    title: 'cloud-init',
    kind: 'ci',
    change: (site: Site): SpecChange => ({
      image: { id: site.lab.cloud(KIND).imageId, cloudInit: true },
      instance: { type: 'm1.large' },
    }),
    knobs: { cloudInit: true },
  },
] as const;

function wordsOn(network: string, image: string, { changing, cloudInitRenames }: Words): readonly string[] {
  const [staticIp = '', rename = '', ...others] = changing;
  const renamed = image === 'ci' && cloudInitRenames === true;
  return [...(network === 'static' ? [staticIp] : []), ...(renamed ? [] : [rename]), ...others];
}

const TRIALS = Object.entries(RELEASES).flatMap(([release, words]) =>
  IMAGES.flatMap(({ title, kind, change, knobs }) =>
    (['static', 'dhcp'] as const).map((network) => ({
      title: `13: ${release}, ${title}, ${network}: ready, by the words of that release, once each`,
      name: `m${release.replaceAll('.', '-')}-${network}-${kind}`,
      release,
      network,
      changing: wordsOn(network, kind, words),
      words,
      change,
      knobs,
    })),
  ),
);

describe('the matrix of releases', function () {
  this.timeout(600_000);
  let site: Site;
  const results = new Map<string, Promise<DeploymentView>>();

  before(async () => {
    site = await Site.open();
    await site.worker(KIND, QUEUE);
    const lane = pLimit(LANES);
    for (const { name, release, network, change, knobs } of TRIALS) {
      const result = lane(() => deployed(name, { release, network, ...change(site) }, { release, ...knobs }));
      // The test that awaits it reports its failure.
      result.catch(() => undefined);
      results.set(name, result);
    }
  });
  after(() => site.close());

  const deployed = async (name: string, change: SpecChange, knobs: Partial<Knobs>): Promise<DeploymentView> => {
    const deployment = await site.start(site.spec(name, KIND, change, knobs), QUEUE);
    return deployment.readyOrParked(240_000, 500);
  };

  for (const { title, name, network, knobs, changing, words } of TRIALS) {
    it(title, async () => {
      const view = await results.get(name);
      assert.equal(view?.stage, 'ready', JSON.stringify(view?.steps));
      const appliance = site.appliance(name);
      const ip = view.facts.nodes.core.instance?.privateIp ?? '';
      const own = {
        HOST: `${name}.${site.lab.state.dns.zone}`,
        IP: ip,
        GATEWAY: ip.replace(/\d+$/, ip.endsWith('.1') ? '254' : '1'),
      };
      const typed = typedAt(appliance);
      assert.deepEqual(
        typed.filter((line) => !words.looking.includes(line)),
        changing.map((line) => line.replace(/HOST|IP|GATEWAY/g, (key) => own[key as keyof typeof own])),
      );
      assert.deepEqual(
        words.looking.filter((line) => !typed.includes(line) && !line.includes('ready')),
        [],
        'version, status and info were asked for',
      );
      assert.equal(appliance.invocations().filter(({ program }) => program === 'reboot').length, 1);
      assert.equal(appliance.boots(), 2);
      assert.equal(appliance.file('/etc/hostname')?.trim(), own.HOST);
      assert.equal(appliance.file('/var/lib/cloud/instance/boot-finished') !== undefined, 'cloudInit' in knobs);
      assert.match(appliance.file('/etc/network/interfaces') ?? '', new RegExp(`iface eth0 inet ${network}`));
      const admin = appliance.file('/var/lib/first-user.json');
      assert.deepEqual(
        admin === undefined ? undefined : JSON.parse(admin),
        words.place === undefined
          ? undefined
          : {
              username: 'admin@example.com',
              email: 'admin@example.com',
              organization: words.place,
              space: words.place,
            },
      );
    });
  }
});

/** As a person would type it, without `kato`. */
function typedAt(appliance: Appliance): string[] {
  return appliance
    .invocations()
    .filter(({ program }) => program === 'kato')
    .map(({ args }) => args.map((word) => (/ /.test(word) ? `'${word}'` : word)).join(' '));
}
