#!/usr/bin/env node
/** The command line of the lab: `lab up|down|status|serve|console`. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { killOrphans, startTimeOf } from './child-processes';
import { exampleImages } from './example-images';
import { startLab, startVmLab } from './lab';
import { described, otherLabs, InUseError } from './other-labs';
import { attachConsole } from './serial-console';
import { readState, stateFileOf } from './state';
import type { LabState } from './types';
import { builtImage } from './vm';
import { tailOf } from './wait';

interface Options {
  readonly dir: string;
  readonly basePort: number;
  readonly net: number;
  readonly json?: boolean;
  /** Real machines under QEMU. */
  readonly vm?: boolean;
  readonly kvm?: boolean;
}

const START_LIMIT = 120_000;
const STOP_LIMIT = 30_000;
const POLL_MS = 100;
/** Exit code for bad options, and for a folder, network or port that is in use. */
const USAGE = 2;

async function up(options: Options): Promise<number> {
  const dir = resolve(options.dir);
  const known = readState(dir);
  if (known !== undefined) {
    show(known, options);
    return 0;
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const log = join(dir, 'lab.log');
  const output = openSync(log, 'w', 0o600);
  const args = [
    ...process.execArgv,
    __filename,
    'serve',
    '--dir',
    dir,
    '--base-port',
    String(options.basePort),
    '--net',
    String(options.net),
    ...flagsOf(options),
  ];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.unref();
  const state = await until(START_LIMIT, () => {
    if (child.exitCode === USAGE) throw new InUseError(`The lab did not start. ${readFileSync(log, 'utf8').trim()}`);
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The lab did not start. The end of ${log}:\n${tailOf(log)}`);
    return readState(dir);
  });
  if (state === undefined)
    throw new Error(
      `The lab was not ready after ${START_LIMIT / 1000} s. Check ${log}, and stop it with \`lab down\`.`,
    );
  show(state, options);
  return 0;
}

async function serve(options: Options): Promise<number> {
  const { dir, basePort, net, vm = false, kvm = false } = options;
  const wanted = { dir, basePort, net, kernelRights: true };
  exampleImages(resolve(dir), vm ? builtImage() : undefined);
  const lab = vm ? await startVmLab({ ...wanted, kvm }) : await startLab(wanted);
  await new Promise<void>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => done());
  });
  await lab.stop();
  return 0;
}

async function down(options: Options): Promise<number> {
  const dir = resolve(options.dir);
  const state = readState(dir);
  if (state !== undefined) {
    process.kill(state.pid, 'SIGTERM');
    const gone = await until(STOP_LIMIT, () => (startTimeOf(state.pid) === undefined ? true : undefined));
    if (gone === undefined)
      throw new Error(
        `The lab (pid ${state.pid}) did not stop within ${STOP_LIMIT / 1000} s. Check ${join(dir, 'lab.log')}.`,
      );
  }
  const orphans = killOrphans(dir);
  const ended = state !== undefined || orphans.length > 0;
  if (options.json === true) console.log(JSON.stringify({ ended, orphans: orphans.map(({ name }) => name) }));
  else console.log(ended ? 'The lab is down.' : await noLabIn(dir));
  return 0;
}

async function status(options: Options): Promise<number> {
  const state = readState(resolve(options.dir));
  if (state === undefined) {
    console.log(options.json === true ? JSON.stringify({ running: false }) : await noLabIn(resolve(options.dir)));
    return 1;
  }
  const parts = Object.fromEntries(
    await Promise.all(addressesOf(state).map(async ([name, address]) => [name, await answers(address)] as const)),
  );
  if (options.json === true) console.log(JSON.stringify({ running: true, parts, state }));
  else {
    show(state, options);
    for (const [name, answering] of Object.entries(parts)) if (!answering) console.log(`${name} does not answer.`);
  }
  return Object.values(parts).every(Boolean) ? 0 : 1;
}

