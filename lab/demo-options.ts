/** The options of `npm start`, and the spec that it deploys. */

import { parseArgs } from 'node:util';

export const EXAMPLE_RELEASE = '2.6.6';
const CLUSTER_RELEASE = '2.10.6';

export interface DemoOptions {
  /** Takes everything down at the end. */
  readonly exit: boolean;
  /** A real machine under QEMU, and with `kvm` one that is not emulated. */
  readonly vm: boolean;
  readonly kvm: boolean;
  readonly cloudInit: boolean;
  /** A core and three nodes instead of one machine. */
  readonly cluster: boolean;
  readonly release: string;
}

/** Throws, with a sentence for the user, if they are wrong. */
export function demoOptions(args: readonly string[]): DemoOptions {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { exit: flag, vm: flag, kvm: flag, 'cloud-init': flag, cluster: flag, release: { type: 'string' } },
  });
  const { exit, vm, kvm, 'cloud-init': cloudInit, cluster } = values;
  if (cluster && vm) throw new Error('--cluster is for simulated machines. It does not go with --vm.');
  return {
    exit,
    vm,
    kvm,
    cloudInit,
    cluster,
    release: values.release ?? (cluster ? CLUSTER_RELEASE : EXAMPLE_RELEASE),
  };
}

const NODES = `
nodes:               # the machine above is the core of a cluster
  dea:
    roles: [dea]
    count: 2
  data:
    roles: [data-services]
    count: 1

rollout:
  parallel: 5        # so many nodes at once
  canary: 1          # but the first of each group alone
`;

/** The example for these options; undefined: as it is. `name`: of the changed copy. */
export function changedExample(
  example: string,
  { release, cloudInit, cluster }: Pick<DemoOptions, 'release' | 'cloudInit' | 'cluster'>,
): { readonly name: string; readonly text: string } | undefined {
  if (release === EXAMPLE_RELEASE && !cloudInit && !cluster) return undefined;
  const forRelease = example.replaceAll(EXAMPLE_RELEASE, release);
  const withImage = cloudInit ? forRelease.replace(/^image:$/m, 'image:\n  cloudInit: true') : forRelease;
  return {
    name: `stackato-${release}${cloudInit ? '-cloud-init' : ''}${cluster ? '-cluster' : ''}.yaml`,
    text: cluster ? `${withImage.trimEnd()}\n${NODES}` : withImage,
  };
}
