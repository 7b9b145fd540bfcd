import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { formatProblems, loadSpec, parseSpec } from '../../src/specfile/loader';
import type { Loaded, Problem } from '../../src/specfile/loader';
import { RELEASE_NAMES } from '../../src/deployment/releases';
import type { ClusterSpec, DeploymentSpec } from '../../src/deployment/spec';
import { katoOf } from '../../src/machine/kato';
import { BAD_SPECS, GOOD, PUBLISHES, SECRET, fromCatalog } from './bad-specs';

function problemsOf(loaded: Loaded): readonly Problem[] {
  assert.ok(!loaded.ok, 'it was accepted');
  return loaded.problems;
}

const OPTIONAL_SECTIONS = `
ssh: { user: ops, port: 2222, password: { env: A }, key: { file: b }, hostKey: "SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s" }
network: { mode: static, netmask: 255.255.255.0, gateway: 10.0.0.1, nameservers: [10.0.0.2], search: [example.com] }
admin: { email: a@example.com, password: { env: A } }
access: { ssh: [10.0.0.0/8], console: [10.0.0.0/8] }
console: { httpPort: 8080, httpsPort: 8443 }
timing: { poll: 1s, rebootWait: 1s, authGrace: 1s, deadline: { cloud: 1m, dns: 1m } }
`;

const CLUSTER = `nodes: { core: { roles: [dea], zone: a }, data: { roles: [mysql], count: 1, storage: { containers: root } } }
rollout: { parallel: 2, canary: 1 }
`;

/** The path of every value in it, sections included. */
function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner).map((path) => [key, ...path]))];
}

function withValueAt(value: unknown, [key, ...path]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  const inner = withValueAt((value as Record<string, unknown>)[key], path, to);
  return Array.isArray(value)
    ? value.map((each: unknown, i) => (String(i) === key ? inner : each))
    : { ...(value as object), [key]: inner };
}

