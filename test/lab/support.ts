/** For the tests of the lab: a signer of its own, and machines that only remember what they were told. */

import { createHmac } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import type { Machinery } from '../../lab/assembly';
import { Clouds } from '../../lab/cloud';
import { Household } from '../../lab/household';
import { startMoto } from '../../lab/moto';
import { choosePorts, claimNet, cloudPorts } from '../../lab/ports';
import type { Appliance, ApplianceOptions, CloudAccess, Host, Knobs, Rule } from '../../lab/types';

export const KNOBS: Knobs = {
  release: '2.6.6',
  exitAlwaysZero: false,
  dialogue: 'default',
  sudoAsks: true,
  sudoLectures: false,
  bootDelay: 0,
  readyDelay: 0,
  oldBootIdFor: 0,
  downFor: 0,
  acceptsWhileDown: false,
  katoTakes: 0,
  dropChannel: 0,
  readyNeverTimesOut: false,
  resolvConfRegenerated: false,
  localResolver: false,
  httpRedirect: false,
  consoleDelay: 0,
  banner: '',
  maxSessionsOne: false,
  loginDelay: 0,
  maxStartups: 0,
  memoryMiB: 0,
  auth: ['password'],
  password: 'stackato',
  authorizedKey: '',
  privateIp: '',
  netTools: '1.60',
  newHostKeyAtBoot: false,
  loginShell: 'sh',
  rcPrints: '',
  locale: 'C.UTF-8',
  passwordExpired: false,
  forwardsPorts: true,
  disk: 'good',
  vpn: false,
};

export class FakeAppliance implements Appliance {
  publicIp: string | undefined;
  rules: readonly Rule[] = [];
  terminated = false;
  /** On its console. */
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

  turn(): void {
    // A fake has nothing to turn.
  }
}

export interface FakeMachinery extends Machinery<FakeAppliance> {
  /** Machines made so far, by instance. */
  readonly made: Map<string, FakeAppliance>;
  /** No machine is ready, and so its instance pending, until the function it returns is called. */
  hold(): () => void;
}

export function fakeMachinery(): FakeMachinery {
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

/** The clouds over a moto of their own. */
export async function startClouds(
  dir: string,
  machinery: Machinery<Host>,
  addressQuota: number,
  kernelRights = false,
  shuttingDownFor = 300,
): Promise<{ clouds: Clouds; net: number; stop(): Promise<void> }> {
  const household = new Household(dir);
  const net = await claimNet(undefined);
  const ports = await choosePorts(undefined, net.number);
  const clouds = new Clouds({
    dir,
    moto: await startMoto(household, ports.moto),
    net: net.number,
    domain: 'cloud.test',
    addressQuota,
    ports: cloudPorts(ports),
    kernelRights,
    machines: {
      ports: { ssh: 22, http: 80, https: 443 },
      create: machinery.create,
      bootsImages: machinery.bootsImages,
      knobsFor: () => machinery.knobs,
      shuttingDownFor,
    },
  });
  await clouds.start();
  const stop = async (): Promise<void> => {
    await clouds.stop();
    await household.endAll();
    net.release();
  };
  return { clouds, net: net.number, stop };
}

/** The name of the error a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Code and message of an error answer. */
  readonly code: string;
  readonly message: string;
}

type Credentials = Pick<CloudAccess, 'endpoint' | 'accessKey' | 'secretKey'>;

let milliseconds = 0;

/** Signature version 2, written from its definition. `overrides` replace parameters before signing. */
export async function callV2(
  access: Credentials,
  params: Readonly<Record<string, string>>,
  method = 'HmacSHA256',
): Promise<Reply> {
  // The cloud refuses a signature it has seen: two equal calls in one millisecond must differ.
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

/** The texts of every element of that name. */
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
    if (Date.now() > deadline) throw new Error(`never seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
