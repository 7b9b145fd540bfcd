/** Whence an image comes and who signs it. */

import { openImage, packingOf, readIdentity, xzDecompressor } from '../../image';
import type { Identity, Packing, Source } from '../../image';
import type { ImagePart } from '../../deployment/messages';
import type { ImageFile, ImageSpec } from '../../deployment/types';
import type { ImageFiles, Secrets } from '../ports';

/**
 * @param path of the file itself, fetched if it had to be
 * @param moved called again and again while something is unpacked
 */
export function openSource(
  files: ImageFiles,
  file: ImageFile,
  part: ImagePart,
  path: string,
  moved: () => void,
): Promise<Source> {
  const entry = file.inside === undefined ? {} : { entry: file.inside };
  return openImage(
    { path, packing: packingFor(file, part), ...entry },
    xzDecompressor(() => files.xz()),
    moved,
  );
}

/** By the name it has where it comes from; throws where nobody could read it. */
export function packingFor(file: ImageFile, part: ImagePart): Packing {
  return packingOf('url' in file ? new URL(file.url).pathname : file.file, part);
}

export async function identityOf(
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
