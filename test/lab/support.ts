/** For the tests of the lab: a signer of its own, and fake machines that only record calls. */

import { createHmac } from 'node:crypto';
import { EC2Client } from '@aws-sdk/client-ec2';
import { XMLParser } from 'fast-xml-parser';
import { ChildProcesses } from '../../lab/child-processes';
import { Clouds } from '../../lab/cloud';
import { DEFAULT_KNOBS } from '../../lab/knobs';
import type { Knobs } from '../../lab/knobs';
import { startMoto } from '../../lab/moto';
import { choosePorts, claimNet, cloudPorts } from '../../lab/ports';
import type { Appliance, ApplianceOptions, CloudAccess, Host, LabVolume, MachineFactory, Rule } from '../../lab/types';

export const KNOBS: Knobs = {
  ...DEFAULT_KNOBS,
  exitAlwaysZero: false,
  bootDelay: 0,
  readyDelay: 0,
  oldBootIdFor: 0,
  downFor: 0,
  katoTakes: 0,
  resolvConfRegenerated: false,
  auth: ['password'],
  cloudInitTakes: 0,
};

export class FakeAppliance implements Appliance {
  publicIp: string | undefined;
  rules: readonly Rule[] = [];
  terminated = false;
  /** Devices of its volumes, by id. */
  readonly volumes = new Map<string, string>();
  mounted = false;
  /** Its console output. */
  printed = '';
  readonly instanceId: string;
  readonly dir: string;

  constructor(readonly options: ApplianceOptions) {
    ({ instanceId: this.instanceId, dir: this.dir } = options);
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    this.publicIp = ip;
    return Promise.resolve();
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.rules = rules;
    return Promise.resolve();
  }

  attachVolume({ id }: LabVolume, device: string): Promise<void> {
    this.volumes.set(id, device);
    return Promise.resolve();
  }

  detachVolume(id: string): Promise<void> {
    if (this.mounted) return Promise.reject(new Error('mounted'));
    this.volumes.delete(id);
    return Promise.resolve();
  }

  /** Nothing listens on it. */
  arrive(): 'refused' {
    return 'refused';
  }

  consoleOutput(): string {
    return this.printed;
  }

  terminate(): Promise<void> {
    this.terminated = true;
    return Promise.resolve();
  }

  invocations(): [] {
    return [];
  }

  boots(): number {
    return 1;
  }

  file(): undefined {
    return undefined;
  }

  setKnobs(): void {
    // A fake has no knobs.
  }

  restart(): void {
    // It has nothing that would go down.
  }

  clusterList(): [] {
    return [];
  }
}

export interface FakeMachineFactory extends MachineFactory<FakeAppliance> {
  /** Machines created so far, by instance id. */
  readonly made: Map<string, FakeAppliance>;
  /** No machine is created, and instances stay pending, until the returned function is called. */
  hold(): () => void;
}

export function fakeMachineFactory(): FakeMachineFactory {
  const made = new Map<string, FakeAppliance>();
  let gate = Promise.resolve();
  const create = async (options: ApplianceOptions): Promise<FakeAppliance> => {
    await gate;
    const appliance = new FakeAppliance(options);
    made.set(options.instanceId, appliance);
    return appliance;
  };
  const hold = (): (() => void) => {
    let open = (): void => undefined;
    gate = new Promise<void>((resolve) => (open = resolve));
    return open;
  };
  return { made, create, hold, knobs: KNOBS, bootsImages: false };
}

/** Starts the clouds with a moto of their own. */
export async function startClouds(
  dir: string,
  factory: MachineFactory<Host>,
  addressQuota: number,
  kernelRights = false,
  shuttingDownFor = 300,
  inside: ApplianceOptions['ports'] = { ssh: 22, http: 80, https: 443 },
): Promise<{ clouds: Clouds; net: number; stop(): Promise<void> }> {
  const processes = new ChildProcesses(dir);
  const net = await claimNet(undefined);
  const ports = await choosePorts(undefined, net.number);
  const clouds = new Clouds({
    dir,
    moto: await startMoto(processes, ports.moto),
    net: net.number,
    domain: 'cloud.test',
    addressQuota,
    ports: cloudPorts(ports),
    kernelRights,
    machines: {
      ports: inside,
      create: factory.create,
      bootsImages: factory.bootsImages,
      knobsFor: () => factory.knobs,
      shuttingDownFor,
    },
  });
  await clouds.start();
  const stop = async (): Promise<void> => {
    await clouds.stop();
    await processes.endAll();
    net.release();
  };
  return { clouds, net: net.number, stop };
}

/** The name of the error that a call rejects with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Code and message of an error response. */
  readonly code: string;
  readonly message: string;
}

type Credentials = Pick<CloudAccess, 'endpoint' | 'accessKey' | 'secretKey'>;

/** A client that tries each call once. Not of 3.2 and 3.4, which it cannot talk to. */
export function sdkOf({
  endpoint,
  region,
  accessKey,
  secretKey,
}: Credentials & Pick<CloudAccess, 'region'>): EC2Client {
  return new EC2Client({
    endpoint,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
}

let milliseconds = 0;

/** Calls EC2 with signature version 2, written from its specification. */
export async function callV2(
  access: Credentials,
  params: Readonly<Record<string, string>>,
  method = 'HmacSHA256',
): Promise<Reply> {
  // 3.2 refuses a repeated signature, so two equal calls within a millisecond must differ.
  milliseconds = Math.max(milliseconds + 1, Date.now());
  const all: Record<string, string> = {
    Version: '2012-10-01',
    AWSAccessKeyId: access.accessKey,
    SignatureVersion: '2',
    SignatureMethod: method,
    ...(params['Expires'] === undefined ? { Timestamp: new Date(milliseconds).toISOString() } : {}),
    ...params,
  };
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = Object.keys(all)
    .sort()
    .map((name) => `${encode(name)}=${encode(all[name] ?? '')}`)
    .join('&');
  const { host, pathname } = new URL(access.endpoint);
  const signature = createHmac(method.slice(4).toLowerCase(), access.secretKey)
    .update(`POST\n${host}\n${pathname}\n${query}`)
    .digest('base64');
  return post(access.endpoint, `${query}&Signature=${encode(signature)}`);
}

export async function post(endpoint: string, body: string): Promise<Reply> {
  const response = await fetch(endpoint, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const answer = await response.text();
  const parsed = new XMLParser().parse(answer) as {
    Response?: { Errors?: { Error?: { Code: string; Message: string } } };
  };
  const error = parsed.Response?.Errors?.Error;
  return { status: response.status, body: answer, code: error?.Code ?? '', message: error?.Message ?? '' };
}

/** The texts of all elements with that name. */
export function texts({ body }: Reply, name: string): string[] {
  return [...body.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}

export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  limit = 10_000,
): Promise<T> {
  const deadline = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