describe('a bad spec', () => {
  it('comes in many kinds', () => {
    assert.ok(BAD_SPECS.length >= 60, `${BAD_SPECS.length}`);
    assert.equal(new Set(BAD_SPECS.map(({ text }) => text)).size, BAD_SPECS.length);
    assert.ok(parseSpec(GOOD, 'good.yaml').ok);
  });

  for (const { what, text, at, says, point } of BAD_SPECS) {
    it(`${point === undefined ? '' : `${point}: `}with ${what} is refused`, () => {
      const problems = problemsOf(parseSpec(text, 'bad.yaml'));
      assert.deepEqual(
        problems.map(({ line, path }) => `${line} ${path}`),
        at,
        formatProblems(problems),
      );
      assert.match(`${problems[0]!.message} — ${problems[0]!.hint}`, says);
      for (const { file, message, hint, column } of problems) {
        assert.equal(file, 'bad.yaml');
        assert.ok(message.trim() !== '' && hint.trim() !== '' && column >= 1);
      }
      assert.ok(!formatProblems(problems).toLowerCase().includes(SECRET.toLowerCase()), formatProblems(problems));
    });
  }

  it('is refused without a crash, whatever the value of any key, and the value is never repeated', () => {
    const strange = [
      SECRET,
      `${SECRET}\nsend`,
      4711.5,
      -1,
      null,
      true,
      [],
      [SECRET, [SECRET]],
      {},
      { [SECRET]: null },
      { [`${SECRET} `]: SECRET },
      { env: `$${SECRET}` },
      { file: `~${SECRET}` },
      { file: `\n${SECRET}` },
    ];
    let refusals = 0;
    const everywhere = [GOOD, PUBLISHES].map((good) => [`${good}address: allocate\n${OPTIONAL_SECTIONS}`, ''] as const);
    for (const [text, below] of [...everywhere, [`${GOOD}${CLUSTER}`, 'nodes'] as const]) {
      const complete: unknown = parse(text);
      assert.ok(parseSpec(JSON.stringify(complete), 'x').ok);
      const paths = pathsIn(complete).filter(([section]) => below === '' || section === below);
      for (const [path, value] of paths.flatMap((each) => strange.map((value) => [each, value] as const))) {
        const loaded = parseSpec(JSON.stringify(withValueAt(complete, path, value)), 'x');
        if (loaded.ok) continue;
        refusals += 1;
        const shown = formatProblems(loaded.problems);
        assert.ok(!shown.includes(SECRET) && !shown.includes('4711'), shown);
        assert.ok(
          loaded.problems.every(({ message, hint }) => message.trim() !== '' && hint.trim() !== ''),
          shown,
        );
      }
    }
    assert.ok(refusals > 500, `${refusals}`);
  });

  it('is reported with all problems at once, in the order of the file', () => {
    const text = GOOD.replace('2.6.6', '9.9')
      .replace('10.1.1.254', '1.2.3')
      .replace('m1.large', '"a b"')
      .replace('name: dev\n', 'name: _\n');
    assert.deepEqual(
      problemsOf(parseSpec(text, 'x')).map(({ path }) => path),
      ['name', 'release', 'instance.type', 'dns.server'],
    );
  });

  it('13: gives the first administrator name, organization and space, from 3.0 on', () => {
    const adminOf = (release: string, more = ''): unknown => {
      const text = `${GOOD.replace('2.6.6', release)}admin: { email: a@example.com, password: { env: A }${more} }\n`;
      const loaded = parseSpec(text, 'x');
      return loaded.ok ? loaded.spec.admin : loaded.problems;
    };
    const account = { email: 'a@example.com', password: { env: 'A' } };
    assert.deepEqual(adminOf('2.10.6'), account);
    assert.deepEqual(adminOf('3.0.1'), {
      ...account,
      username: 'a@example.com',
      organization: 'default',
      space: 'default',
    });
    assert.deepEqual(adminOf('3.6.2', ', username: ops, organization: Acme Ltd, space: dev'), {
      ...account,
      username: 'ops',
      organization: 'Acme Ltd',
      space: 'dev',
    });
  });

  it('names a release that is not known, and does not pass the schema', () => {
    const unknown = ['2.1.9', '1.2.6', '2.2', '2.8.0', '3.0', 'v3.6.1', '4.0.0', '', '26', 'latest', 'toString'];
    const known: readonly string[] = RELEASE_NAMES;
    for (const release of [...unknown, ...known]) {
      const loaded = parseSpec(GOOD.replace('release: 2.6.6', `release: "${release}"`), 'x');
      if (loaded.ok) assert.equal(katoOf(loaded.spec.release).version, 'timeout -k 2 10 kato version');
      assert.deepEqual(
        loaded.ok ? [] : loaded.problems.map(({ path }) => path),
        known.includes(release) ? [] : ['release'],
        release,
      );
    }
  });

  it('is reported by file, line and column, in the format that editors parse', () => {
    assert.equal(
      formatProblems(problemsOf(parseSpec(GOOD.replace('zone: example.com', 'zone: example..com'), 'dir/a.yaml'))),
      'dir/a.yaml:11:9  dns.zone: has an empty part — take out the leading or doubled dot',
    );
  });
});

