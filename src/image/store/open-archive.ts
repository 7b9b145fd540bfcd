/**
 * Opens the archive of an image store: kernel, ramdisk and root image are read straight out of it. Archives come from elsewhere, so all
 * of it is read and checked before anything of it is used. Names are compared and never used as paths.
 */

import { DeployError } from '../../deployment/errors';
import { IMAGE_KINDS } from '../../deployment/spec';
import type { Hypervisor, ImageKind } from '../../deployment/spec';
import { isRegularFile, nextMember, skipMember } from '../archive/tar-reader';
import type { HeaderLimits, TarMember } from '../archive/tar-reader';
import { fileError, isZlibError } from '../errors';
import { PackedSource, gunzipped, readTarEntry } from '../packed-source';
import { openFile } from '../source';
import type { Source } from '../source';
import { ByteReader } from '../streams';
import { kindOfMember } from './layout';

export interface ArchiveRequest {
  readonly path: string;
  readonly kind: ImageKind;
  readonly hypervisor: Hypervisor;
  /** Bytes that the unpacked archive may have. A gzip file can grow a thousandfold. */
  readonly limit: number;
  /** What the catalogue says. */
  readonly rootSize?: number;
  /** Called again and again. */
  readonly onProgress?: () => void;
}

/** A store's archive has a handful. */
const MEMBER_LIMIT = 1000;
const HEADERS: HeaderLimits = { extendedHeader: 64 * 1024, perMember: 4 };
/** Python's limit for a record, and what tar pads to by default is far less. */
const PADDING_LIMIT = 1024 * 1024;

export async function openArchive(request: ArchiveRequest): Promise<Source> {
  const { path, kind, hypervisor, onProgress = () => undefined } = request;
  const outer = await openFile({ path });
  const unpacking = { outer, entry: undefined, xz: undefined, onProgress };
  try {
    const reader = new ByteReader(gunzipped(unpacking), 'IMAGE_SOURCE_DAMAGED');
    const found = await checkArchive(reader, request).finally(() => reader.close());
    const { index, size } = found[kind];
    const image = { size, open: () => readTarEntry(unpacking, index) };
    return new PackedSource(outer, image, `${outer.stamp} archive ${hypervisor} ${kind}`);
  } catch (error) {
    await outer.close();
    throw isZlibError(error)
      ? new DeployError('IMAGE_SOURCE_DAMAGED', `The archive ${path} is cut off or damaged.`)
      : fileError(path, error);
  }
}

interface FoundMember {
  /** Its place in the archive. */
  readonly index: number;
  readonly name: string;
  readonly size: number;
}

type FoundFiles = Readonly<Record<ImageKind, FoundMember>>;

/** Reads the archive to its end. */
async function checkArchive(reader: ByteReader, request: ArchiveRequest): Promise<FoundFiles> {
  const refuse = refusal(request.path);
  const [files, names] = [[] as FoundMember[], new Map<string, 'file' | 'folder'>()];
  let total = 0;
  for (let index = 0; ; index++) {
    const member = await nextMember(reader, HEADERS);
    if (member === undefined) break;
    if (index === MEMBER_LIMIT) throw refuse(`has more than ${MEMBER_LIMIT} members`);
    const name = checkedName(member, refuse);
    const type = typeOf(member, name, refuse);
    checkPlace(name, type, names, refuse);
    total += member.size;
    if (total > request.limit) throw refuse(`has more than ${request.limit} bytes unpacked`);
    if (type === 'file') files.push({ index, name, size: member.size });
    await skipMember(reader, member);
  }
  await checkEnd(reader, refuse);
  return chosen(files, request, refuse);
}

type Refuse = (why: string) => DeployError;

function refusal(path: string): Refuse {
  return (why) => new DeployError('IMAGE_ARCHIVE', `The archive ${path} is refused: it ${why}.`);
}

