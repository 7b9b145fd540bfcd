/** The bundle format: how clouds take kernels, ramdisks and machine images. Streams only; knows nothing of clouds or Temporal. */

export { xzDecompressor } from './archive/xz';
export type { XzDecompressor, XzProcess } from './archive/xz';
export { Bundle, openBundle } from './bundle/bundle';
export type { BundleOptions, BundleRequest, IsStored } from './bundle/bundle';
export { compareImage } from './bundle/compare';
export type { Comparison } from './bundle/compare';
export { readCertificate, readIdentity, readPrivateKey } from './bundle/credentials';
export type { Credentials, Identity } from './bundle/credentials';
export { checkFacts, checkImageSize, checkName } from './bundle/facts';
export type { BlockDevice, BundleFacts } from './bundle/facts';
export { partsInFolder, writeBundle, writeImage } from './bundle/folder';
export { inspect, verifySignature } from './bundle/inspect';
export type { Check, CheckId, InspectInput, SignatureFinding, SignatureState, Verdict } from './bundle/inspect';
export { openJournal } from './bundle/journal';
export type { Journal } from './bundle/journal';
export { isPartName } from './bundle/parts';
export type { Part, PartRecord } from './bundle/parts';
export { unbundle } from './bundle/unbundle';
export type { ReadPart } from './bundle/unbundle';
export { MANIFEST_LIMIT, readManifest } from './manifest/reader';
export type { Manifest } from './manifest/reader';
export { manifestName } from './manifest/writer';
export { openImage, packingOf } from './packed-source';
export type { PackedFile, Packing } from './packed-source';
export { rawSource } from './converted-source';
export type { ConvertDisk } from './converted-source';
export type { DiskFormat } from './disk-format';
export { openFile } from './source';
export type { FileRange, Source } from './source';
export {
  CATALOG_LIMIT,
  CATALOG_NAME,
  archiveLocation,
  archiveName,
  imageOf,
  parseCatalog,
  putImage,
  recordOf,
  selectImage,
  weakChecksum,
} from './store/catalog';
export type { CatalogImage } from './store/catalog';
export { checkArchiveName } from './store/layout';
export { openArchive } from './store/open-archive';
export { pack, tarSize } from './store/pack';
export type { Packed } from './store/pack';
