/** The part of the Compose format that docker-compose.yml uses. Other keys are misspelt, or must be added here. */

export interface Service {
  image: string;
  build?: { context: string; target: string };
  restart?: string;
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  healthcheck?: object;
  depends_on?: Record<string, { condition: string }>;
  profiles?: string[];
  stop_grace_period?: string;
  init?: boolean;
}

export interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text, minItems: 1 } as const;
const duration = { type: 'string', pattern: '^\\d+(s|m|h)$' } as const;

function object(properties: object, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

function mapOf(values: object): object {
  return { type: 'object', additionalProperties: values };
}

const service = object(
  {
    image: text,
    build: object({ context: text, target: text }, ['context', 'target']),
    restart: { type: 'string', pattern: '^(no|always|unless-stopped|on-failure(:\\d+)?)$' },
    entrypoint: texts,
    command: texts,
    // Numbers and booleans must be quoted, because YAML would change their format.
    environment: mapOf(text),
    env_file: { type: 'array', items: object({ path: text, required: { type: 'boolean' } }, ['path']) },
    volumes: { type: 'array', items: { type: 'string', pattern: '^[^:]+:/[^:]*(:ro)?$' } },
    ports: texts,
    healthcheck: object(
      {
        test: { type: 'array', items: text, minItems: 2 },
        interval: duration,
        timeout: duration,
        start_period: duration,
        retries: { type: 'integer', minimum: 1 },
      },
      ['test'],
    ),
    depends_on: mapOf(
      object({ condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] } }, [
        'condition',
      ]),
    ),
    profiles: texts,
    init: { type: 'boolean' },
    network_mode: { const: 'host' },
    stop_grace_period: duration,
  },
  ['image'],
);

export const COMPOSE_SCHEMA = {
  type: 'object',
  properties: { name: text, services: mapOf(service), volumes: mapOf({ type: 'null' }) },
  patternProperties: { '^x-': {} },
  required: ['services', 'volumes'],
  additionalProperties: false,
} as const;
