/**
 * Compares bundling and packing with the usual pipes: `npm run bench:image -- [--runs 5] [--mib 2048] [--json]`. The image is half
 * files and half holes, alternating every 16 MiB. The contestants take turns. The median counts; the spread shows how
 * noisy the machine is.
 */

import { randomBytes } from 'node:crypto';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  openSync,
  closeSync,
  ftruncateSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publishRate } from './image-upload';

const MIB = 1024 * 1024;
const STRIPE = 16 * MIB;
const FILES = ['/usr/lib', '/usr/bin', '/usr/share'];
const BUNDLER = join(__dirname, 'image-run.ts');
const PACKER = join(__dirname, 'image-pack.ts');

interface Run {
  readonly wall: number;
  readonly cpu: number;
  readonly rssMiB?: number;
  readonly size?: number;
  /** Bytes of parts that were not in the bucket yet. */
  readonly sent?: number;
}

const PIPES = {
  pigz: 'tar -cSf - image.raw | pigz',
  gzip: 'tar -cf - image.raw | gzip',
} as const;

type Contestant = 'ours' | keyof typeof PIPES;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      mib: { type: 'string', default: '2048' },
      json: { type: 'boolean', default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'stackato-bench-'));
  try {
    await makeImage(join(folder, 'image.raw'), Number(values.mib) * MIB);
    makeKeys(folder);
    // Also fills the page cache.
    const pigzSize = Number(bash(`${pipe('pigz')} | wc -c`, folder).trim());
    const results = compete(folder, Number(values.runs));
    const packing = comparePacking(folder, Number(values.runs));
    const mibPerSecond = round(await publishRate(join(folder, 'image.raw'), Number(values.mib)));
    const figures = { ...figuresOf(results, pigzSize), ...resumed(folder, results), ...packing, mibPerSecond };
    process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : report(results, figures));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Fills the image with the output of tar over FILES, repeated as often as needed. */
