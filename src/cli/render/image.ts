/** Bundles, for people and programs. No output contains a key, encrypted or not. */

import type { Check, Manifest, SignatureState, Verdict } from '../../image';
import { bytes, oneLine } from './text';
import type { Colour, Paint } from './text';

export interface BundledFacts {
  readonly manifest: string;
  readonly name: string;
  readonly size: number;
  readonly bundledSize: number;
  readonly parts: number;
  /** Parts made now; the others were there already. */
  readonly made: number;
}

export function bundledText({ manifest, name, size, bundledSize, parts, made }: BundledFacts): string {
  const there = parts - made;
  const already = there === 0 ? '' : there === parts ? ', all there already' : `, ${there} there already`;
  return `Bundled ${name}: ${bytes(size)} in ${partsText(parts)} of ${bytes(bundledSize)}${already}.\n${manifest}`;
}

export interface UnbundledFacts {
  readonly image: string;
  readonly name: string;
  readonly size: number;
  readonly signature: SignatureState;
}

/** @param about what is known about the signature */
export function unbundledText({ image, name, size, signature }: UnbundledFacts, about: string): string {
  const signed = signature === 'verified' ? about : `Who made it is not verified. ${about}`;
  return [
    `Unbundled ${name}: ${bytes(size)}, each part and the whole with the digest that the manifest names.`,
    oneLine(signed),
    image,
  ].join('\n');
}

export interface Inspected {
  readonly path: string;
  readonly verdict: Verdict;
}

export function inspectedDocument(bundles: readonly Inspected[]): object {
  return {
    good: bundles.every(({ verdict }) => verdict.good),
    bundles: bundles.map(({ path, verdict: { good, checks, manifest } }) => ({
      manifest: path,
      good,
      checks,
      ...(manifest === undefined ? {} : factsOf(manifest)),
    })),
  };
}

function factsOf({
  prefix,
  kind,
  architecture,
  account,
  kernelId,
  ramdiskId,
  size,
  bundledSize,
  parts,
}: Manifest): object {
  return { name: prefix, kind, architecture, account, kernelId, ramdiskId, size, bundledSize, parts: parts.length };
}

const STYLE: Readonly<Record<Check['result'], { readonly mark: string; readonly colour: Colour }>> = {
  passed: { mark: '✓', colour: 'green' },
  failed: { mark: '✗', colour: 'red' },
  open: { mark: '–', colour: 'dim' },
};

export function inspectedText({ path, verdict }: Inspected, paint: Paint): string {
  const { checks, manifest } = verdict;
  const width = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.map(
    ({ id, result, detail }) =>
      `${paint[STYLE[result].colour](STYLE[result].mark)} ${id.padEnd(width)}  ${oneLine(detail)}`,
  );
  return [
    paint.bold(path),
    ...(manifest === undefined ? [] : [`  ${aboutText(manifest)}`]),
    ...lines,
    conclusion(checks),
  ].join('\n');
}

function aboutText({
  prefix,
  kind,
  architecture,
  account,
  kernelId,
  ramdiskId,
  size,
  bundledSize,
  parts,
}: Manifest): string {
  const bound = [kernelId, ramdiskId].filter((id) => id !== undefined);
  const words = [
    `${kind} ${prefix}`,
    architecture,
    `account ${account}`,
    ...bound,
    `${bytes(size)} in ${partsText(parts.length)} of ${bytes(bundledSize)}`,
  ];
  return oneLine(words.join(', '));
}

function partsText(count: number): string {
  return count === 1 ? 'one part' : `${count} parts`;
}

function conclusion(checks: readonly Check[]): string {
  const count = (wanted: Check['result']): number => checks.filter(({ result }) => result === wanted).length;
  if (count('failed') > 0) return `Bad: ${count('failed')} of ${checks.length} checks failed.`;
  return count('open') === 0
    ? 'Good.'
    : `Good as far as it was checked: ${count('open')} of ${checks.length} checks are open.`;
}
