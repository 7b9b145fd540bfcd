/** Every key of a spec, by its JSON Schema: `dns.tsig.name`. The keys of a secret's reference, and those of an image's file, are told of once. */

export function keysOf(schema) {
  return new Map(below(schema, ''));
}

function below(schema, path) {
  const shapes = [schema, ...(schema.anyOf ?? [])].filter(
    (shape) => shape.properties !== undefined && !isReference(shape),
  );
  return shapes.flatMap(({ properties, required = [] }) =>
    Object.entries(properties).flatMap(([name, inner]) => {
      const key = path === '' ? name : `${path}.${name}`;
      return [[key, factsOf(inner, required.includes(name))], ...below(inner, key)];
    }),
  );
}

/** What a mapping has by default is told with its keys. */
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
