#!/usr/bin/env node
/**
 * `npm start`: starts the lab and a worker, and deploys the example with the product's own command line, as a user
 * would. `--release 3.4.2`: a copy of the example for that release. `--cloud-init`: to an image with cloud-init. `--cluster`: a
 * core, two DEAs and a node for the data services, of 2.10.6. `--vm` deploys to a real machine under QEMU, which boots the
 * published image (`--kvm`: not emulated). On a terminal everything stays up until Ctrl-C; with `--exit`, or without a
 * terminal, everything is taken down at the end.
 */

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ChildProcesses } from './child-processes';
import type { Child } from './child-processes';
import { changedExample, demoOptions } from './demo-options';
import type { DemoOptions } from './demo-options';
import { exampleImages } from './example-images';
import { startLab, startVmLab } from './lab';
import { findProgram } from './programs';
import { KINDS } from './types';
import type { Host, Lab, LabState } from './types';
import { builtImage } from './vm';
import { untilReady } from './wait';

const CLI = 'bin/stackato-deploy.cjs';
const WORKER = 'dist/src/worker/main.js';
const EXAMPLE = 'examples/stackato-2.6.6.yaml';
const DEPLOYMENT = 'dev';
const DIR = '.lab';
/** The ports and network in the example's spec. */
const EXAMPLE_NETWORK = { basePort: 17_000, net: 66 } as const;

/** A proxy set in the environment cannot reach this machine's loopback addresses. */
const NO_PROXY = { NO_PROXY: '*', no_proxy: '*' } as const;

/** A first boot that can be watched, and that makes a new host key. */
const CLOUD_INIT_KNOBS = { cloudInit: true, cloudInitTakes: 4_000, cloudInitHostKey: 'new' } as const;

const run = promisify(execFile);

async function main(): Promise<number> {
  const values = demoOptions(process.argv.slice(2));
  const stay = !values.exit && process.stdout.isTTY;
  const stopped = interrupted();
  say(
    `Starting the lab: Temporal, ${KINDS.length} clouds and a DNS server. Temporal, BIND${values.vm ? ', nsupdate and the machine' : ' and nsupdate'} are real, everything else is simulated; see docs/lab.md.`,
  );
  const knobs = { release: values.release, ...(values.cloudInit ? CLOUD_INIT_KNOBS : {}) };
  const options = { dir: DIR, ...EXAMPLE_NETWORK, kernelRights: true, knobs };
  const lab = values.vm ? await startVmLab({ ...options, kvm: values.kvm }) : await startLab(options);
  const env = {
    ...process.env,
    ...secretsOf(lab.state),
    TEMPORAL_ADDRESS: lab.state.temporal.address,
    STACKATO_DEPLOY_UI: lab.state.temporal.ui,
    ...NO_PROXY,
  };
  const spec = exampleFor(values);
  exampleImages(DIR, values.vm ? builtImage() : undefined);
  const worker = startWorker(env);
  try {
    await untilReady(worker, () => Promise.resolve(readFileSync(worker.log, 'utf8').includes('worker is ready')));
    say(`Web UI ${lab.state.temporal.ui}\n\n$ stackato-deploy up ${spec}`);
    const code = await Promise.race([
      ended(spawn(process.execPath, [CLI, 'up', spec], { env, stdio: 'inherit' })),
      stopped,
    ]);
    if (code !== 0) return code;
    const ready = await summary(lab, env);
    if (stay) {
      say(`\nThe lab stays up until you press Ctrl-C. In another terminal:\n${hints(lab, values.vm)}\n${ready}`);
      await stopped;
      return 0;
    }
    await takeDown(lab, worker);
    say(ready);
    return 0;
  } finally {
    await takeDown(lab, worker);
  }
}

/** The example itself, or a changed copy beside the lab's own files. Its relative paths lead to the same places from there. */
function exampleFor(options: DemoOptions): string {
  const changed = changedExample(readFileSync(EXAMPLE, 'utf8'), options);
  if (changed === undefined) return EXAMPLE;
  const path = join(DIR, changed.name);
  writeFileSync(path, changed.text);
  return path;
}

/** Shows the result as seen from the cloud, the DNS server and the console. Returns the line to print last. */
async function summary(lab: Lab<Host>, env: NodeJS.ProcessEnv): Promise<string> {
  const { dns, ports, temporal } = lab.state;
  const { stdout } = await run(process.execPath, [CLI, 'status', DEPLOYMENT, '--json'], { env });
  const { host, workflowUrl, resources, nodes } = JSON.parse(stdout) as {
    host: string;
    workflowUrl: string;
    resources: { address: { publicIp: string }; instance: { id: string } };
    nodes: readonly { name: string; instance: { id: string } }[];
  };
  const ip = resources.address.publicIp;
  say('\nDeployed');
  say(`  elastic IP   ${ip}, on instance ${resources.instance.id}`);
  if (nodes.length > 0)
    say(`  nodes        ${nodes.map(({ name, instance }) => `${name} on ${instance.id}`).join(', ')}`);
  for (const name of [host, `api.${host}`, `any-app.${host}`]) {
    const { stdout: answer } = await run(findProgram('dig'), [
      `@${dns.server}`,
      '-p',
      String(dns.port),
      name,
      '+noall',
      '+answer',
    ]);
    say(
      `  dig ${name}\n${answer
        .trimEnd()
        .split('\n')
        .map((line) => `      ${line.replace(/\s+/g, ' ')}`)
        .join('\n')}`,
    );
  }
  const console = `http://${ip}:${ports.http}/`;
  const page = await fetch(console, { headers: { host } });
  say(`  console      ${console} answers ${page.status}: ${/<title>([^<]*)/.exec(await page.text())?.[1] ?? ''}`);
  say(`  Web UI       ${workflowUrl}`);
  return `READY ${console} (${host}; workflow stackato/${DEPLOYMENT} at ${temporal.ui})`;
}

function hints({ state: { temporal } }: Lab<Host>, vm: boolean): string {
  return [
    `  export TEMPORAL_ADDRESS=${temporal.address} STACKATO_DEPLOY_UI=${temporal.ui}`,
    `  node ${CLI} status ${DEPLOYMENT}`,
    ...(vm ? [`  node ${CLI} lab console`] : []),
  ].join('\n');
}

/** Values for the secret references in the example's spec. */
function secretsOf({ clouds, dns, login }: LabState): Readonly<Record<string, string>> {
  const cloud = clouds.find(({ kind }) => kind === 'eucalyptus-3.2');
  return {
    LAB_ACCESS_KEY: cloud?.accessKey ?? '',
    LAB_SECRET_KEY: cloud?.secretKey ?? '',
    LAB_TSIG_SECRET: dns.tsig.secret,
    LAB_SSH_PASSWORD: login.password,
    LAB_ADMIN_PASSWORD: 'lab-admin-password',
  };
}

/** In a folder of its own, because the lab records its processes in DIR. */
function startWorker(env: NodeJS.ProcessEnv): Child {
  const dir = resolve(DIR, 'worker');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const known = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return new ChildProcesses(dir).start({
    name: 'worker',
    program: process.execPath,
    args: [resolve(WORKER)],
    env: { ...Object.fromEntries(known), STACKATO_DEPLOY_STATE: dir },
  });
}

async function takeDown(lab: Lab<Host>, worker: Child): Promise<void> {
  await worker.end('SIGTERM');
  await lab.stop();
}

async function ended(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

function interrupted(): Promise<number> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done(130));
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
