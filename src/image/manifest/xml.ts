/**
 * Reads the XML of manifests, strictly and in one pass. A manifest may come from anywhere and have 5 MiB, and the worker reads it on its
 * event loop, so no part of the text may be scanned repeatedly. A DOCTYPE is refused, so there are only XML's own entities.
 * Not fast-xml-parser: the reader of the signature needs to know where in the text an element begins and ends.
 */

import { DeployError } from '../../deployment/errors';

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** Without tags, comments, and the text of children. */
  readonly text: string;
  /** Offsets in the document, tags included. */
  readonly start: number;
  readonly end: number;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  readonly start: number;
  text: string;
}

/** Manifests have five levels. */
const DEPTH_LIMIT = 32;
/** A manifest has at most 5 MiB, and each part takes 150 bytes and three elements. */
const ELEMENT_LIMIT = 150_000;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
const NAME = /[A-Za-z_:][\w.:-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_:][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos);|#([0-9]{1,7});|#x([0-9A-Fa-f]{1,6});)?/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Returns the root element. Throws IMAGE_MANIFEST_BROKEN if the text is not well-formed, or is cut off. */
export function readXml(text: string): Element {
  return new Reader(text).root();
}

export function badManifest(what: string): DeployError {
  return new DeployError('IMAGE_MANIFEST_BROKEN', `The manifest ${what}.`);
}

class Reader {
  private at: number;
  private readonly open: OpenElement[] = [];
  private finished: Element | undefined;
  private elements = 0;

  constructor(private readonly text: string) {
    this.at = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  }

  root(): Element {
    while (this.at < this.text.length) {
      const next = this.text.indexOf('<', this.at);
      this.characters(next === -1 ? this.text.length : next);
      if (next !== -1) this.markup();
    }
    const innermost = this.open.at(-1);
    if (innermost !== undefined) throw badManifest(`is cut off: it ends before </${innermost.name}>`);
    if (this.finished === undefined) throw badManifest('is not XML: it has no element');
    return this.finished;
  }

  private characters(end: number): void {
    const text = this.text.slice(this.at, end);
    this.at = end;
    const element = this.open.at(-1);
    if (element !== undefined) element.text += decodeEntities(text);
    else if (/\S/.test(text))
      throw badManifest(
        this.finished === undefined ? 'is not XML: it does not begin with an element' : 'goes on after its end',
      );
  }

  private markup(): void {
    if (this.text.startsWith('<!--', this.at)) return void this.skipPast('<!--', '-->');
    if (this.text.startsWith('<?', this.at)) return void this.skipPast('<?', '?>');
    if (this.text.startsWith('<![CDATA[', this.at)) return this.cdata();
    if (this.text.startsWith('</', this.at)) return this.closeElement();
    this.openElement();
  }

  private skipPast(opening: string, closing: string): string {
    const [start, end] = [this.at + opening.length, this.text.indexOf(closing, this.at + opening.length)];
    if (end === -1) throw badManifest(`is cut off: it ends before ${closing}`);
    this.at = end + closing.length;
    return this.text.slice(start, end);
  }

  private cdata(): void {
    const text = this.skipPast('<![CDATA[', ']]>');
    const element = this.open.at(-1);
    if (element === undefined) throw badManifest('has text outside of its elements');
    element.text += text;
  }

  private openElement(): void {
    const start = this.at;
    this.at += 1;
    const [name] = this.match(NAME) ?? [];
    if (name === undefined) throw badManifest('has a < that does not begin an element');
    if (this.open.length === DEPTH_LIMIT) throw badManifest(`has elements nested more than ${DEPTH_LIMIT} deep`);
    if (this.open.length === 0 && this.finished !== undefined)
      throw badManifest(`goes on after its end, with <${name}>`);
    this.elements += 1;
    if (this.elements > ELEMENT_LIMIT) throw badManifest(`has more than ${ELEMENT_LIMIT} elements`);
    const attributes = this.text[this.at] === '>' ? NO_ATTRIBUTES : this.attributes();
    const end = this.match(TAG_END);
    if (end === undefined) throw badManifest(`is cut off or damaged in <${name}>`);
    this.open.push({ name, attributes, children: [], start, text: '' });
    if (end[1] === '/') this.finishElement();
  }

  private attributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    for (let found = this.match(ATTRIBUTE); found !== undefined; found = this.match(ATTRIBUTE)) {
      const [, name = '', double, single = ''] = found;
      if (attributes.has(name)) throw badManifest(`has an element with ${name} twice`);
      attributes.set(name, decodeEntities(double ?? single));
    }
    return attributes;
  }

  private closeElement(): void {
    this.at += 2;
    const [name = ''] = this.match(NAME) ?? [];
    const expected = this.open.at(-1)?.name;
    if (name !== expected)
      throw badManifest(
        `has </${name}> ${expected === undefined ? 'outside of everything' : `in place of </${expected}>`}`,
      );
    if (this.match(TAG_END)?.[1] !== '') throw badManifest(`is cut off or damaged in </${name}>`);
    this.finishElement();
  }

  private finishElement(): void {
    const element = this.open.pop();
    if (element === undefined) return;
    const ended = { ...element, end: this.at };
    const parent = this.open.at(-1);
    if (parent === undefined) this.finished = ended;
    else parent.children.push(ended);
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (whole, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? '';
    const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal);
    if (!(code > 0 && code <= 0x10ffff))
      throw badManifest(`has ${JSON.stringify(whole)}, which stands for no character`);
    return String.fromCodePoint(code);
  });
}
