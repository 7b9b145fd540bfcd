/**
 * What can be wrong with an image or its destination: each has its own error code, parks the deployment, and registers
 * nothing.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { remedyOf } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import type { StepId } from '../../src/deployment/steps';
import { Site } from '../support/site';
import type { Deployment } from '../support/deployment';
import { eventually } from '../support/wait';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'publish-failures';
const MIB = 1024 * 1024;

type Image = Readonly<Record<string, unknown>>;

/** An image with something wrong, and how to fix it. */
interface BrokenImage {
  readonly image: Image;
  /** Called once the deployment runs. */
  readonly during?: () => Promise<void>;
  readonly fix?: () => void;
}

interface Case {
  readonly name: string;
  readonly step: StepId;
  readonly code: ErrorCode;
  readonly says: RegExp;
  readonly prepare: (site: Site, image: Image, name: string) => BrokenImage | Promise<BrokenImage>;
  readonly rootSize?: number;
  /** Images registered all the same: kernel and ramdisk are published before the root image. */
  readonly registers?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: 'wrong-key',
    step: 'preflight',
    code: 'IMAGE_KEY_MISMATCH',
    says: /key/,
    prepare: (site, image) => {
      const path = join(site.dir, 'another-key.pem');
      writeFileSync(
        path,
        generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
      );
      return {
        image: signedBy(image, { privateKey: { file: path } }),
        fix: () => copyFileSync(site.lab.cloud(KIND).signing.privateKey, path),
      };
    },
  },
  {
    name: 'no-certificate',
    step: 'preflight',
    code: 'IMAGE_CERTIFICATE_UNREADABLE',
    says: /certificate/,
    prepare: (site, image) => {
      const path = join(site.dir, 'cloud-cert.txt');
      writeFileSync(path, 'Ask the administrator for it.\n');
      return { image: signedBy(image, { cloudCertificate: path }) };
    },
  },
  {
    name: 'key-as-certificate',
    step: 'preflight',
    code: 'IMAGE_CERTIFICATE_UNREADABLE',
    says: /certificate/,
    prepare: (site, image) => ({
      image: signedBy(image, { cloudCertificate: site.lab.cloud(KIND).signing.privateKey }),
    }),
  },
  {
    name: 'file-missing',
    step: 'preflight',
    code: 'IMAGE_SOURCE_MISSING',
    says: /root\.img does not exist/,
    prepare: (_, image) => {
      const path = String(image.root);
      renameSync(path, `${path}.elsewhere`);
      return { image, fix: () => renameSync(`${path}.elsewhere`, path) };
    },
  },
  {
    name: 'foreign-bucket',
    step: 'publish-kernel',
    code: 'IMAGE_BUCKET_FOREIGN',
    says: /CreateBucket.*BucketAlreadyExists/,
    prepare: (site, image) => ({ image: { ...image, bucket: site.lab.cloud(KIND).foreignBucket } }),
  },
  {
    name: 'name-taken',
    step: 'preflight',
    code: 'IMAGE_NAME_TAKEN',
    says: /first-bucket\/name-taken-kernel\.manifest\.xml/,
    prepare: async (site, image, name) => {
      const first = await site.start(
        site.spec(`${name}-first`, KIND, { image: { ...image, bucket: 'first-bucket' } }),
        QUEUE,
      );
      await untilOver(first, 'publish-image', 'done');
      return { image };
    },
  },
  {
    name: 'cut-while-read',
    step: 'publish-image',
    code: 'IMAGE_SOURCE_CHANGED',
    says: /root\.img/,
    rootSize: 65 * MIB,
    registers: ['cut-while-read-kernel', 'cut-while-read-ramdisk'],
    prepare: (site, image, name) => {
      const path = String(image.root);
      const content = readFileSync(path);
      site.lab.fault({ kind: KIND, action: 'PutObject', what: 'slow', times: 1_000, ms: 700 });
      return {
        image,
        during: async () => {
          await eventually(
            'its first part is uploaded',
            () => site.lab.objects(KIND).some(({ key }) => key.startsWith(`${name}.part.`)),
            60_000,
          );
          truncateSync(path, MIB);
          site.lab.clearFaults();
        },
        fix: () => writeFileSync(path, content),
      };
    },
  },
];

