import { nodeNameOf, specOfNode } from '../deployment/cluster';
import { DeployError, errorRow } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { CORE } from '../deployment/facts';
import type { Known, NodeName } from '../deployment/facts';
import { ownerOf } from '../deployment/names';
import { isReleaseName, RELEASES } from '../deployment/releases';
import type { ReleaseRow } from '../deployment/releases';
import type { Finding } from '../deployment/messages';
import type { DeploymentSpec, SecretRef } from '../deployment/spec';
import { probe } from '../dns/update';
import { authorityOf } from './zone/authority';
import type { Authority } from './zone/authority';
import type { Dependencies } from './dependencies';
import { refuseForeign } from './dns';
import { observeName } from './zone/queries';
import type { Cloud } from './ports';
import { describeUserData } from './cloud/user-data';
import { checkFile, checkSigning, cloudInitDifference, kindsToPublish } from './publishing/check-image';
import { judgeAddressQuota, judgeInstances } from './cloud/quotas';
import { asNodesGroup, ourGroup } from './cloud/security-rules';
import { ec2Call } from './planning';
import type { PlannedAction, Planning } from './planning';
import { siteOf, step } from './step';
import { toDeployError } from './unexpected';
import type { StepInput, StepOutcome } from '../deployment/activities';

/** Checks every precondition before anything is created. `doctor` shows all findings; the step fails on any problem. */
export const preflight = step({ id: 'preflight', plan: planChecks, activities: { preflight: runPreflight } });

/** `find` returns what it found, or throws. */
interface Check {
  readonly name: string;
  readonly find: () => Promise<string>;
}

/** @param onFinding called after each check with all findings so far */
export async function findProblems(
  deps: Dependencies,
  { spec, known = {} }: { readonly spec: DeploymentSpec; readonly known?: Known },
  onFinding: (findings: readonly Finding[]) => void = () => undefined,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const group of [secretChecks(deps, spec), cloudChecks(deps, spec, known), dnsChecks(deps, spec)]) {
    for (const check of group) {
      const finding = await findingOf(check);
      findings.push(finding);
      onFinding(findings);
      // The other checks of a group make no sense if the first one fails.
      if (!finding.ok && check === group[0] && group.length > 1) break;
    }
  }
  return findings;
}

async function runPreflight(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const findings = await findProblems(deps, { spec, known });
  const bad = findings.filter(({ ok }) => !ok);
  const worst = bad.find(({ code }) => code !== undefined && errorRow(code).retry === 'no') ?? bad[0];
  if (worst?.code !== undefined) {
    const others = bad.filter((finding) => finding !== worst).map(({ check, message }) => ` Also ${check}: ${message}`);
    throw new DeployError(worst.code, worst.message + others.join(''));
  }
  const { account } = await deps.clouds.open(spec.cloud);
  return { changed: false, note: `${findings.length} checks`, known: { account } };
}

async function findingOf({ name, find }: Check): Promise<Finding> {
  try {
    return { check: name, ok: true, message: await find() };
  } catch (error) {
    const { code, message } = toDeployError(error);
    return { check: name, ok: false, code, message };
  }
}

/** One check for all: the user sees every missing secret at once. */
function secretChecks({ secrets }: Dependencies, spec: DeploymentSpec): readonly Check[] {
  const refs = secretRefs(spec);
  return [
    {
      name: 'secrets',
      find: async () => {
        const userData = machinesOf(spec).flatMap(({ of: { instance } }) => instance.userData ?? []);
        const results = await Promise.allSettled([
          ...refs.map((ref) => secrets.resolve(ref)),
          ...userData.map((ref) => secrets.resolveBytes(ref)),
        ]);
        const missing = results.flatMap((result) =>
          result.status === 'rejected' ? [(result.reason as Error).message] : [],
        );
        if (missing.length > 0) throw new DeployError('SECRET_MISSING', missing.join(' '));
        return `${results.length} resolve`;
      },
    },
  ];
}

