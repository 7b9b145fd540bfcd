/** `image pack` and `image list`: the two sides of an image server. */

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withFileLock } from '../../adapters/file-lock';
import { createImageFiles } from '../../adapters/image-files';
import { catalogLocation, readCatalog } from '../../adapters/image-store';
import { UNWATCHED } from '../../adapters/single-flight';
import { ClientError, EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import type { Architecture, ImageFile, ImageKind } from '../../deployment/spec';
import { CATALOG_NAME, checkArchiveName, pack, putImage, recordOf, tarSize, weakChecksum } from '../../image';
import type { CatalogImage, Packed, Source } from '../../image';
import type { Context } from '../context';
import { packageVersion } from '../package';
import { progressOnStderr } from '../progress';
import type { Progress } from '../progress';
import { readSpec } from '../read-spec';
import { catalogTable, packedText } from '../render/image-store';
import { openSource, prepareFolder } from './image-files';

export interface PackOptions {
  readonly to: string;
  readonly kernel?: string;
  readonly ramdisk?: string;
  readonly name?: string;
  readonly arch?: Architecture;
  readonly release?: string;
  readonly cloudInit?: boolean;
  readonly inside?: string;
  readonly description?: string;
  readonly os: string;
  readonly hypervisors: string;
  readonly contact: string;
}

interface PackPlan {
  readonly name: string;
  readonly architecture: Architecture;
  readonly release?: string;
  readonly cloudInit: boolean;
  readonly files: Readonly<Record<ImageKind, ImageFile>>;
}

export async function packCommand(context: Context, path: string, options: PackOptions): Promise<ExitCode> {
  const { to } = options;
  const plan = await planOf(path, options);
  checkArchiveName(plan.name);
  await prepareFolder(to);
  const progress = await progressOnStderr();
  try {
    // Two runs must not write one archive.
    const { image, packed } = await withFileLock(join(to, `.${plan.name}.lock`), async () => {
      const made = await packFiles(plan, options, progress);
      progress.end();
      await withFileLock(join(to, `.${CATALOG_NAME}.lock`), () => putImage(to, made.image));
      return made;
    });
    const catalog = join(to, CATALOG_NAME);
    const result = { archive: packed.path, catalog, reused: packed.reused, image: recordOf(image) };
    context.show(result, () => packedText(packed, image, catalog));
  } finally {
    progress.end();
  }
  return EXIT.done;
}

async function planOf(path: string, options: PackOptions): Promise<PackPlan> {
  const { kernel, ramdisk, name, arch, release, inside, cloudInit = false } = options;
  if ((kernel === undefined) !== (ramdisk === undefined))
    throw new ClientError('USAGE', 'Only one of --kernel and --ramdisk was given.', {
      remedy: 'Give both, and the root image; or a spec and none of them.',
    });
  if (kernel !== undefined && ramdisk !== undefined) {
    if (name === undefined)
      throw new ClientError('USAGE', 'The archive has no name.', { remedy: 'Give one: --name stackato-v2.6.6' });
    const root = { file: path, ...(inside === undefined ? {} : { inside }) };
    return {
      name,
      architecture: arch ?? 'x86_64',
      ...(release === undefined ? {} : { release }),
      cloudInit,
      files: { kernel: { file: kernel }, ramdisk: { file: ramdisk }, machine: root },
    };
  }
  const spec = await readSpec(path);
  const { image } = spec;
  if ('id' in image || 'catalog' in image.root)
    throw new ClientError('USAGE', `The image of ${path} is not made from files.`, {
      remedy: 'Give a spec whose image has kernel, ramdisk and root, or the files themselves.',
    });
  return {
    name: name ?? image.name,
    architecture: arch ?? image.architecture,
    release: release ?? spec.release,
    cloudInit: cloudInit || image.cloudInit === true,
    files: { kernel: image.kernel, ramdisk: image.ramdisk, machine: image.root },
  };
}

interface Made {
  readonly image: CatalogImage;
  readonly packed: Packed;
}

async function packFiles(plan: PackPlan, options: PackOptions, progress: Progress): Promise<Made> {
  const opened: Source[] = [];
  const open = async (kind: ImageKind): Promise<Source> => {
    const source = await openFileOf(plan.files[kind], kind);
    opened.push(source);
    return source;
  };
  try {
    const sources = { kernel: await open('kernel'), ramdisk: await open('ramdisk'), machine: await open('machine') };
    return await packSources(plan, sources, options, progress);
  } finally {
    await Promise.all(opened.map((source) => source.close()));
  }
}

async function openFileOf(file: ImageFile, kind: ImageKind): Promise<Source> {
  const path = await createImageFiles().fetch(file, UNWATCHED);
  // A download has another name than the file.
  const name = 'url' in file ? new URL(file.url).pathname : path;
  return openSource(path, kind, file.inside, () => undefined, name);
}

async function packSources(
  plan: PackPlan,
  sources: Readonly<Record<ImageKind, Source>>,
  options: PackOptions,
  progress: Progress,
): Promise<Made> {
  const request = { name: plan.name, sources, folder: options.to };
  progress.begin('packing', tarSize(request));
  const packed = await pack(request, { onProgress: (done) => progress.at(done) });
  return { packed, image: await entryOf(plan, options, packed, sources) };
}

async function entryOf(
  { name, architecture, release, cloudInit }: PackPlan,
  { description, os, hypervisors, contact }: PackOptions,
  { path, size, md5, sha256 }: Packed,
  sources: Readonly<Record<ImageKind, Source>>,
): Promise<CatalogImage> {
  return {
    name: weakChecksum(md5),
    description: description ?? (release === undefined ? name : `Stackato ${release}`),
    os,
    architecture,
    version: release ?? name,
    hypervisors: hypervisors.split(',').map((each) => each.trim()),
    singleKernel: true,
    url: basename(path),
    date: await newest(Object.values(sources)),
    stamp: sha256.slice(0, 9),
    recipe: `stackato-deploy ${packageVersion()}`,
    contact,
    sha256,
    ...(release === undefined ? {} : { release }),
    cloudInit,
    rootSize: sources.machine.size,
    archiveSize: size,
    compression: 'gzip',
  };
}

/** Of the files, not of today: the same files give the same entry. */
async function newest(sources: readonly Source[]): Promise<string> {
  const times = await Promise.all(sources.map(async ({ path }) => (await stat(path)).mtimeMs));
  return new Date(Math.max(...times)).toISOString().slice(0, 10);
}

export async function listImagesCommand(context: Context, catalog: string): Promise<ExitCode> {
  const location = catalogLocation(catalog);
  const images = await readCatalog(location, UNWATCHED);
  context.show({ catalog: location, images: images.map(recordOf) }, () => catalogTable(images, context.paint));
  return EXIT.done;
}
