/** A lab, workers as processes of their own, and deployments from one to the other: what end-to-end and crash tests stand on. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startLab, startVmLab } from '../../lab/lab';
import type { Knobs } from '../../lab/knobs';
import type { Appliance, Host, Kind, Lab, LabOptions, NodeImage, VirtualMachine } from '../../lab/types';
import { Deployments } from '../../src/client/deployments';
import { registerSearchAttributes } from '../../src/client/search-attributes';
import { startRun } from '../../src/client/start';
import { Temporal } from '../../src/client/temporal';
import { parseSpec } from '../../src/specfile/loader';
import type { DeploymentView } from '../../src/deployment/messages';
import { WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import { noFacts } from '../../src/deployment/facts';
import type { Facts } from '../../src/deployment/facts';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { freshView } from '../../src/deployment/view';
import { Deployment } from './deployment';
import { eventually } from './wait';

const ROOT = join(__dirname, '../..');
export const WORKER = join(ROOT, 'dist/src/worker/main.js');
export const CLI = join(ROOT, 'bin/stackato-deploy.cjs');

/** Words that no history, log, page or process list may hold. Unique, so that finding one proves a leak. */
export function plantedSecrets(): { sshPassword: string; adminPassword: string; userData: string } {
  const word = (what: string): string => `planted-${what}-${randomBytes(9).toString('hex')}`;
  return { sshPassword: word('ssh'), adminPassword: word('admin'), userData: word('userdata') };
}

export interface SpecChange {
  readonly [section: string]: unknown;
}

/** `H`: what its machines are. */
export class Site<H extends Host = Appliance> {
  readonly secrets = plantedSecrets();
  private readonly workers = new Set<WorkerProcess>();
  private temporals: Temporal[] = [];
  private readonly clients: Deployments[] = [];

  private constructor(
    readonly lab: Lab<H>,
    readonly dir: string,
  ) {}

  static async open(options: Partial<LabOptions> = {}): Promise<Site> {
    const dir = mkdtempSync(join(tmpdir(), 'stackato-site-'));
    const lab = await startLab({ ...options, dir });
    return new Site(lab, dir);
  }