function cloudChecks(deps: Dependencies, spec: DeploymentSpec, known: Known): readonly Check[] {
  const cloud = (): Promise<Cloud> => deps.clouds.open(spec.cloud);
  const machines = machinesOf(spec);
  const keys = new Set(machines.flatMap(({ of: { instance } }) => instance.keyName ?? []));
  return [
    {
      name: 'cloud access',
      find: async () => {
        await (await cloud()).checkAccess();
        return `${spec.cloud.kind} answers`;
      },
    },
    ...imageChecks(deps, spec, cloud),
    ...[...keys].map((keyName) => ({
      name: keys.size === 1 ? 'key pair' : `key pair ${keyName}`,
      find: async () =>
        requireExisting((await cloud()).keyPairExists(keyName), 'KEY_PAIR_NOT_FOUND', `the key pair ${keyName}`),
    })),
    ...machines
      .filter(({ of }) => of.instance.userData !== undefined || of.image.cloudInit === true)
      .map(({ where, of, node }) => ({ name: `user data${where}`, find: () => describeUserData(deps, of, node) })),
    ...machines.map(({ where, of }) => ({
      name: `instance type${where}`,
      find: async () => judgeMemory(of, await (await cloud()).typeMemory(of.instance.type)),
    })),
    { name: 'address', find: async () => judgeAddress(spec, await (await cloud()).listAddresses()) },
    {
      name: 'security group',
      find: async () => {
        const group = await ourGroup(await siteOf(deps, spec));
        return group === undefined ? 'the name is free' : 'is ours';
      },
    },
    ...(spec.cluster === undefined ? [] : clusterChecks(deps, spec, known)),
  ];
}

function clusterChecks(deps: Dependencies, spec: DeploymentSpec, known: Known): readonly Check[] {
  return [
    {
      name: 'security group of the nodes',
      find: async () => {
        const group = await ourGroup(asNodesGroup(await siteOf(deps, spec)));
        return group === undefined ? 'the name is free' : 'is ours';
      },
    },
    {
      name: 'quota of addresses',
      find: async () => judgeAddressQuota(await siteOf(deps, spec), spec, known.address !== undefined),
    },
    { name: 'room for instances', find: async () => judgeInstances(await siteOf(deps, spec), spec) },
  ];
}

interface Machine {
  readonly where: string;
  readonly of: DeploymentSpec;
  readonly node: NodeName;
}

/** The core, and of each group of a cluster the node with the longest name: what is checked once for all that are alike. */
function machinesOf(spec: DeploymentSpec): readonly Machine[] {
  const { cluster } = spec;
  if (cluster === undefined) return [{ where: '', of: spec, node: CORE }];
  return [
    { where: ' of the core', of: spec, node: CORE },
    ...cluster.groups.map((group) => {
      const node = nodeNameOf(group, group.count);
      return { where: ` of ${group.name}`, of: specOfNode(spec, node), node };
    }),
  ];
}

/** The image is registered, or everything to publish it is there. */
function imageChecks(
  deps: Dependencies,
  { cloud: where, image }: DeploymentSpec,
  cloud: () => Promise<Cloud>,
): readonly Check[] {
  if ('id' in image) {
    return [
      {
        name: 'image',
        find: async () =>
          requireExisting((await cloud()).imageExists(image.id), 'IMAGE_NOT_FOUND', `the image ${image.id}`),
      },
    ];
  }
  return [
    {
      name: 'signing of the image',
      find: async () => {
        await checkSigning(deps, image);
        return 'key and certificates fit together';
      },
    },
    {
      name: 'image',
      find: async () => {
        const kinds = await kindsToPublish(deps, where, image);
        for (const kind of kinds) await checkFile(deps, where, image, kind);
        if (kinds.length === 0) return `${image.name} is registered`;
        const difference = await cloudInitDifference(deps, image);
        return [`to be published: ${kinds.join(', ')}`, ...(difference === undefined ? [] : [difference])].join('; ');
      },
    },
  ];
}

