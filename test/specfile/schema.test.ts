import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/specfile/schema';
import { BAD_SPECS, GOOD } from './bad-specs';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: unknown;
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

  it('refuses what an editor can see', () => {
    const seen = [
      'a misspelt section',
      'no name',
      'the name Dev',
      'an unknown release',
      'credentials in plain',
      'the port 65536',
      'an unknown kind',
      'replace: yes',
      'nobody',
      'too many name servers',
      'a duration without its unit',
    ];
    const specs = BAD_SPECS.filter(({ what }) => seen.includes(what));
    assert.equal(specs.length, seen.length);
    for (const { what, text } of specs) assert.equal(accepts(parse(text)), false, what);
  });

  it('explains every key, and knows no others', () => {
    const look = (node: Node, path: string): void => {
      assert.ok((node.description ?? '') !== '', path);
      if (node.properties !== undefined) assert.equal(node.additionalProperties, false, path);
      for (const [key, inner] of Object.entries(node.properties ?? {})) look(inner, `${path}.${key}`);
      for (const branch of node.anyOf ?? []) look(branch, path);
    };
    look(schema, '');
  });
});