  /** With real machines, which boot what is published. */
  static async openVm(kvm: boolean): Promise<Site<VirtualMachine>> {
    const dir = mkdtempSync(join(tmpdir(), 'stackato-site-'));
    const lab = await startVmLab({ kvm, dir, kernelRights: true });
    return new Site(lab, dir);
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => worker.kill()));
    await Promise.all([...this.temporals, ...this.clients].map((client) => client.close()));
    await this.lab.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Where the references of every spec lead. */
  env(kind: Kind, change: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { accessKey, secretKey } = this.lab.cloud(kind);
    return {
      ...process.env,
      STACKATO_DEPLOY_STATE: join(this.dir, 'state'),
      TEMPORAL_ADDRESS: this.lab.state.temporal.address,
      STACKATO_DEPLOY_UI: this.lab.state.temporal.ui,
      SITE_ACCESS_KEY: accessKey,
      SITE_SECRET_KEY: secretKey,
      SITE_TSIG: this.lab.state.dns.tsig.secret,
      SITE_SSH_PASSWORD: this.secrets.sshPassword,
      SITE_ADMIN_PASSWORD: this.secrets.adminPassword,
      SITE_USER_DATA: this.secrets.userData,
      NO_COLOR: '1',
      ...change,
    };
  }

  /** A worker for one cloud kind (its keys are in its environment), on a queue of its own. */
  async worker(kind: Kind, taskQueue: string, change: NodeJS.ProcessEnv = {}): Promise<WorkerProcess> {
    const worker = new WorkerProcess(
      this.env(kind, { ...change, STACKATO_DEPLOY_TASK_QUEUE: taskQueue }),
      join(this.dir, `worker-${taskQueue.replace(/\W/g, '-')}.log`),
    );
    this.workers.add(worker);
    await worker.ready();
    return worker;
  }

  /** The spec as its user would write it, read by the product's loader. The machine's knobs go with its name. */
  spec(name: string, kind: Kind, change: SpecChange = {}, knobs: Partial<Knobs> = {}): DeploymentSpec {
    this.lab.plan(name, { password: this.secrets.sshPassword, ...knobs });
    const loaded = parseSpec(this.yaml(name, kind, change), join(this.dir, `${name}.yaml`));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.spec;
  }

  specFile(name: string, kind: Kind, change: SpecChange = {}, knobs: Partial<Knobs> = {}): string {
    this.spec(name, kind, change, knobs);
    const path = join(this.dir, `${name}.yaml`);
    writeFileSync(path, this.yaml(name, kind, change));
    return path;
  }

  /** Small files to make an image of, as the section `image` of a spec; `cloud.storage` is in every spec. */
  imageOf(name: string, kind: Kind, root = randomBytes(200_000)): Readonly<Record<string, unknown>> {
    const folder = mkdtempSync(join(this.dir, 'image-'));
    const file = (called: string, bytes: Buffer): string => {
      writeFileSync(join(folder, called), bytes);
      return join(folder, called);
    };
    return this.imageFrom(name, kind, {
      kernel: file('vmlinuz', randomBytes(10_000)),
      ramdisk: file('initrd', randomBytes(20_000)),
      root: file('root.img', root),
    });
  }

  imageFrom(name: string, kind: Kind, files: NodeImage): Readonly<Record<string, unknown>> {
    const { account, certificate, privateKey, cloudCertificate } = this.lab.cloud(kind).signing;
    return {
      name,
      bucket: 'stackato-images',
      ...files,
      signing: { account, certificate, privateKey: { file: privateKey }, cloudCertificate },
    };
  }

  async start(spec: DeploymentSpec, taskQueue: string, facts: Facts = noFacts()): Promise<Deployment> {
    const temporal = await this.temporal(taskQueue);
    const added = await registerSearchAttributes(temporal);
    await startRun(temporal, { type: WORKFLOW.deploy, input: { spec, facts }, view: freshView(spec, facts) }, added);
    return new Deployment(temporal.client.workflow.getHandle(workflowIdOf(spec.name)));
  }

  async teardown(spec: DeploymentSpec, taskQueue: string, facts: Facts): Promise<DeploymentView> {
    const temporal = await this.temporal(taskQueue);
    await startRun(
      temporal,
      { type: WORKFLOW.teardown, input: { spec, facts }, view: freshView(spec, facts, 'undoing') },
      false,
    );
    return (await temporal.client.workflow.getHandle(workflowIdOf(spec.name)).result()) as DeploymentView;
  }

  async temporal(taskQueue: string): Promise<Temporal> {
    process.env.TEMPORAL_ADDRESS = this.lab.state.temporal.address;
    const temporal = await Temporal.connect({ taskQueue, ui: this.lab.state.temporal.ui });
    this.temporals.push(temporal);
    return temporal;
  }

  /** The client. The site closes it. */
  async deployments(taskQueue: string): Promise<Deployments> {
    process.env.TEMPORAL_ADDRESS = this.lab.state.temporal.address;
    const deployments = await Deployments.connect({ taskQueue, ui: this.lab.state.temporal.ui });
    this.clients.push(deployments);
    return deployments;
  }

  /** Every secret that a spec for that cloud refers to. */
  secretsOf(kind: Kind): Readonly<Record<string, string>> {
    const { accessKey, secretKey } = this.lab.cloud(kind);
    return { ...this.secrets, accessKey, secretKey, tsig: this.lab.state.dns.tsig.secret };
  }

  appliance(name: string): H {
    const [one, ...more] = this.lab.machines(name);
    if (one === undefined || more.length > 0)
      throw new Error(`${name} has ${more.length + (one === undefined ? 0 : 1)} machines`);
    return one;
  }

  /** The machines of a cluster's nodes, without the core, in the order of their launch. */
  nodes(name: string): readonly H[] {
    return this.lab.machines(`${name}-nodes`);
  }

  private yaml(name: string, kind: Kind, change: SpecChange): string {
    const { endpoint, region, addressName, imageId, keyName, storage } = this.lab.cloud(kind);
    const { dns, ports } = this.lab.state;
    return stringify({
      name,
      release: '2.6.6',
      cloud: {
        kind,
        endpoint,
        region,
        storage,
        ...(addressName === undefined ? {} : { addressName }),
        credentials: { accessKey: { env: 'SITE_ACCESS_KEY' }, secretKey: { env: 'SITE_SECRET_KEY' } },
      },
      image: imageId,
      instance: { type: 'm1.large', key: keyName, userData: { env: 'SITE_USER_DATA' } },
      dns: {
        server: dns.server,
        port: dns.port,
        zone: dns.zone,
        name: `${name}.${dns.zone}`,
        tsig: { name: dns.tsig.name, algorithm: dns.tsig.algorithm, secret: { env: 'SITE_TSIG' } },
      },
      ssh: { port: ports.ssh, password: { env: 'SITE_SSH_PASSWORD' } },
      admin: { email: 'admin@example.com', password: { env: 'SITE_ADMIN_PASSWORD' } },
      console: { httpPort: ports.http, httpsPort: ports.https },
      timing: {
        poll: '500ms',
        rebootWait: '1s',
        authGrace: '5s',
        deadline: {
          cloud: '2m',
          dns: '1m',
          launch: '2m',
          ready: '2m',
          command: '3m',
          reboot: '3m',
          console: '2m',
          publish: '3m',
        },
      },
      ...change,
    });
  }
}

export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly from: number;

  constructor(
    env: NodeJS.ProcessEnv,
    readonly log: string,
  ) {
    const output = openSync(log, 'a');
    this.from = readFileSync(log).length;
    this.child = spawn(process.execPath, [WORKER], { env, cwd: ROOT, stdio: ['ignore', output, output] });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async ready(): Promise<void> {
    await eventually(
      'the worker is ready',
      () => {
        const said = readFileSync(this.log, 'utf8').slice(this.from);
        if (this.ended) throw new Error(`the worker ended: ${said}`);
        return said.includes('worker is ready');
      },
      60_000,
    );
  }

  /** Without a word. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  private get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}
