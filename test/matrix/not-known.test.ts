/**
 * What is not known of a release is a knob of the lab's machines. Elsewhere the knobs stand as the product assumes; here
 * each stands the other way, and the deployment ends as its cell in src/deployment/releases.ts says.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knobs } from '../../lab/knobs';
import type { ErrorCode } from '../../src/deployment/errors';
import type { DeploymentView } from '../../src/deployment/messages';
import { RELEASE_NAMES, RELEASES } from '../../src/deployment/releases';
import type { StepId } from '../../src/deployment/steps';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'not-known';
const SHORT: SpecChange = { timing: { poll: '500ms', rebootWait: '1s', deadline: { ready: '6s', console: '6s' } } };

interface Case {
  readonly name: string;
  readonly release: string;
  readonly knobs: Partial<Knobs>;
  readonly change?: (site: Site) => SpecChange;
  /** Where it parks; absent: it ends ready. */
  readonly parks?: readonly [step: StepId, code: ErrorCode, message: RegExp];
  /** Words that kato must not get. */
  readonly never?: RegExp;
  /** Words that kato must get, once. */
  readonly once?: RegExp;
  /** No disk is formatted or mounted. */
  readonly formats?: 'nothing';
}

const cloudInit = (site: Site): SpecChange => ({
  image: { id: site.lab.cloud(KIND).imageId, cloudInit: true },
  instance: { type: 'm1.large' },
});
/** The cloud-config of the spec does not ask for the name before 2.10.6. */
const askForName = (site: Site): string =>
  `#cloud-config\nstackato:\n  extname: module-works.${site.lab.state.dns.zone}\n`;

const CASES: readonly Case[] = [
  { name: 'silent-version', release: '2.6.6', knobs: { versionText: 'kato is ready when you are' } },
  { name: 'long-version', release: '3.2.1', knobs: { versionText: 'kato 3.1 (2013.02.1)\nv{release}-21-gccecf32' } },
  {
    name: 'other-release',
    release: '2.6.6',
    knobs: { versionText: 'v3.2.1-21-gccecf32' },
    parks: ['connect', 'RELEASE_DIFFERS', /Stackato 3\.2\.1, and the spec says 2\.6\.6/],
    never: /^(?!version$)/,
  },
  { name: 'prose-status', release: '2.10.6', knobs: { statusText: 'prose' } },
  { name: 'other-ready', release: '2.6.7', knobs: { readyText: 'All systems go' } },
  {
    name: 'prose-and-other',
    release: '2.6.6',
    knobs: { statusText: 'prose', readyText: 'All systems go' },
    change: () => SHORT,
    parks: ['connect', 'KATO_NOT_READY', /does not list its processes yet.*: (up|coming up)/s],
  },
  { name: 'short-info', release: '2.6.6', knobs: { infoListsAvailable: false } },
  {
    name: 'other-core',
    release: '2.6.6',
    knobs: { infoListsAvailable: false, coreRoles: 'router cloud_controller health_manager' },
  },
  {
    name: 'no-mdns',
    release: '2.6.6',
    knobs: { freshRoles: 'router cloud_controller health_manager dea' },
    never: /^disable/,
  },
  {
    name: 'no-api',
    release: '2.6.6',
    knobs: { consoleApi: 'missing' },
    change: () => SHORT,
    parks: ['claim-admin', 'CONSOLE_NOT_UP', /\/stackato\/license answers 404/],
  },
  {
    name: 'no-api-no-admin',
    release: '2.6.6',
    knobs: { consoleApi: 'missing' },
    change: () => ({ ...SHORT, admin: undefined }),
    parks: ['verify', 'CONSOLE_NOT_UP', /\/info answers 404/],
  },
  {
    name: 'commas',
    release: '3.4.2',
    knobs: { staticIpLists: 'commas' },
    parks: ['static-ip', 'COMMAND_NO_EFFECT', /--dns-nameservers: .* is not valid/],
    never: /^node rename/,
  },
  {
    name: 'commas-one-server',
    release: '3.6.2',
    knobs: { staticIpLists: 'commas' },
    change: () => ({ network: { mode: 'static', nameservers: ['172.16.0.23'], search: ['cloud.internal'] } }),
  },
  {
    name: 'hungry',
    release: '3.2.1',
    knobs: { leastMiB: 8192 },
    change: () => SHORT,
    parks: ['connect', 'KATO_NOT_READY', /FATAL/],
  },
  {
    name: 'module-works',
    release: '2.6.6',
    knobs: { cloudInit: true, cloudInitFails: 'nothing' },
    change: (site) => ({ ...cloudInit(site), instance: { type: 'm1.large', userData: { env: 'ASKS_FOR_NAME' } } }),
    never: /^rename/,
  },
  {
    name: 'module-broken',
    release: '2.10.6',
    knobs: { cloudInit: true, cloudInitFails: 'unnoticed' },
    change: cloudInit,
    once: /^node rename/,
  },
  {
    name: 'store-elsewhere',
    release: '3.4.2',
    knobs: { containerStore: '/var/stackato/containers' },
    change: () => ({ storage: { containers: 'ephemeral' } }),
    parks: ['container-store', 'STORE_NOT_MOVED', /its containers in .*\/lxc\/containers, and there is no such folder/],
    never: /^(stop|start)/,
    formats: 'nothing',
  },
];

describe('what is not known of a release', function () {
  this.timeout(300_000);
  let site: Site;
  const results = new Map<string, Promise<DeploymentView>>();

  before(async () => {
    site = await Site.open();
    await site.worker(KIND, QUEUE, { ASKS_FOR_NAME: askForName(site) });
    for (const { name, release, knobs, change } of CASES) {
      const result = deployed(name, { release, ...change?.(site) }, { release, ...knobs });
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

  for (const { name, release, parks, never, once, formats } of CASES) {
    it(`13: ${name}: ${release} ${parks === undefined ? 'is ready' : `parks at ${parks[0]} with ${parks[1]}`}`, async () => {
      const view = await results.get(name);
      if (parks === undefined) assert.equal(view?.stage, 'ready', JSON.stringify(view?.steps));
      else {
        const error = view?.steps[parks[0]]?.error;
        assert.equal(error?.code, parks[1], JSON.stringify(view?.steps));
        assert.match(error.message, parks[2]);
      }
      const typed = site
        .appliance(name)
        .invocations()
        .filter(({ program }) => program === 'kato')
        .map(({ args }) => args.join(' '));
      assert.deepEqual(
        typed.filter((line) => never?.test(line)),
        [],
      );
      if (once !== undefined) assert.equal(typed.filter((line) => once.test(line)).length, 1, typed.join('\n'));
      if (formats === 'nothing') {
        const { dir } = site.appliance(name);
        assert.match(readFileSync(join(dir, 'ephemeral/signature'), 'utf8'), /^LABEL=ephemeral0$/m);
        for (const each of ['formatted.log', 'root/lxc', 'root/mnt/lxc'])
          assert.equal(existsSync(join(dir, each)), false, each);
      }
    });
  }

  it('13: is tried both ways, every knob of it', () => {
    const named = RELEASE_NAMES.flatMap((release) =>
      Object.values(RELEASES[release]).flatMap((cell) => ('knob' in cell ? [cell.knob] : [])),
    );
    const tried = new Set(CASES.flatMap(({ knobs }) => Object.keys(knobs)));
    assert.deepEqual(
      named.filter((knob) => !tried.has(knob)),
      [],
    );
  });
});
