/**
 * The XML of manifests, read strictly and in one pass: a manifest may come from anywhere and have 5 MiB, and the worker reads it on its
 * event loop, so nothing here looks at any stretch of the text again and again. No DOCTYPE, so no entities but those of XML itself.
 */

import { DeployError } from '../deployment/errors';

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** All that is neither tag nor comment, without what is in the children. */
  readonly text: string;
  /** Where it begins and ends in the document, tags included. */
  readonly start: number;
  readonly end: number;
}

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  readonly start: number;
  text: string;
}

/** Manifests have five levels. */
const DEPTH = 32;
/** Of the 5 MiB that a manifest may have, each part takes 150 bytes and three elements. */
const ELEMENTS = 150_000;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
const NAME = /[A-Za-z_:][\w.:-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_:][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos);|#([0-9]{1,7});|#x([0-9A-Fa-f]{1,6});)?/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** @returns the root. Throws IMAGE_MANIFEST_BROKEN for what is not well-formed, or is cut off. */
export function readXml(text: string): Element {
  return new Reader(text).root();
}

export function broken(what: string): DeployError {
  return new DeployError('IMAGE_MANIFEST_BROKEN', `The manifest ${what}.`);
}

class Reader {
  private at: number;
  private readonly open: Open[] = [];
  private done: Element | undefined;
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
    if (innermost !== undefined) throw broken(`is cut off: it ends before </${innermost.name}>`);
    if (this.done === undefined) throw broken('is no XML: it has no element');
    return this.done;
  }

  private characters(end: number): void {
    const text = this.text.slice(this.at, end);
    this.at = end;
    const element = this.open.at(-1);
    if (element !== undefined) element.text += decoded(text);
    else if (/\S/.test(text))
      throw broken(this.done === undefined ? 'is no XML: it does not begin with an element' : 'goes on after its end');
  }

  private markup(): void {
    if (this.text.startsWith('<!--', this.at)) return void this.passedOver('<!--', '-->');
    if (this.text.startsWith('<?', this.at)) return void this.passedOver('<?', '?>');
    if (this.text.startsWith('<![CDATA[', this.at)) return this.literal();
    if (this.text.startsWith('</', this.at)) return this.close();
    this.begin();
  }

  private passedOver(opening: string, closing: string): string {
    const [start, end] = [this.at + opening.length, this.text.indexOf(closing, this.at + opening.length)];
    if (end === -1) throw broken(`is cut off: it ends before ${closing}`);
    this.at = end + closing.length;
    return this.text.slice(start, end);
  }

  private literal(): void {
    const text = this.passedOver('<![CDATA[', ']]>');
    const element = this.open.at(-1);
    if (element === undefined) throw broken('has text outside of its elements');
    element.text += text;
  }

  private begin(): void {
    const start = this.at;
    this.at += 1;
    const [name] = this.match(NAME) ?? [];
    if (name === undefined) throw broken('has a < that begins no element');
    if (this.open.length === DEPTH) throw broken(`has more than ${DEPTH} elements within each other`);
    if (this.open.length === 0 && this.done !== undefined) throw broken(`goes on after its end, with <${name}>`);
    this.elements += 1;
    if (this.elements > ELEMENTS) throw broken(`has more than ${ELEMENTS} elements`);
    const attributes = this.text[this.at] === '>' ? NO_ATTRIBUTES : this.attributes();
    const end = this.match(TAG_END);
    if (end === undefined) throw broken(`is cut off or damaged in <${name}>`);
    this.open.push({ name, attributes, children: [], start, text: '' });
    if (end[1] === '/') this.end();
  }

  private attributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    for (let found = this.match(ATTRIBUTE); found !== undefined; found = this.match(ATTRIBUTE)) {
      const [, name = '', double, single = ''] = found;
      if (attributes.has(name)) throw broken(`has an element with ${name} twice`);
      attributes.set(name, decoded(double ?? single));
    }
    return attributes;
  }

  private close(): void {
    this.at += 2;
    const [name = ''] = this.match(NAME) ?? [];
    const expected = this.open.at(-1)?.name;
    if (name !== expected)
      throw broken(`has </${name}> ${expected === undefined ? 'outside of everything' : `in place of </${expected}>`}`);
    if (this.match(TAG_END)?.[1] !== '') throw broken(`is cut off or damaged in </${name}>`);
    this.end();
  }

  private end(): void {
    const element = this.open.pop();
    if (element === undefined) return;
    const ended = { ...element, end: this.at };
    const parent = this.open.at(-1);
    if (parent === undefined) this.done = ended;
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

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (whole, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? '';
    const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal);
    if (!(code > 0 && code <= 0x10ffff)) throw broken(`has ${JSON.stringify(whole)}, which stands for no character`);
    return String.fromCodePoint(code);
  });
}