function checkedName({ name }: TarMember, refuse: Refuse): string {
  const shown = JSON.stringify(name.slice(0, 100));
  if (name.startsWith('/')) throw refuse(`has the absolute path ${shown}`);
  if (name.length > 255 || /[\0-\x1f\x7f\\]/.test(name))
    throw refuse(`has the name ${shown}, which is not a plain one`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse(`has the path ${shown}, which leads out of it`);
  return parts.join('/');
}

/** By type flag. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a character device',
  4: 'a block device',
  6: 'a named pipe',
};

function typeOf(member: TarMember, name: string, refuse: Refuse): 'file' | 'folder' {
  if (isRegularFile(member)) return 'file';
  if (member.type !== '5')
    throw refuse(`has ${OTHER_TYPES[member.type] ?? 'a member of an unknown type'}, ${JSON.stringify(name)}`);
  if (member.size > 0) throw refuse(`has the folder ${JSON.stringify(name)} with data of its own`);
  return 'folder';
}

/** Of two members with one name, each program takes another. */
function checkPlace(
  name: string,
  type: 'file' | 'folder',
  names: Map<string, 'file' | 'folder'>,
  refuse: Refuse,
): void {
  // The folder of all.
  if (name === '' && type === 'folder') return;
  if (name === '') throw refuse('has a file without a name');
  const before = names.get(name);
  if (before !== undefined && (before === 'file' || type === 'file'))
    throw refuse(`has two members with the name ${JSON.stringify(name)}`);
  const parts = name.split('/');
  for (let length = 1; length < parts.length; length++) {
    const folder = parts.slice(0, length).join('/');
    if (names.get(folder) === 'file') throw refuse(`has ${JSON.stringify(folder)} as a file and as a folder`);
    names.set(folder, 'folder');
  }
  names.set(name, type);
}

/** Behind the end there are zeros, to fill a record. Some programs would go on reading there. */
async function checkEnd(reader: ByteReader, refuse: Refuse): Promise<void> {
  let length = 0;
  for await (const bytes of reader.toEnd()) {
    length += bytes.length;
    if (length > PADDING_LIMIT || bytes.some((byte) => byte !== 0)) throw refuse('goes on after its end');
  }
}

function chosen(files: readonly FoundMember[], request: ArchiveRequest, refuse: Refuse): FoundFiles {
  const root = only('machine', files, refuse);
  if (request.rootSize !== undefined && request.rootSize !== root.size)
    throw refuse(`has a root image of ${root.size} bytes, and the catalogue says ${request.rootSize}`);
  const boot = bootFiles(files, folderOf(root.name), request.hypervisor);
  const found = { kernel: only('kernel', boot, refuse), ramdisk: only('ramdisk', boot, refuse), machine: root };
  for (const kind of IMAGE_KINDS)
    if (found[kind].size === 0) throw refuse(`has an empty ${kind === 'machine' ? 'root image' : kind}`);
  return found;
}

/** Beside the root image; else each hypervisor has a folder of its own. */
function bootFiles(files: readonly FoundMember[], folder: string, hypervisor: Hypervisor): readonly FoundMember[] {
  const own = files.filter(({ name }) => folderOf(name).split('/').at(-1) === `${hypervisor}-kernel`);
  const separate = files.some(({ name }) => /(^|\/)(kvm|xen)-kernel\//.test(name));
  return separate ? own : files.filter(({ name }) => folderOf(name) === folder);
}

const WORDS: Readonly<Record<ImageKind, string>> = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root image' };

function only(kind: ImageKind, files: readonly FoundMember[], refuse: Refuse): FoundMember {
  const [first, ...others] = files.filter(({ name }) => kindOfMember(name) === kind);
  if (first === undefined) throw refuse(`has no ${WORDS[kind]} where eustore looks for one`);
  if (others.length > 0) {
    const names = [first, ...others].slice(0, 5).map(({ name }) => JSON.stringify(name));
    throw refuse(`has more than one ${WORDS[kind]}: ${names.join(', ')}`);
  }
  return first;
}

function folderOf(name: string): string {
  return name.split('/').slice(0, -1).join('/');
}