function dnsChecks(deps: Dependencies, spec: DeploymentSpec): readonly Check[] {
  const authority = (): Promise<Authority> => authorityOf(deps, spec);
  return [
    {
      name: 'DNS zone',
      find: async () => {
        const { authoritative, records } = await (await authority()).ask(spec.dns.zone, 'SOA');
        if (authoritative && records.some(({ type, name }) => type === 'SOA' && name === spec.dns.zone))
          return `${spec.dns.server} is the authority for ${spec.dns.zone}`;
        throw new DeployError('DNS_NOT_ZONE', `${spec.dns.server} is not an authority for the zone ${spec.dns.zone}.`);
      },
    },
    {
      name: 'DNS updates',
      find: async () => {
        await (await authority()).update(probe(spec.dns));
        return spec.dns.tsig === undefined ? 'accepted' : `the key ${spec.dns.tsig.name} is accepted`;
      },
    },
    {
      name: 'DNS name',
      find: async () => {
        refuseForeign(spec, await observeName(await authority()), ownerOf(deps.namespace, spec.name));
        return `${spec.dns.name} is free or ours`;
      },
    },
  ];
}

async function requireExisting(there: Promise<boolean>, code: ErrorCode, what: string): Promise<string> {
  if (await there) return `${what} exists`;
  throw new DeployError(code, `The cloud does not know ${what}, or does not show it to this account.`);
}

function judgeMemory({ release, instance: { type } }: DeploymentSpec, memory: number | 'unknown' | 'missing'): string {
  const { memory: needed, memoryWithoutKey } = releaseOf(release);
  const { least } = needed.value;
  const free = memoryWithoutKey.value;
  if (memory === 'missing') throw new DeployError('TYPE_NOT_FOUND', `The cloud has no instance type ${type}.`);
  if (memory === 'unknown') return `the cloud does not tell the memory of ${type}: it is checked on the machine`;
  if (memory >= least) {
    const used =
      free !== 'any' && memory > free ? `; Stackato ${release} uses ${free} of them without a licence key` : '';
    return `${type} has ${memory} MiB${used}`;
  }
  throw new DeployError(
    'TYPE_TOO_SMALL',
    `The instance type ${type} has ${memory} MiB; Stackato ${release} does not work reliably with less than ${least}.`,
  );
}

function releaseOf(name: string): ReleaseRow {
  if (isReleaseName(name)) return RELEASES[name];
  throw new DeployError('RELEASE_UNKNOWN', `This worker does not know the release ${name} of Stackato.`);
}

function judgeAddress(spec: DeploymentSpec, addresses: readonly { publicIp: string }[]): string {
  if (!('ip' in spec.address)) return 'one will be allocated';
  const { ip } = spec.address;
  if (addresses.some(({ publicIp }) => publicIp === ip)) return `${ip} belongs to the account`;
  throw new DeployError('ADDRESS_NOT_OURS', `The account has no address ${ip}.`);
}

function secretRefs(spec: DeploymentSpec): readonly SecretRef[] {
  const { cloud, dns, ssh, admin, image } = spec;
  const refs = [
    cloud.credentials.accessKey,
    cloud.credentials.secretKey,
    cloud.credentials.sessionToken,
    dns.tsig?.secret,
    ssh.password,
    ssh.key,
    admin?.password,
    'id' in image ? undefined : image.signing.privateKey,
  ];
  return refs.filter((ref) => ref !== undefined);
}

function planChecks({ spec }: Planning): readonly PlannedAction[] {
  const { image, instance, dns } = spec;
  return [
    ec2Call('DescribeImages', 'id' in image ? { 'ImageId.1': image.id } : { 'Owner.1': 'self' }),
    ...(instance.keyName === undefined ? [] : [ec2Call('DescribeKeyPairs', { 'KeyName.1': instance.keyName })]),
    ec2Call('DescribeAddresses', {}),
    {
      where: 'dns',
      what: probe(dns).trimEnd(),
      note: 'nsupdate; deletes what is never there: it shows whether the key is accepted',
    },
  ];
}