describe('a good spec', () => {
  const specOf = (text: string): unknown => {
    const loaded = parseSpec(text, '/specs/a.yaml');
    assert.ok(loaded.ok, loaded.ok ? '' : formatProblems(loaded.problems));
    return loaded.spec;
  };
  const minute = 60_000;
  const complete = {
    name: 'dev',
    release: '2.6.6',
    cloud: {
      kind: 'eucalyptus-3.2',
      endpoint: 'http://clc:8773/services/Eucalyptus',
      region: 'eucalyptus',
      credentials: { accessKey: { env: 'EC2_ACCESS_KEY' }, secretKey: { env: 'EC2_SECRET_KEY' } },
    },
    image: { id: 'emi-12345678' },
    instance: { type: 'm1.large' },
    address: { allocate: true },
    dns: { server: '10.1.1.254', port: 53, zone: 'example.com', name: 'dev.example.com', ttl: 600, replace: false },
    ssh: { user: 'stackato', port: 22 },
    network: { mode: 'static' },
    access: { ssh: ['0.0.0.0/0'], console: ['0.0.0.0/0'] },
    console: { httpPort: 80, httpsPort: 443 },
    timing: {
      poll: 5_000,
      rebootWait: 45_000,
      authGrace: minute,
      deadline: {
        cloud: 10 * minute,
        dns: 5 * minute,
        launch: 15 * minute,
        ready: 20 * minute,
        command: 45 * minute,
        reboot: 20 * minute,
        console: 20 * minute,
        publish: 360 * minute,
      },
    },
  };

  it('gets every default', () => {
    assert.deepEqual(specOf(GOOD), complete);
  });

  it('may be JSON, have a byte order mark, other line ends, anchors, and quotes', () => {
    const json = JSON.stringify({
      name: 'dev',
      release: '2.6.6',
      cloud: { kind: complete.cloud.kind, endpoint: complete.cloud.endpoint },
      image: 'emi-12345678',
      instance: { type: 'm1.large' },
      dns: { server: '10.1.1.254', zone: 'example.com', name: 'dev.example.com' },
    });
    const variants = [
      json,
      `\ufeff${GOOD}`,
      GOOD.replaceAll('\n', '\r\n'),
      GOOD.replace('2.6.6', '"2.6.6"'),
      `%YAML 1.1\n---\n${GOOD}`,
      `${GOOD}...\n`,
    ];
    for (const text of variants) assert.deepEqual(specOf(text), complete, text);
    assert.deepEqual(specOf(`${GOOD}access: { ssh: &us [10.0.0.0/8], console: *us }\n`), {
      ...complete,
      access: { ssh: ['10.0.0.0/8'], console: ['10.0.0.0/8'] },
    });
  });

  it('F22: may end with a line ---, or begin with two: empty documents are ignored', () => {
    const empty = ['---\n', '---', '--- \n# nothing\n', '---\n---\n...\n', '...\n---\n', '---\n~\n'];
    for (const text of [
      ...empty.map((end) => GOOD + end),
      `---\n---\n${GOOD}`,
      `${GOOD}---\n`.replaceAll('\n', '\r\n'),
    ])
      assert.deepEqual(specOf(text), complete, text);
  });

  it('F23: may have any gateway that is a host address, and any image id that its cloud can have', () => {
    for (const [netmask, gateway] of [
      ['255.255.254.0', '10.0.0.255'],
      ['255.255.254.0', '10.0.1.0'],
      ['255.255.255.252', '10.0.0.5'],
      ['255.0.0.0', '10.255.255.254'],
    ]) {
      specOf(`${GOOD}network: { mode: static, netmask: ${netmask}, gateway: ${gateway}, nameservers: [10.9.9.0] }\n`);
    }
    // Without a netmask the gateway cannot be checked.
    specOf(`${GOOD}network: { mode: static, gateway: 10.0.0.255 }\n`);
    specOf(GOOD.replace('eucalyptus-3.2', 'eucalyptus-5.1').replace('emi-', 'ami-'));
  });

  describe('with nodes', () => {
    const clusterOf = (nodes: string, release = '2.10.6', more = ''): ClusterSpec | undefined =>
      (specOf(`${GOOD.replace('2.6.6', release)}nodes: ${nodes}\n${more}`) as DeploymentSpec).cluster;
    const data = ['filesystem', 'mongodb', 'mysql', 'postgresql', 'rabbit', 'redis', 'memcached'];

    it('14: gets the defaults, and the roles that no group has', () => {
      const cluster = {
        coreRoles: ['primary', 'router', 'controller', 'health_manager', 'stager'],
        groups: [{ name: 'dea', roles: ['dea'], count: 1, instance: { type: 'm1.large' } }],
        rollout: { parallel: 5, canary: 1 },
        reach: 'core',
      };
      assert.deepEqual(specOf(`${GOOD.replace('2.6.6', '2.10.6')}nodes: { dea: { roles: [dea] } }\n`), {
        ...complete,
        release: '2.10.6',
        cluster,
      });
    });

    it('14: has the roles of its release, in the order of the release', () => {
      const rolesIn = (nodes: string, release: string): unknown => {
        const cluster = clusterOf(nodes, release);
        return [cluster?.coreRoles, ...(cluster?.groups.map(({ roles }) => roles) ?? [])];
      };
      const nodes = '{ dea: { roles: [dea] }, data: { roles: [data-services] } }';
      const old = ['router', 'cloud_controller', 'health_manager', 'stager'];
      assert.deepEqual(rolesIn(nodes, '2.6.6'), [old, ['dea'], data]);
      assert.deepEqual(rolesIn(nodes, '2.8.2'), [old, ['dea'], data]);
      assert.deepEqual(rolesIn(nodes, '3.4.2'), [['primary', 'router', 'controller'], ['dea'], data]);
      const mixed =
        '{ core: { roles: [redis, dea, primary] }, a: { roles: [stager, dea], count: 20 }, b: { roles: [mysql] } }';
      assert.deepEqual(rolesIn(mixed, '2.10.6'), [
        ['primary', 'router', 'controller', 'health_manager', 'dea', 'redis'],
        ['stager', 'dea'],
        ['mysql'],
      ]);
      assert.deepEqual(rolesIn('{ dea: { roles: [prealloc, dea] } }', '2.6.7'), [old, ['prealloc', 'dea']]);
      assert.deepEqual(rolesIn('{ core: { roles: [dea, stager] }, st: { roles: [stager], count: 0 } }', '2.10.6'), [
        ['primary', 'router', 'controller', 'health_manager', 'stager', 'dea'],
        ['stager'],
      ]);
    });

    it('14: may be a core that other nodes can join later', () => {
      assert.deepEqual(clusterOf('{ core: { roles: [dea, data-services] } }', '3.4.2'), {
        coreRoles: ['primary', 'router', 'controller', 'dea', ...data],
        groups: [],
        rollout: { parallel: 5, canary: 1 },
        reach: 'core',
      });
    });

    it('14: has instance and storage of the deployment where a group has none of its own', () => {
      const { instance, storage, cluster } = specOf(
        `${GOOD.replace('  type: m1.large', '  type: m1.large\n  zone: a\n  key: ops\n  userData: { file: ud }')}storage: { containers: { volume: 20 } }
nodes:
  core: { zone: b, storage: { containers: ephemeral } }
  dea: { roles: [dea], count: 0, type: c1.xlarge, key: deas }
  plain: { roles: [dea], storage: { containers: root } }
ssh: { reach: public }
rollout: { parallel: 20, canary: 0 }
`,
      ) as DeploymentSpec;
      const given = { type: 'm1.large', zone: 'a', keyName: 'ops', userData: { file: '/specs/ud' } };
      assert.deepEqual(
        [instance, storage, cluster?.groups, cluster?.rollout, cluster?.reach],
        [
          { ...given, zone: 'b' },
          { containers: 'ephemeral' },
          [
            {
              name: 'dea',
              roles: ['dea'],
              count: 0,
              instance: { ...given, type: 'c1.xlarge', keyName: 'deas' },
              storage: { containers: { size: 20 } },
            },
            { name: 'plain', roles: ['dea'], count: 1, instance: given },
          ],
          { parallel: 20, canary: 0 },
          'public',
        ],
      );
    });

    it('14: may have 500 nodes, one volume for a single node, and names with hyphens and digits', () => {
      const vol = 'storage: { containers: { volume: vol-3f2a1b4c } }';
      const cluster = clusterOf(`{ d2: { roles: [dea], count: 499 }, data-1a: { roles: [mysql], ${vol} } }`, '3.0.1');
      assert.deepEqual(
        cluster?.groups.map(({ name, count, storage }) => [name, count, storage]),
        [
          ['d2', 499, undefined],
          ['data-1a', 1, { containers: { id: 'vol-3f2a1b4c' } }],
        ],
      );
    });
  });

  it('is normalized, however it was written', () => {
    const text = GOOD.replace(
      'http://clc:8773/services/Eucalyptus',
      'HTTP://CLC:8773/services/Eucalyptus//\n  addressName: EUCA-{dashed}.Cloud.Example.NET.',
    )
      .replace('zone: example.com', 'zone: Example.COM.')
      .replace('name: dev.example.com', 'name: DEV.Example.com.\n  tsig: { name: Key., secret: { env: A } }')
      .replace('image: emi-12345678', 'image: { id: emi-12345678 }');
    assert.deepEqual(specOf(text), {
      ...complete,
      cloud: { ...complete.cloud, addressName: 'euca-{dashed}.cloud.example.net' },
      dns: { ...complete.dns, tsig: { name: 'key', algorithm: 'hmac-sha256', secret: { env: 'A' } } },
    });
  });

  it('has its paths resolved relative to its folder', () => {
    const text = `${GOOD.replace('http://clc', 'https://clc').replace('image:', '  ca: ../ca.pem\nimage:')}ssh: { key: { file: keys/id }, password: { file: /run/pw } }\n`;
    const { cloud, ssh } = specOf(text) as typeof complete;
    assert.deepEqual(
      [cloud, ssh],
      [
        { ...complete.cloud, endpoint: 'https://clc:8773/services/Eucalyptus', ca: '/ca.pem' },
        { user: 'stackato', port: 22, key: { file: '/specs/keys/id' }, password: { file: '/run/pw' } },
      ],
    );
  });

  it('13: may have its image from a catalogue', () => {
    const archive = { architecture: 'x86_64', hypervisor: 'kvm' };
    const imageOf = (lines: string): unknown => {
      const { image } = specOf(fromCatalog(lines)) as { image: Record<string, unknown> };
      return [image.kernel, image.ramdisk, image.root];
    };
    const all = (file: object): object[] => [file, file, file].map((each) => ({ ...archive, ...each }));
    assert.deepEqual(
      imageOf('catalog: http://Store/catalog\n  entry: "0123456789"'),
      all({ catalog: 'http://store/catalog', entry: '0123456789' }),
    );
    assert.deepEqual(imageOf('catalog: ../store/\n  hypervisor: xen'), all({ catalog: '/store/', hypervisor: 'xen' }));
  });

  it('may have an image published', () => {
    const { cloud, image } = specOf(
      PUBLISHES.replace(
        'kernel: vmlinuz',
        'kernel: { file: /boot/vmlinuz, sha256: ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789 }',
      ),
    ) as typeof complete;
    assert.deepEqual(
      [cloud, image],
      [
        { ...complete.cloud, storage: 'http://walrus:8773/services/Walrus' },
        {
          name: 'stackato-v2.6.6',
          bucket: 'stackato-images',
          architecture: 'x86_64',
          kernel: { file: '/boot/vmlinuz', sha256: 'abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789' },
          ramdisk: { file: '/specs/initrd' },
          root: {
            url: 'https://images.example.com/stackato.zip',
            sha256: '0123456789abcdef'.repeat(4),
            inside: 'stackato.img',
          },
          signing: {
            account: '123456789012',
            certificate: '/specs/cert.pem',
            privateKey: { file: '/specs/pk.pem' },
            cloudCertificate: '/specs/cloud-cert.pem',
          },
        },
      ],
    );
  });

  it('needs a region, but no endpoint, on aws', () => {
    const { cloud } = specOf(
      GOOD.replace('kind: eucalyptus-3.2', 'kind: aws')
        .replace(/endpoint: .*/, 'region: eu-west-1')
        .replace('emi-', 'ami-'),
    ) as typeof complete;
    assert.deepEqual(cloud, { kind: 'aws', region: 'eu-west-1', credentials: complete.cloud.credentials });
  });

  it('may pin the host key to a fingerprint, padded or not, or to the console output', () => {
    const fingerprint = 'SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s';
    for (const [written, hostKey] of [
      [fingerprint, fingerprint],
      [`${fingerprint}=`, fingerprint],
      ['console', 'console'],
    ]) {
      assert.deepEqual((specOf(`${GOOD}ssh: { hostKey: "${written}" }\n`) as typeof complete).ssh, {
        ...complete.ssh,
        hostKey,
      });
    }
  });

  it('may give times in every unit', () => {
    const { timing } = specOf(
      `${GOOD}timing: { poll: 500ms, rebootWait: 0s, authGrace: 1h, deadline: { command: 24h } }\n`,
    ) as typeof complete;
    assert.deepEqual(
      [timing.poll, timing.rebootWait, timing.authGrace, timing.deadline.command],
      [500, 0, 60 * minute, 24 * 60 * minute],
    );
  });

  const examples = readdirSync('examples').filter((name) => name.endsWith('.yaml'));
  for (const name of examples) {
    it(`is examples/${name}`, async () => {
      const loaded = await loadSpec(join('examples', name));
      assert.ok(loaded.ok, loaded.ok ? '' : formatProblems(loaded.problems));
    });
  }

  it('exists for the lab, and in two more examples', () => {
    assert.ok(examples.includes('stackato-2.6.6.yaml') && examples.length >= 3);
  });
});