/** Also says where labs do run. */
async function noLabIn(dir: string): Promise<string> {
  const others = (await otherLabs()).map((other) => ` There is ${described(other)}.`);
  return `No lab runs in ${dir}.${others.join('')}`;
}

function addressesOf({ temporal, clouds, dns }: LabState): [string, string][] {
  return [
    ['Temporal', temporal.address],
    ['DNS', `${dns.server}:${dns.port}`],
    ...clouds.flatMap(({ kind, endpoint, storage }): [string, string][] => [
      [kind, new URL(endpoint).host],
      [`${kind} S3`, new URL(storage).host],
    ]),
  ];
}

function answers(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = createConnection({ host, port: Number(port), timeout: 2_000 });
  return new Promise<boolean>((done) => {
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  }).finally(() => socket.destroy());
}

function show(state: LabState, { json }: Options): void {
  if (json === true) {
    console.log(JSON.stringify(state));
    return;
  }
  const { temporal, clouds, dns, ports, login, pid, dir } = state;
  console.log(`The lab is up (pid ${pid}, ${dir}).`);
  console.log(`  Temporal   ${temporal.address}, namespace ${temporal.namespace}`);
  console.log(`  Web UI     ${temporal.ui}`);
  for (const { kind, endpoint, storage, imageId, keyName } of clouds)
    console.log(`  ${kind.padEnd(10)} ${endpoint}  S3 ${storage}  image ${imageId}, key pair ${keyName}`);
  console.log(
    `  DNS        ${dns.server} port ${dns.port}, zone ${dns.zone}, key ${dns.tsig.name} (${dns.tsig.algorithm})`,
  );
  console.log(
    `  appliances ssh ${ports.ssh}, http ${ports.http}, https ${ports.https} on their elastic IPs; user ${login.user}`,
  );
  console.log(`  secrets    ${stateFileOf(dir)}`);
}

async function until<T>(limit: number, look: () => T | undefined): Promise<T | undefined> {
  const deadline = Date.now() + limit;
  while (Date.now() < deadline) {
    const seen = look();
    if (seen !== undefined) return seen;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  return undefined;
}

function flagsOf({ vm, kvm }: Options): string[] {
  return [...(vm === true ? ['--vm'] : []), ...(kvm === true ? ['--kvm'] : [])];
}

function within(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

const COMMANDS = [
  ['up', 'start the lab in the background and print its addresses', up],
  ['down', 'stop the lab', down],
  ['status', 'print its addresses, and which parts do not answer', status],
  ['serve', 'run the lab in the foreground', serve],
] as const;

/** @returns the exit code */
export async function runLab(args: readonly string[]): Promise<number> {
  try {
    let code = 0;
    await programWith((exit) => {
      code = exit;
    }).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // commander has already printed it.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof InUseError ? USAGE : 1;
  }
}

function programWith(finish: (exit: number) => void): Command {
  const program = new Command('lab')
    .description('Clouds, a DNS server, a Temporal server and appliances to deploy to, on loopback')
    .exitOverride();
  for (const [name, description, action] of COMMANDS) {
    program
      .command(name)
      .description(description)
      .option('--dir <folder>', 'folder for state and logs', '.lab')
      .option('--base-port <port>', 'first of the 1000 ports it may use', within(1024, 64_000), 17_000)
      .option('--net <number>', 'second byte of its loopback network', within(1, 254), 66)
      .option('--vm', 'real machines under QEMU, which boot published images')
      .option('--kvm', 'run them with KVM, where available; otherwise they are emulated')
      .option('--json', 'print JSON')
      .action(async (options: Options) => finish(await action(options)));
  }
  program
    .command('console')
    .description('the serial console of a real machine')
    .argument('[instance]', 'instance id; may be omitted if there is only one')
    .option('--dir <folder>', "where the lab's state is", '.lab')
    .action((instance: string | undefined, { dir }: Pick<Options, 'dir'>) => attachConsole(resolve(dir), instance));
  return program;
}

if (require.main === module)
  void runLab(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
