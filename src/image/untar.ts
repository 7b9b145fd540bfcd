/** Reads tar archives as a stream. */

import { DeployError } from '../spec/errors';
import { ByteInput } from './byte-input';
import { isZero } from './compressor';
import { TAR_BLOCK, padding, readTarHeader } from './tar';
import type { TarMember } from './tar';

const PLAIN = ['0', '\0'];
/** Extended headers: names, times and sizes of what follows. No header is very long. */
const BESIDES = ['x', 'g', 'L', 'K'];
const BESIDES_LIMIT = 1024 * 1024;

export function isPlain({ type }: TarMember): boolean {
  return PLAIN.includes(type);
}

/** The header of the next member, its data being next; undefined at the archive's end. */
export async function nextMember(input: ByteInput): Promise<TarMember | undefined> {
  for (let size: number | undefined; ; ) {
    const block = await input.exactly(TAR_BLOCK);
    if (isZero(block)) return undefined;
    const member = readTarHeader(block, input.short);
    if (!BESIDES.includes(member.type) || member.size > BESIDES_LIMIT) return { ...member, size: size ?? member.size };
    const text = (await input.exactly(member.size + padding(member.size))).toString('latin1', 0, member.size);
    // How archives of the pax kind tell a size that the header has no room for.
    const stated = member.type === 'x' ? /(?:^|\n)\d+ size=(\d+)\n/.exec(text)?.[1] : undefined;
    if (stated !== undefined) size = Number(stated);
  }
}

/** The one file of a bundle's archive, of this size; reads on to the archive's end, so that who hashes the archive sees all of it. */
export async function* untar(archive: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(archive, 'IMAGE_BUNDLE_BROKEN');
  const member = await nextMember(input);
  if (member === undefined) throw new DeployError('IMAGE_BUNDLE_BROKEN', 'The archive is empty.');
  if (!isPlain(member)) throw new DeployError('IMAGE_FORMAT', 'The archive holds something else than one plain file (a sparse one, perhaps).');
  if (member.size !== size) throw new DeployError('IMAGE_BUNDLE_BROKEN', `The archive holds ${member.size} bytes, the manifest says ${size}.`);
  yield* input.upTo(size);
  await input.drain();
}
