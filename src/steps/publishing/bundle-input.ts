/** What a bundle is made from: the image file, and the credentials that sign it. */

import { openImage, packingOf, readIdentity, xzDecompressor } from '../../image';
import type { Identity, Packing, Source } from '../../image';
import type { ImageFile, ImageKind, ImageSpec } from '../../deployment/spec';
import type { ImageFiles, Secrets } from '../ports';

/**
 * @param path where the file is on this machine, after it was downloaded if necessary
 * @param onProgress called again and again while the file is unpacked
 */
export function openImageFile(
  files: ImageFiles,
  file: ImageFile,
  kind: ImageKind,
  path: string,
  onProgress: () => void,
): Promise<Source> {
  const entry = file.inside === undefined ? {} : { entry: file.inside };
  return openImage(
    { path, packing: packingOfFile(file, kind), ...entry },
    xzDecompressor(() => files.xz()),
    onProgress,
  );
}

/** By the file's original name, since a download has another one. Throws for formats that cannot be read. */
export function packingOfFile(file: ImageFile, kind: ImageKind): Packing {
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
