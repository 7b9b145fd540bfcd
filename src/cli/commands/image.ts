/** The commands that make, verify and open bundles on this machine, without cloud and Temporal. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  checkFacts,
  inspect,
  openBundle,
  openJournal,
  partsInFolder,
  readCertificate,
  readIdentity,
  readManifest,
  readPrivateKey,
  verifySignature,
  unbundle,
  writeBundle,
  writeImage,
} from '../../image';
import type { Architecture, ImageKind } from '../../deployment/spec';
import type { BundleFacts, Identity, InspectInput } from '../../image';
import { DeployError } from '../../deployment/errors';
import { EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { bundledText, inspectedDocument, inspectedText, unbundledText } from '../render/image';
import type { Inspected } from '../render/image';
import type { Context } from '../context';
import { manifestsAt, openSource, prepareFile, prepareFolder, readManifestFile, readPem } from './image-files';
import { progressOnStderr } from '../progress';

export interface BundleOptions {
  readonly kind: ImageKind;
  readonly name: string;
  readonly account: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly cloudCertificate: string;
  readonly to: string;
  readonly arch: Architecture;
  readonly kernelId?: string;
  readonly ramdiskId?: string;
  readonly inside?: string;
  readonly journal?: string;
}

export interface InspectOptions {
  readonly certificate?: string;
  readonly privateKey?: string;
}

export interface UnbundleOptions {
  readonly privateKey: string;
  readonly certificate?: string;
  readonly to: string;
}

export async function bundleCommand(context: Context, path: string, options: BundleOptions): Promise<ExitCode> {
  const facts = factsOf(options);
  // First, because finding the size of an archive's file takes long.
  checkFacts(facts);
  const identity = await identityOf(options);
  const { to, name, journal = join(to, `.${name}.journal`) } = options;
  await prepareFolder(to);
  const progress = await progressOnStderr();
  const source = await openSource(path, facts.kind, options.inside, (end) => progress.at(end));
  try {
    progress.begin('reading', source.size);
    const bundle = await openBundle({ source, facts, identity }, { journal: openJournal(journal) });
    progress.begin('bundling', source.size);
    const counts = { parts: 0, made: 0, bundledSize: 0 };
    const manifest = await writeBundle(bundle, to, (part) => {
      counts.parts += 1;
      counts.made += part.bytes === undefined ? 0 : 1;
      counts.bundledSize += part.size;
      progress.at(bundle.imageBytesUpTo(part), `part ${counts.parts}`);
    });
    progress.end();
    const result = { manifest, name, kind: facts.kind, architecture: facts.architecture, size: source.size, ...counts };
    context.show(result, () => bundledText(result));
  } finally {
    progress.end();
    await source.close();
  }
  return EXIT.done;
}

function factsOf({ name, kind, arch, account, kernelId, ramdiskId }: BundleOptions): BundleFacts {
  // People and euca2ools write it with hyphens.
  const digits = account.replaceAll('-', '');
  return {
    prefix: name,
    kind,
    architecture: arch,
    account: digits,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
}

async function identityOf({ privateKey, certificate, cloudCertificate }: BundleOptions): Promise<Identity> {
  return readIdentity({
    privateKey: await readPem(privateKey, 'private key'),
    certificate: await readPem(certificate, 'certificate of the user'),
    cloudCertificate: await readPem(cloudCertificate, 'certificate of the cloud'),
  });
}

export async function inspectCommand(
  context: Context,
  path: string,
  { certificate, privateKey }: InspectOptions,
): Promise<ExitCode> {
  const keys: Pick<InspectInput, 'certificate' | 'privateKey'> = {
    ...(await certificateOf(certificate)),
    ...(privateKey === undefined ? {} : { privateKey: readPrivateKey(await readPem(privateKey, 'private key')) }),
  };
  const { paths, whole } = await manifestsAt(path);
  const bundles: Inspected[] = [];
  for (const manifest of paths) {
    const bytes = await readManifestFile(manifest);
    const parts = whole || hasParts(bytes, dirname(manifest)) ? { readPart: partsInFolder(dirname(manifest)) } : {};
    bundles.push({ path: manifest, verdict: await inspect({ manifest: bytes, ...keys, ...parts }) });
  }
  context.show(inspectedDocument(bundles), () =>
    bundles.map((bundle) => inspectedText(bundle, context.paint)).join('\n\n'),
  );
  return bundles.every(({ verdict }) => verdict.good) ? EXIT.done : EXIT.failed;
}

async function certificateOf(path: string | undefined): Promise<Pick<InspectInput, 'certificate'>> {
  const what = 'certificate of the user';
  return path === undefined ? {} : { certificate: readCertificate(await readPem(path, what), what) };
}

function hasParts(manifest: Buffer, folder: string): boolean {
  try {
    return readManifest(manifest).parts.some(({ name }) => existsSync(join(folder, name)));
  } catch (error) {
    // A broken manifest has no parts; inspect says what is wrong with it.
    if (error instanceof DeployError) return false;
    throw error;
  }
}

export async function unbundleCommand(
  context: Context,
  path: string,
  { privateKey, certificate, to }: UnbundleOptions,
): Promise<ExitCode> {
  const key = readPrivateKey(await readPem(privateKey, 'private key'));
  const manifest = readManifest(await readManifestFile(path));
  const { state: signature, detail } = verifySignature(manifest, {
    privateKey: key,
    ...(await certificateOf(certificate)),
  });
  if (signature === 'wrong') throw new DeployError('IMAGE_MANIFEST_BROKEN', detail);
  await prepareFile(to);
  const progress = await progressOnStderr();
  progress.begin('unbundling', manifest.size);
  try {
    await writeImage(
      counted(unbundle(manifest, partsInFolder(dirname(path)), key), (done) => progress.at(done)),
      to,
    );
  } finally {
    progress.end();
  }
  const result = { image: to, name: manifest.prefix, kind: manifest.kind, size: manifest.size, signature };
  context.show(result, () => unbundledText(result, detail));
  return EXIT.done;
}

async function* counted(image: AsyncIterable<Buffer>, onBytes: (done: number) => void): AsyncGenerator<Buffer, void> {
  let done = 0;
  for await (const bytes of image) {
    yield bytes;
    done += bytes.length;
    onBytes(done);
  }
}
