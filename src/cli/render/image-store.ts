/** Archives and catalogues of image servers, for people. */

import { archiveName } from '../../image';
import type { CatalogImage, Packed } from '../../image';
import { alignedRows } from './tables';
import { bytes, oneLine } from './text';
import type { Paint } from './text';

export function packedText(packed: Packed, image: CatalogImage, catalog: string): string {
  const { path, size, reused } = packed;
  const before =
    reused === 0
      ? ''
      : reused === size
        ? ', which was there already'
        : `, ${bytes(reused)} of it made by an earlier run`;
  return [
    `Packed ${archiveName(image)}: a root image of ${bytes(image.rootSize ?? 0)} in an archive of ${bytes(size)}${before}.`,
    path,
    `Entry ${image.name} in ${catalog}`,
  ].join('\n');
}

export function catalogTable(images: readonly CatalogImage[], paint: Paint): string {
  if (images.length === 0) return 'The catalogue is empty.';
  const rows = images.map((image) =>
    [
      archiveName(image),
      image.name,
      image.version,
      image.architecture,
      image.rootSize === undefined ? '' : bytes(image.rootSize),
      image.cloudInit === undefined ? '' : image.cloudInit ? 'yes' : 'no',
      image.sha256 === undefined ? 'CRC-32 (weak)' : 'SHA-256',
      image.description,
    ].map(oneLine),
  );
  const head = ['ARCHIVE', 'ENTRY', 'VERSION', 'ARCH', 'ROOT', 'CLOUD-INIT', 'VERIFIED BY', 'DESCRIPTION'];
  return alignedRows([head, ...rows])
    .map((line, index) => (index === 0 ? paint.dim(line) : line))
    .join('\n');
}
