/** What Temporal's Web UI shows of a deployment, in a real browser. SCREENSHOTS=<folder> saves screenshots there. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Page } from 'playwright-core';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import { lookUp } from '../../lab/programs';
import type { Deployment } from '../support/deployment';
import { Site } from '../support/site';
import { eventually } from '../support/wait';

const KIND = 'eucalyptus-3.2';
const CLUSTER = {
  release: '2.10.6',
  nodes: { dea: { roles: ['dea'], count: 2 }, data: { roles: ['data-services'] } },
};
/** Steps that the spec does not ask for. */
const NOT_NEEDED = /^(publish-.*|cloud-init|container-store)$/;
/** Chromium would call home at every start. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe('the Web UI of a deployment', function () {
  this.timeout(240_000);
  let site: Site;
  let browser: BrowserContext;
  let deployment: Deployment;
  let cluster: Deployment;
  let profile: string;

  before(async () => {
    site = await Site.open();
    profile = mkdtempSync(join(tmpdir(), 'stackato-chromium-'));
    const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
      .map(lookUp)
      .find((path) => path !== undefined);
    assert.ok(executablePath, 'no browser: run `npm run setup -- --chromium`');
    browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: FLAGS,
      viewport: { width: 1500, height: 1300 },
    });
    await site.worker(KIND, 'ui');
    deployment = await site.start(site.spec('dev', KIND), 'ui');
    cluster = await site.start(site.spec('paas', KIND, CLUSTER, { release: CLUSTER.release }), 'ui');
    for (const each of [deployment, cluster]) {
      await each.readyOrParked(180_000);
      await each.result();
    }
  });
  after(async () => {
    await browser?.close();
    await site.close();
    rmSync(profile, { recursive: true, force: true });
  });

  const textOnceShown = (page: Page, until: RegExp): Promise<string> =>
    eventually(`the page shows ${String(until)}`, async () => {
      // Markdown is rendered in separate frames, which come and go.
      const texts = await Promise.all(
        page.frames().map((frame) =>
          frame
            .locator('body')
            .innerText()
            .catch(() => ''),
        ),
      );
      const text = texts.join('\n');
      return until.test(text) ? text : undefined;
    });
  const openPage = async ({ handle }: Deployment, tab: string): Promise<Page> => {
    const { runId } = await handle.describe();
    const page = await browser.newPage();
    const id = encodeURIComponent(handle.workflowId);
    await page.goto(`${site.lab.state.temporal.ui}/namespaces/default/workflows/${id}/${runId}/${tab}`);
    return page;
  };
  const screenshot = async (page: Page, name: string): Promise<void> => {
    const folder = process.env['SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
  };
  const assertNoSecrets = (text: string): void => {
    for (const [what, word] of Object.entries(site.secretsOf(KIND))) assert.ok(!text.includes(word), `${what} shows`);
  };

  it('shows the step summaries on the timeline', async () => {
    const page = await openPage(deployment, 'timeline');
    const text = await textOnceShown(page, /kato rename/);
    for (const summary of ['Check every precondition', 'Launch the instance', 'kato setup core', 'The machine reboots'])
      assert.ok(text.includes(summary), `${summary} is missing in:\n${text}`);
    assertNoSecrets(text);
    await screenshot(page, 'web-ui-timeline');
  });

  it('shows the table of steps in the current details', async () => {
    const page = await openPage(deployment, 'timeline');
    await page.getByText('User Metadata', { exact: true }).click();
    const text = await textOnceShown(page, /enable-roles/);
    for (const { id } of stepsOn({}, CORE))
      assert.match(
        text,
        new RegExp(`^${id}\\s.*${NOT_NEEDED.test(id) ? '– not-needed' : '✓ done'}`, 'm'),
        `${id} is missing in:\n${text}`,
      );
    assert.match(text, /dev is ready/);
    assertNoSecrets(text);
    await screenshot(page, 'web-ui-details');
  });

  it('14: shows the nodes of a cluster in the current details, and their workflows by name', async () => {
    const page = await openPage(cluster, 'timeline');
    await page.setViewportSize({ width: 1500, height: 1800 });
    await page.getByText('User Metadata', { exact: true }).click();
    const details = await textOnceShown(page, /paas is ready[^]*data-1/);
    for (const node of ['dea-1', 'dea-2', 'data-1'])
      assert.match(
        details,
        new RegExp(`^${node}\\s+ready\\s+i-\\w+\\s+10\\.`, 'm'),
        `${node} is missing in:\n${details}`,
      );
    assert.match(details, /core, 2 dea, 1 data/);
    assert.match(details, /kato enable, with the roles of the core/);
    assertNoSecrets(details);
    await screenshot(page, 'web-ui-cluster');
    const relations = await textOnceShown(await openPage(cluster, 'relationships'), /stackato\/paas\/data-1/);
    for (const node of ['dea-1', 'dea-2']) assert.ok(relations.includes(`stackato/paas/${node}`), relations);
  });
});
