/**
 * All keys of a spec, such as `dns.tsig.name`, from its JSON Schema. The docs list the keys of secret references and
 * image files once. A key that the user names is `<group>`.
 */

export function keysOf(schema) {
  return new Map(below(schema, ''));
}

function below(schema, path) {
  const shapes = [schema, ...(schema.anyOf ?? [])].filter(
    (shape) => shape.properties !== undefined && !isReference(shape),
  );
  return shapes.flatMap(({ properties, additionalProperties, required = [] }) =>
    Object.entries({
      ...properties,
      ...(typeof additionalProperties === 'object' ? { '<group>': additionalProperties } : {}),
    }).flatMap(([name, inner]) => {
      const key = path === '' ? name : `${path}.${name}`;
      return [[key, factsOf(inner, required.includes(name))], ...below(inner, key)];
    }),
  );
}

/** The default of a mapping is not checked: its keys have their own. */
function factsOf(schema, isRequired) {
  if (isRequired) return { default: 'needed' };
  const { default: value } = schema;
  if (Array.isArray(value)) return { default: `\`[${value.join(', ')}]\`` };
  return value === undefined || typeof value === 'object' ? {} : { default: `\`${value}\`` };
}

function isReference({ properties, maxProperties }) {
  return (
    (maxProperties === 1 && 'env' in properties && 'file' in properties) ||
    ('url' in properties && 'sha256' in properties)
  );
}
