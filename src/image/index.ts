/** The bundle format: what a cloud takes for a kernel, a ramdisk or a machine image. Streams only; knows nothing of clouds or Temporal. */

export { Bundle, openBundle } from './bundle';
export type { BundleOptions, BundleRequest, IsThere } from './bundle';
export { SIZE_LIMITS, checkFacts, checkName } from './checks';
export type { Architecture, BlockDevice, BundleFacts, ImageKind, SizeLimits } from './checks';
export { compareImage } from './compare';
export type { Likeness } from './compare';
export { partsIn, writeBundle, writeImage } from './folder';
export { inspect } from './inspect';
export type { Check, CheckId, InspectInput, Verdict } from './inspect';
export { openJournal } from './journal';
export type { Journal } from './journal';
export { readCertificate, readIdentity, readPrivateKey } from './keys';
export type { Credentials, Identity } from './keys';
export { manifestName } from './manifest';
export { MANIFEST_LIMIT, readManifest } from './manifest-reader';
export type { Manifest } from './manifest-reader';
export { openImage } from './packed';
export type { PackedFile, Packing, Unxz } from './packed';
export { packingOf } from './packing';
export type { Part, PartRecord } from './parts';
export { signatureOf } from './signature';
export type { SignatureFinding, SignatureState } from './signature';
export { openFile } from './source';
export type { FilePart, Source } from './source';
export { unbundle } from './unbundle';
export type { ReadPart } from './unbundle';
export { unxzBy } from './unxz';