describe('an image that cannot be published', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open({ kernelRights: true });
    await site.worker(KIND, QUEUE);
  });
  after(() => site.close());

  for (const each of CASES) {
    it(`${each.name}: parks at ${each.step} with ${each.code}`, () => assertParks(site, QUEUE, each));
  }

  it('has a different remedy for each code', () => {
    const codes = [...new Set([...CASES.map(({ code }) => code), 'IMAGE_DISK_FULL', 'CLOUD_PERMISSION'] as const)];
    assert.equal(new Set(codes.map((code) => remedyOf(code))).size, codes.length);
  });

  it('disk-full: parks at publish-kernel with IMAGE_DISK_FULL', async function () {
    const disk = join(site.dir, 'disk');
    mkdirSync(disk);
    // Without the right to mount a small disk, only test/image/bundle/journal.test.ts covers this.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status !== 0) return this.skip();
    try {
      const worker = await site.worker(KIND, 'full', { STACKATO_DEPLOY_STATE: disk });
      const ballast = join(disk, 'ballast');
      assert.throws(() => writeFileSync(ballast, Buffer.alloc(MIB)), { code: 'ENOSPC' });
      await assertParks(site, 'full', {
        name: 'disk-full',
        step: 'publish-kernel',
        code: 'IMAGE_DISK_FULL',
        says: /cannot be written: the disk is full/,
        prepare: (_, image) => ({ image, fix: () => rmSync(ballast) }),
      });
      await worker.stop();
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

describe('an account that may not register kernels', function () {
  this.timeout(120_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
    await site.worker(KIND, QUEUE);
  });
  after(() => site.close());

  it('parks at publish-kernel with CLOUD_PERMISSION', () =>
    assertParks(site, QUEUE, {
      name: 'no-rights',
      step: 'publish-kernel',
      code: 'CLOUD_PERMISSION',
      says: /RegisterImage/,
      prepare: (_, image) => ({ image }),
    }));
});

async function assertParks(
  site: Site,
  queue: string,
  { name, step, code, says, prepare, rootSize = 200_000, registers = [] }: Case,
): Promise<void> {
  const source = randomBytes(rootSize);
  const { image, during, fix } = await prepare(site, site.imageOf(name, KIND, source), name);
  const registered = site.lab.images(KIND);
  const deployment = await site.start(site.spec(name, KIND, { image }), queue);
  await during?.();
  const { steps } = await untilOver(deployment, step, 'attention');
  const { error } = steps[step] ?? {};
  assert.equal(error?.code, code, JSON.stringify(error));
  assert.match(error.message, says);
  assert.equal(steps.launch?.state, 'waiting');
  const added = site.lab.images(KIND).slice(registered.length);
  assert.deepEqual(added.map((each) => each.name).sort(), registers);

  if (fix === undefined) return;
  fix();
  await deployment.say('resume', {});
  const { facts } = await untilOver(deployment, 'publish-image', 'done');
  const published = await site.lab.image(KIND, facts.site.image?.id ?? '');
  assert.equal(published.sha256, createHash('sha256').update(source).digest('hex'));
}

/** Waits until the step has ended; if it is expected to park, until the steps beside it have stopped, too. */
async function untilOver(
  deployment: Deployment,
  step: StepId,
  state: 'done' | 'attention',
): ReturnType<Deployment['view']> {
  const view = await deployment.until(
    `${step} has ended`,
    ({ stage, steps }) => {
      if (steps[step]?.state === 'done') return true;
      return (
        stage === 'needs-attention' &&
        (state === 'done' || Object.values(steps).every((each) => each.state !== 'running'))
      );
    },
    120_000,
  );
  assert.equal(view.steps[step]?.state, state, JSON.stringify(view.steps));
  return view;
}

function signedBy(image: Image, change: Image): Image {
  return { ...image, signing: { ...(image.signing as Image), ...change } };
}
