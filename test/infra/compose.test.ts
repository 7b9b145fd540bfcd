/** Checks docker-compose.yml and the files it uses, without a container engine. */

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { SEARCH_ATTRIBUTE } from '../../src/deployment/names';
import { SHUTDOWN_FORCE_SECONDS } from '../../src/worker/options';
import { COMPOSE_SCHEMA } from './compose-schema';
import type { ComposeFile, Service } from './compose-schema';

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
const dockerfile = readFileSync('Dockerfile', 'utf8');
const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, image, name]) => ({
  image: image!,
  name: name!,
}));
const PINNED = /:\d+\.\d+[\w.-]*$/;

function mountsOf(service: Service): { source: string; target: string }[] {
  return (service.volumes ?? []).map((volume) => {
    const [source = '', target = ''] = volume.split(':');
    return { source, target };
  });
}

describe('docker-compose.yml', () => {
  it('has the shape of a Compose file, and no key misspelt', () => {
    const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
    assert.ok(ajv.validate(COMPOSE_SCHEMA, compose), ajv.errorsText());
  });

  it('has the services of the product', () => {
    assert.deepEqual(Object.keys(compose.services), [
      'postgres',
      'temporal-schema',
      'temporal',
      'temporal-namespace',
      'temporal-ui',
      'worker',
      'lab',
    ]);
  });

  it('pins every image', () => {
    for (const [, { image }] of services) assert.match(image, PINNED);
  });

  it('publishes on loopback only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    assert.equal(ports.length, 2);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  });

  it('mounts what is there', () => {
    for (const { source } of services.flatMap(([, service]) => mountsOf(service))) {
      assert.ok(source.startsWith('./') ? existsSync(source) : source in compose.volumes, source);
    }
  });

  it('waits for services that exist and can be what it waits for', () => {
    for (const [other, { condition }] of services.flatMap(([, service]) => Object.entries(service.depends_on ?? {}))) {
      const awaited = compose.services[other];
      assert.ok(awaited, other);
      if (condition === 'service_healthy') assert.ok(awaited.healthcheck, `${other} has no health check`);
      if (condition === 'service_completed_successfully') assert.match(awaited.restart ?? 'no', /^(no|on-failure.*)$/);
    }
  });

  it('builds stages of the Dockerfile', () => {
    const built = services.flatMap(([, { build }]) => (build === undefined ? [] : [build.target]));
    assert.deepEqual(built, ['worker', 'lab']);
    for (const target of built)
      assert.ok(
        stages.some(({ name }) => name === target),
        target,
      );
  });

  it('holds no password', () => {
    for (const [key, value] of services.flatMap(([, { environment }]) => Object.entries(environment ?? {}))) {
      if (/PASSWORD|PWD|SECRET|TOKEN/.test(key)) assert.match(value, /^\$\{\w+:\?.*\}$/);
    }
  });

  it('keeps the database in a named volume', () => {
    const data = mountsOf(compose.services.postgres!).find(({ target }) => target === '/var/lib/postgresql/data');
    assert.ok(data !== undefined && data.source in compose.volumes);
  });

  it('lets a worker end by itself before it is killed', () => {
    const { stop_grace_period: grace = '', init } = compose.services.worker!;
    assert.ok(Number(/^(\d+)s$/.exec(grace)?.[1]) > SHUTDOWN_FORCE_SECONDS);
    assert.equal(init, true);
  });

  it('starts the lab only when asked', () => {
    assert.deepEqual(
      services.filter(([, service]) => service.profiles !== undefined).map(([name]) => name),
      ['lab'],
    );
  });
});

describe('what docker-compose.yml mounts and builds', () => {
  for (const script of readdirSync('docker').filter((name) => name.endsWith('.sh'))) {
    it(`docker/${script} is shell that every sh understands`, () => {
      execFileSync('sh', ['-n', `docker/${script}`]);
      assert.doesNotMatch(readFileSync(`docker/${script}`, 'utf8'), /\[\[|\$\{@:|<<<|\bfunction /);
    });
  }

  it('registers every search attribute of the product', () => {
    const script = readFileSync('docker/setup-namespace.sh', 'utf8');
    for (const attribute of Object.values(SEARCH_ATTRIBUTE)) assert.match(script, new RegExp(`\\b${attribute}\\b`));
  });

  it('has a dynamic configuration of lists of values', () => {
    const settings = parse(readFileSync('docker/dynamicconfig.yaml', 'utf8')) as Record<string, { value: unknown }[]>;
    for (const [key, values] of Object.entries(settings))
      assert.ok(
        values.every(({ value }) => value !== undefined),
        key,
      );
  });

  it('has a Dockerfile of pinned images, that runs as nobody special', () => {
    for (const { image } of stages) assert.ok(PINNED.test(image) || stages.some(({ name }) => name === image), image);
    assert.doesNotMatch(dockerfile, /alpine/);
    for (const name of ['worker', 'lab']) {
      const [, stage = ''] = dockerfile.split(new RegExp(`^FROM \\S+ AS ${name}$`, 'm'));
      assert.match(stage.split(/^FROM/m)[0]!, /^USER node$/m);
    }
  });

  it('copies what exists and what .dockerignore lets through', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const [, names = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const name of names.split(' ').filter((path) => path !== '.')) {
        assert.ok(existsSync(name), name);
        assert.ok(allowed.includes(name), `${name} is not in .dockerignore`);
      }
    }
  });

  it('has a health check for the worker that fails where there is none', () => {
    const run = (): Buffer =>
      execFileSync(process.execPath, ['docker/worker-health.cjs'], {
        env: { STACKATO_DEPLOY_METRICS: '127.0.0.1:9' },
        stdio: 'pipe',
      });
    assert.throws(run, /does not poll for work/);
  });
});