async function makeImage(path: string, size: number): Promise<void> {
  const file = openSync(path, 'w');
  let at = 0;
  while (at < size) {
    const tar = spawn('tar', ['-cf', '-', '--ignore-failed-read', ...FILES], { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const chunk of tar.stdout as AsyncIterable<Buffer>) {
      for (let done = 0; done < chunk.length && at < size;) {
        const piece = chunk.subarray(done, done + Math.min(STRIPE - (at % STRIPE), size - at));
        writeSync(file, piece, 0, piece.length, at);
        done += piece.length;
        at += piece.length;
        if (at % STRIPE === 0) at += STRIPE;
      }
      if (at >= size) break;
    }
    tar.kill();
  }
  ftruncateSync(file, size);
  closeSync(file);
}

function makeKeys(folder: string): void {
  for (const name of ['user', 'cloud'])
    bash(
      `openssl req -x509 -newkey rsa:2048 -nodes -keyout ${name}-key.pem -out ${name}-cert.pem -days 2 -subj /CN=${name} 2>&1`,
      folder,
    );
}

function compete(folder: string, runs: number): Readonly<Record<Contestant, readonly Run[]>> {
  const results: Record<Contestant, Run[]> = { ours: [], pigz: [], gzip: [] };
  for (let run = 0; run < runs; run++) {
    for (const name of ['pigz', 'ours', 'gzip'] as const) {
      results[name].push(name === 'ours' ? runOurs(BUNDLER, folder) : timed(`${pipe(name)} > /dev/null`, folder));
      process.stderr.write(`${name} ${JSON.stringify(results[name].at(-1))}\n`);
    }
  }
  return results;
}

/** Both write a file, in turns. tar is given no -S: euca2ools unpack with Python, which needs no sparse members. */
function comparePacking(folder: string, runs: number): Record<string, number> {
  for (const name of ['vmlinuz', 'initrd']) writeFileSync(join(folder, name), randomBytes(MIB));
  const [ours, pigz]: [Run[], Run[]] = [[], []];
  let pigzSize = 0;
  for (let run = 0; run < runs; run++) {
    pigz.push(timed('tar -cf - vmlinuz initrd image.raw | pigz > packed.tar.gz', folder));
    pigzSize = statSync(join(folder, 'packed.tar.gz')).size;
    rmSync(join(folder, 'packed.tar.gz'));
    ours.push(runOurs(PACKER, folder));
    process.stderr.write(`tar|pigz ${JSON.stringify(pigz.at(-1))}\npack ${JSON.stringify(ours.at(-1))}\n`);
  }
  const wall = (each: readonly Run[]): number => median(each.map((run) => run.wall));
  return {
    packSpeedVsPigz: round(wall(pigz) / wall(ours)),
    packSizeVsPigz: round((ours[0]?.size ?? 0) / pigzSize),
  };
}

function pipe(name: keyof typeof PIPES): string {
  return `${PIPES[name]} | openssl enc -aes-128-cbc -K 000102030405060708090a0b0c0d0e0f -iv 000102030405060708090a0b0c0d0e0f`;
}

/** Timed by the shell, which counts all processes of the pipe. */
function timed(line: string, folder: string): Run {
  const [wall, user, system] = bash(`TIMEFORMAT='%R %U %S'; { time { ${line}; }; } 2>&1 | tail -n 1`, folder)
    .trim()
    .split(' ')
    .map(Number);
  return { wall: wall ?? 0, cpu: (user ?? 0) + (system ?? 0) };
}

/** Runs in a process of its own. Includes the time to start it and load the modules. */
function runOurs(program: string, folder: string, ...args: readonly string[]): Run {
  const start = process.hrtime.bigint();
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', program, folder, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  return { wall, ...(stdout === '' ? { cpu: 0 } : (JSON.parse(stdout) as Omit<Run, 'wall'>)) };
}

/**
 * Kills a run with SIGKILL after half of the parts, and measures the next one as a fraction of an undisturbed run; then
 * one more run.
 */
function resumed(folder: string, { ours }: Readonly<Record<Contestant, readonly Run[]>>): Record<string, number> {
  const parts = Math.ceil((ours[0]?.size ?? 0) / (10 * MIB));
  runOurs(BUNDLER, folder, '--journal', '--kill-after', String(Math.ceil(parts / 2)));
  const { wall } = runOurs(BUNDLER, folder, '--journal');
  const sent = readFileSync(join(folder, 'sent'), 'utf8').trim().split('\n');
  const second = runOurs(BUNDLER, folder, '--journal');
  return {
    resumeFraction: round(wall / median(ours.map((run) => run.wall))),
    partsSentTwice: sent.length - new Set(sent).size,
    secondPublishBytes: second.sent ?? NaN,
  };
}

function figuresOf(
  { ours, pigz, gzip }: Readonly<Record<Contestant, readonly Run[]>>,
  pigzSize: number,
): Record<string, number> {
  const wall = (runs: readonly Run[]): number => median(runs.map((run) => run.wall));
  return {
    wallVsPigz: round(wall(ours) / wall(pigz)),
    wallVsGzip: round(wall(ours) / wall(gzip)),
    cpuVsPigz: round(median(ours.map(({ cpu }) => cpu)) / median(pigz.map(({ cpu }) => cpu))),
    sizeVsPigz: round((ours[0]?.size ?? 0) / pigzSize),
    rssMiB: Math.round(Math.max(...ours.map(({ rssMiB }) => rssMiB ?? 0))),
  };
}

function report(
  results: Readonly<Record<Contestant, readonly Run[]>>,
  figures: Readonly<Record<string, number>>,
): string {
  const lines = Object.entries(results).map(([name, runs]) => {
    const walls = runs.map(({ wall }) => wall);
    return `${name.padEnd(6)} ${median(walls).toFixed(1)} s wall (${Math.min(...walls).toFixed(1)} to ${Math.max(...walls).toFixed(1)}), ${median(runs.map(({ cpu }) => cpu)).toFixed(1)} s CPU`;
  });
  return [
    `${availableParallelism()} processors`,
    ...lines,
    ...Object.entries(figures).map(([name, value]) => `${name} ${value}`),
    '',
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function bash(line: string, cwd: string): string {
  return execFileSync('bash', ['-o', 'pipefail', '-c', line], { cwd, encoding: 'utf8' });
}

main().then(
  // The native part of the Temporal SDK would keep the process alive.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
