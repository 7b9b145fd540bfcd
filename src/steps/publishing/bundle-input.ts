/** What a bundle is made from: the image file, and the credentials that sign it. */

import { openArchive, openImage, packingOf, rawSource, readIdentity, xzDecompressor } from '../../image';
import type { Identity, Packing, Source } from '../../image';
import { DeployError } from '../../deployment/errors';
import type { SizeLimits } from '../../deployment/cloud-kinds';
import type { CatalogFile, ImageFile, ImageKind, ImageSpec } from '../../deployment/spec';
import type { Attempt } from '../attempt';
import type { ImageFiles, Secrets } from '../ports';

export interface OpenedFile {
  readonly file: ImageFile;
  readonly kind: ImageKind;
  /** Where it is on this machine, after it was downloaded if necessary. */
  readonly path: string;
  readonly limits: SizeLimits;
}

export async function openImageFile(
  files: ImageFiles,
  { file, kind, path, limits }: OpenedFile,
  attempt: Attempt,
): Promise<Source> {
  if ('catalog' in file) return openStoreArchive(files, file, { kind, path, limits }, attempt);
  const packing = packingOfFile(file, kind);
  const entry = file.inside === undefined ? {} : { entry: file.inside };
  const source = await openImage(
    { path, packing, ...entry },
    xzDecompressor(() => files.xz()),
    () => attempt.report(''),
  );
  return kind === 'machine' ? rawSource(source, packing === 'raw', files.convertDisk(attempt.signal)) : source;
}

async function openStoreArchive(
  files: ImageFiles,
  file: CatalogFile,
  { kind, path, limits }: Omit<OpenedFile, 'file'>,
  attempt: Attempt,
): Promise<Source> {
  const { rootSize } = await files.catalogImage(file, attempt);
  try {
    const source = await openArchive({
      path,
      kind,
      hypervisor: file.hypervisor,
      limit: limits.image + BOOT_FILES_LIMIT,
      ...(rootSize === undefined ? {} : { rootSize }),
      onProgress: () => attempt.report(''),
    });
    return kind === 'machine' ? await rawSource(source, false, files.convertDisk(attempt.signal)) : source;
  } catch (error) {
    // Whoever corrects the catalogue must not be given the old choice again.
    if (error instanceof DeployError) await files.forget(file);
    throw error;
  }
}

/** For everything in an archive but the root image. */
const BOOT_FILES_LIMIT = 1024 ** 3;

/** By the file's original name, since a download has another one. Throws for formats that cannot be read. */
export function packingOfFile(file: Exclude<ImageFile, CatalogFile>, kind: ImageKind): Packing {
  return packingOf('url' in file ? new URL(file.url).pathname : file.file, kind);
}

export async function readSigningIdentity(
  secrets: Secrets,
  { privateKey, certificate, cloudCertificate }: ImageSpec['signing'],
): Promise<Identity> {
  const read = async (ref: typeof privateKey): Promise<string> => (await secrets.resolve(ref)).reveal();
  return readIdentity({
    privateKey: await read(privateKey),
    certificate: await read({ file: certificate }),
    cloudCertificate: await read({ file: cloudCertificate }),
  });
}
