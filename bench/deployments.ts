/**
 * Measures overhead per step, recovery, and many deployments at once, in the lab: `npm run bench:deployments [--
 * --count 200 --reboot 60 --json]`. The results depend on the machine and its load, so no test asserts them.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CORE } from '../src/deployment/facts';
import { stepsOn } from '../src/deployment/steps';
import type { DeploymentView } from '../src/deployment/messages';
import { Bench } from '../test/support/deployment';
import { FakeActivities } from '../test/support/fake-activities';
import { Site } from '../test/support/site';
import type { WorkerProcess } from '../test/support/site';
import { specNamed } from '../test/support/specs';
import { localServer } from '../test/support/temporal';
import { eventually } from '../test/support/wait';

const KIND = 'eucalyptus-3.2';
const SECOND = 1_000;

/** Milliseconds per step with activities that return at once, on the dev server. Median of `runs`. */
async function overheadPerStep(runs: number): Promise<number> {
  const env = await localServer();
  const bench = new Bench(env, 'overhead');
  await bench.startWorker(new FakeActivities());
  try {
    const samples: number[] = [];
    for (let i = 0; i < runs; i++) {
      const spec = specNamed(`overhead-${i}`);
      const started = Date.now();
      await (await bench.deploy(spec)).result();
      samples.push((Date.now() - started - spec.timing.rebootWait) / stepsOn({}, CORE).length);
    }
    return median(samples);
  } finally {
    await bench.stopWorker();
    await env.teardown();
  }
}

/** Seconds from SIGKILL of a worker to the next attempt on another running worker. Maximum of `runs`. */
async function recovery(site: Site, runs: number): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < runs; i++) {
    const name = `recover-${i}`;
    const first = await site.worker(KIND, 'recovery');
    const deployment = await site.start(site.spec(name, KIND, {}, { katoTakes: 30 * SECOND }), 'recovery');
    await deployment.until('rename runs', ({ steps }) => steps.rename?.state === 'running', 90 * SECOND);
    const second = await site.worker(KIND, 'recovery');
    await first.kill();
    const killed = Date.now();
    await eventually(
      'the next attempt',
      async () => {
        const { raw } = await deployment.handle.describe();
        return (raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 1) > 1);
      },
      60 * SECOND,
    );
    samples.push((Date.now() - killed) / SECOND);
    await deployment.say('abort');
    await deployment.result();
    await second.stop();
  }
  return Math.max(...samples);
}

/** Many deployments at once with one worker. */
async function concurrentDeployments(
  site: Site,
  count: number,
  reboot: number,
): Promise<{ seconds: number; ready: number; workerMiB: number }> {
  const worker = await site.worker(KIND, 'many');
  const started = Date.now();
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentMiB(worker));
  }, SECOND);
  const timing = {
    poll: '5s',
    rebootWait: `${reboot}s`,
    deadline: Object.fromEntries(
      ['cloud', 'dns', 'launch', 'ready', 'command', 'reboot', 'console'].map((key) => [key, '1h']),
    ),
  };
  const deployments = await Promise.all(
    Array.from({ length: count }, async (_, i) =>
      site.start(site.spec(`many-${i}`, KIND, { timing }, { downFor: reboot * SECOND }), 'many'),
    ),
  );
  const isOver = ({ stage }: DeploymentView): boolean => stage === 'ready' || stage === 'needs-attention';
  const views = await Promise.all(
    deployments.map((deployment) => deployment.until('over', isOver, 3_600 * SECOND, 5 * SECOND)),
  );
  clearInterval(sampler);
  const seconds = (Date.now() - started) / SECOND;
  await worker.stop();
  const { instances: listed, addresses } = await site.lab.inventory(KIND);
  const instances = listed.filter(({ state }) => state !== 'terminated');
  if (instances.length !== count || addresses.length !== count)
    throw new Error(`${instances.length} instances and ${addresses.length} addresses for ${count} deployments`);
  return { seconds, ready: views.filter(({ stage }) => stage === 'ready').length, workerMiB: peak };
}

function residentMiB({ pid }: WorkerProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200' },
      reboot: { type: 'string', default: '60' },
      runs: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  const overheadMsPerStep = await overheadPerStep(Number(values.runs));
  const site = await Site.open();
  try {
    const recoverySeconds = await recovery(site, Number(values.runs));
    const { seconds, ready, workerMiB } = await concurrentDeployments(
      site,
      Number(values.count),
      Number(values.reboot),
    );
    const figures = { overheadMsPerStep, recoverySeconds, count: Number(values.count), ready, seconds, workerMiB };
    if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else
      for (const [name, figure] of Object.entries(figures))
        process.stdout.write(`${name.padEnd(20)} ${Math.round(figure * 10) / 10}\n`);
  } finally {
    await site.close();
  }
}

main().then(
  // The SDK's native part would keep the process alive.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
