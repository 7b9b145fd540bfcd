import { join } from 'node:path';
import type { DeploymentSpec, ImageSpec, NodeGroup, Rollout } from '../../src/deployment/spec';

/** A spec as the loader would give it. Nothing in it leads anywhere. */
export function specNamed(name: string, change: Partial<DeploymentSpec> = {}): DeploymentSpec {
  const minute = 60_000;
  return {
    name,
    release: '2.6.6',
    cloud: {
      kind: 'eucalyptus-3.2',
      endpoint: 'http://127.0.0.1:1/services/Eucalyptus',
      region: 'eucalyptus',
      credentials: { accessKey: { env: 'TEST_ACCESS_KEY' }, secretKey: { env: 'TEST_SECRET_KEY' } },
      addressName: 'euca-{dashed}.eucalyptus.cloud.test',
    },
    image: { id: 'emi-12345678' },
    instance: { type: 'm1.large' },
    address: { allocate: true },
    dns: {
      server: '127.0.0.1',
      port: 53,
      zone: 'stackato.test',
      name: `${name}.stackato.test`,
      ttl: 600,
      replace: false,
    },
    ssh: { user: 'stackato', port: 22 },
    network: { mode: 'static' },
    admin: { email: 'admin@example.com', password: { env: 'TEST_ADMIN_PASSWORD' } },
    access: { ssh: ['0.0.0.0/0'], console: ['0.0.0.0/0'] },
    console: { httpPort: 80, httpsPort: 443 },
    timing: {
      poll: 1_000,
      rebootWait: 1_000,
      authGrace: 2_000,
      deadline: {
        cloud: minute,
        dns: minute,
        launch: minute,
        ready: minute,
        command: minute,
        reboot: minute,
        console: minute,
        publish: minute,
      },
    },
    ...change,
  };
}

/** With nodes beside the core. */
export function clusterNamed(
  name: string,
  groups: readonly (Partial<NodeGroup> & Pick<NodeGroup, 'name' | 'count'>)[],
  change: Partial<DeploymentSpec> & { readonly rollout?: Partial<Rollout> } = {},
): DeploymentSpec {
  const { rollout, ...rest } = change;
  return specNamed(name, {
    cluster: {
      coreRoles: ['base', 'primary', 'controller', 'router'],
      groups: groups.map((group) => ({ roles: ['dea'], instance: { type: 'm1.large' }, ...group })),
      rollout: { parallel: 5, canary: 1, ...rollout },
      reach: 'core',
    },
    ...rest,
  });
}

/** An image made of what lies in a folder. */
export function imageIn(folder: string, change: Partial<ImageSpec> = {}): ImageSpec {
  return {
    name: 'stackato-v2.6.6',
    bucket: 'stackato-images',
    architecture: 'x86_64',
    kernel: { file: join(folder, 'vmlinuz') },
    ramdisk: { file: join(folder, 'initrd') },
    root: { file: join(folder, 'root.img') },
    signing: {
      account: '123456789012',
      certificate: join(folder, 'user-cert.pem'),
      privateKey: { file: join(folder, 'user-key.pem') },
      cloudCertificate: join(folder, 'cloud-cert.pem'),
    },
    ...change,
  };
}
