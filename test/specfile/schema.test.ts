import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/specfile/schema';
import { BAD_SPECS, GOOD } from './bad-specs';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly anyOf?: readonly Node[];
}

describe('the JSON Schema', () => {
  const schema = jsonSchema();
  const accepts = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

  it('accepts every example', () => {
    for (const name of readdirSync('examples').filter((file) => file.endsWith('.yaml')))
      assert.ok(accepts(parse(readFileSync(`examples/${name}`, 'utf8'))), `${name}: ${JSON.stringify(accepts.errors)}`);
    assert.ok(accepts(parse(GOOD)));
  });

  it('refuses what an editor can detect', () => {
    const visible = [
      'a misspelt section',
      'no name',
      'the name Dev',
      'an unknown release',
      'credentials in plain',
      'the port 65536',
      'an unknown kind',
      'replace: yes',
      'an empty access list',
      'too many name servers',
      'a duration without its unit',
    ];
    const specs = BAD_SPECS.filter(({ what }) => visible.includes(what));
    assert.equal(specs.length, visible.length);
    for (const { what, text } of specs) assert.equal(accepts(parse(text)), false, what);
  });

  it('describes every key, and allows no others', () => {
    const check = (node: Node, path: string): void => {
      assert.ok((node.description ?? '') !== '', path);
      const { additionalProperties: others } = node;
      if (typeof others === 'object') check(others, `${path}.<group>`);
      else if (node.properties !== undefined) assert.equal(others, false, path);
      for (const [key, inner] of Object.entries(node.properties ?? {})) check(inner, `${path}.${key}`);
      for (const branch of node.anyOf ?? []) check(branch, path);
    };
    check(schema, '');
  });
});