describe('a spec file', () => {
  let dir: string;
  before(() => (dir = mkdtempSync(join(tmpdir(), 'stackato-spec-'))));
  after(() => rmSync(dir, { recursive: true }));
  const refused = async (path: string, message: RegExp): Promise<void> => {
    const problems = problemsOf(await loadSpec(path));
    assert.deepEqual(
      problems.map(({ file, line, column, path: at }) => ({ file, line, column, at })),
      [{ file: path, line: 1, column: 1, at: '' }],
    );
    assert.match(problems[0]!.message, message);
    assert.notEqual(problems[0]!.hint, '');
  };
  const file = (name: string, content: string | Buffer): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };

  it('is read', async () => {
    const loaded = await loadSpec(file('good.yaml', `${GOOD}ssh: { key: { file: id } }\n`));
    assert.ok(loaded.ok);
    assert.deepEqual(loaded.spec.ssh.key, { file: resolve(dir, 'id') });
  });

  it('is refused if it is missing, a folder, or unreadable', async () => {
    await refused(join(dir, 'nowhere.yaml'), /no such file/);
    await refused(join(file('plain', ''), 'below.yaml'), /no such file/);
    await refused(dir, /is a folder/);
    const unreadable = file('unreadable.yaml', GOOD);
    chmodSync(unreadable, 0);
    chmodSync(dir, 0o711);
    const uid = process.geteuid!();
    if (uid === 0) process.seteuid!(65_534);
    await refused(unreadable, /may not be read/).finally(() => process.seteuid!(uid));
  });

  it('is refused if it is not text, too large, or empty', async () => {
    await refused(file('latin1.yaml', Buffer.from(`${GOOD}# d\xe9v\n`, 'latin1')), /not UTF-8/);
    await refused(file('utf16.yaml', Buffer.from(`\ufeff${GOOD}`, 'utf16le')), /not UTF-8/);
    await refused(file('big.yaml', `${GOOD}#${'x'.repeat(1_048_576)}`), /larger than 1 MiB/);
    await refused('/dev/zero', /larger than 1 MiB/);
    await refused(file('empty.yaml', ''), /is empty/);
  });
});
