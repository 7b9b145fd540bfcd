/** Rules about two keys at once. A rule says nothing about a key that is already known to be wrong: one cause, one problem. */

import { inSameNetwork, reservedAddress } from './addresses';
import { CLUSTER_RULES } from './cluster-rules';
import { isInside, tidyName } from './dns-names';
import { withHint } from './problems';
import type { Fault } from './problems';
import { DEFAULT_PORT } from './schema-appliance';
import { DEADLINES, DEFAULT_POLL, milliseconds } from './schema-timing';
import { readerOf, wrong } from './spec-reader';
import type { Rule, SpecReader } from './spec-reader';
import { CLOUD_KIND_NAMES, CLOUD_KINDS } from '../deployment/cloud-kinds';
import { isReleaseName, RELEASES } from '../deployment/releases';

const NEEDED_BY_KIND: Rule = (spec) => {
  const kind = spec.get('cloud.kind');
  if (kind === undefined) return [];
  if (kind === 'aws') {
    return [
      spec.lacks('cloud.region')
        ? wrong('cloud.region', withHint('is missing, and aws needs it', 'give the region, such as us-east-1'), 'key')
        : undefined,
    ];
  }
  return [
    spec.lacks('cloud.endpoint')
      ? wrong(
          'cloud.endpoint',
          withHint(
            `is missing, and ${kind} needs it`,
            'give the EC2 endpoint, such as http://clc:8773/services/Eucalyptus',
          ),
          'key',
        )
      : undefined,
  ];
};

const CA_NEEDS_TLS: Rule = (spec) => {
  const endpoint = spec.get('cloud.endpoint');
  if (
    !spec.has('cloud.ca') ||
    endpoint === undefined ||
    [endpoint, spec.get('cloud.storage', '')].some((url) => url === undefined || /^https:/i.test(url))
  )
    return [];
  return [
    wrong(
      'cloud.ca',
      withHint('would never be used: the endpoint is plain http', 'make the endpoint https, or take ca out'),
    ),
  ];
};

const NAME_IN_ZONE: Rule = (spec) => {
  const name = tidied(spec.get('dns.name'));
  const zone = tidied(spec.get('dns.zone'));
  if (name === undefined || zone === undefined || isInside(name, zone)) return [];
  if (name === zone)
    return [
      wrong(
        'dns.name',
        withHint(
          'is the apex of the zone, which cannot hold a CNAME',
          'choose a name below the zone, such as dev.example.com in example.com',
        ),
      ),
    ];
  return [wrong('dns.name', withHint('is not inside dns.zone', 'give a name that ends with a dot and the zone'))];
};

/** Either the id of a registered image, or everything that one is made of. */
const IMAGE_IS_WHOLE: Rule = (spec) => {
  if (!spec.has('image') || spec.get('image') !== undefined) return [];
  if (spec.has('image.id')) {
    return IMAGE_KEYS.map((key) =>
      spec.has(`image.${key}`)
        ? wrong(
            `image.${key}`,
            withHint('has no meaning beside image.id', 'take it out, or take out the id to have an image made'),
            'key',
          )
        : undefined,
    );
  }
  if (!spec.lacks('image.id')) return [];
  // None of the keys: most specs give an id.
  if (IMAGE_KEYS.every((key) => spec.lacks(`image.${key}`))) {
    return [
      wrong(
        'image.id',
        withHint(
          'is missing',
          'give the id of an image, or what to make one of: name, bucket, kernel, ramdisk, root (or catalog), signing',
        ),
        'key',
      ),
    ];
  }
  const kind = spec.get('cloud.kind');
  const storage = kind !== undefined && kind !== 'aws' && spec.lacks('cloud.storage');
  const fromCatalog = spec.has('image.catalog');
  const given = fromCatalog
    ? misplaced(spec, FILE_KEYS, 'has no meaning beside image.catalog', 'take it out, or take out the catalogue')
    : spec.lacks('image.catalog')
      ? misplaced(spec, ENTRY_KEYS, 'has no meaning without image.catalog', 'take it out, or give the catalogue')
      : [];
  return [
    ...given,
    ...NEEDED_TO_PUBLISH.filter((key) => spec.lacks('image.catalog') || !isFileKey(key)).map((key) =>
      spec.lacks(`image.${key}`)
        ? wrong(
            `image.${key}`,
            withHint(
              'is missing, and an image is made of it',
              fromCatalog
                ? 'give name, bucket and signing beside the catalogue'
                : 'give name, bucket, kernel, ramdisk, root and signing, or the id of a registered image',
            ),
            'key',
          )
        : undefined,
    ),
    storage
      ? wrong(
          'cloud.storage',
          withHint(
            `is missing, and ${kind} needs it to publish an image`,
            'give the S3 endpoint, such as http://walrus:8773/services/Walrus',
          ),
          'key',
        )
      : undefined,
  ];
};

const NEEDED_TO_PUBLISH = ['name', 'bucket', 'kernel', 'ramdisk', 'root', 'signing'] as const;
const FILE_KEYS = ['kernel', 'ramdisk', 'root'] as const;
/** Which image of a catalogue. */
const ENTRY_KEYS = ['entry', 'hypervisor'] as const;
const IMAGE_KEYS = [...NEEDED_TO_PUBLISH, 'architecture', 'catalog', ...ENTRY_KEYS] as const;

function isFileKey(key: string): boolean {
  return FILE_KEYS.some((each) => each === key);
}

function misplaced(
  spec: SpecReader,
  keys: readonly string[],
  what: string,
  hint: string,
): readonly (Fault | undefined)[] {
  return keys.map((key) => (spec.has(`image.${key}`) ? wrong(`image.${key}`, withHint(what, hint), 'key') : undefined));
}

/** Only an image with cloud-init reads what these make. */
const CLOUD_INIT_ONLY: Rule = (spec) => {
  if (!spec.has('instance.cloudInit')) return [];
  const needsImage = wrong(
    'instance.cloudInit',
    withHint('has no meaning without image.cloudInit', 'write image: { …, cloudInit: true }, or take it out'),
    'key',
  );
  if (!spec.isOn('image.cloudInit')) return [needsImage];
  return [
    spec.isOn('instance.cloudInit.passwords') && spec.lacks('ssh.password')
      ? wrong(
          'instance.cloudInit.passwords',
          withHint('needs the password that is to be set', 'give ssh.password: { env: NAME }'),
        )
      : undefined,
  ];
};

/** The wildcard below the base name would answer for the target with the base name. */
const NO_CNAME_LOOP: Rule = (spec) => {
  const name = tidied(spec.get('dns.name'));
  const target = tidied(spec.get('cloud.addressName'));
  if (name === undefined || target === undefined || !isInside(target, name)) return [];
  return [
    wrong(
      'cloud.addressName',
      withHint(
        'is below dns.name, which will point at it: a loop',
        'give the name that the cloud itself has for its addresses',
      ),
    ),
  ];
};

/** They are rules of one security group, and ssh is opened long before the console may be. */
const PORTS_DIFFER: Rule = (spec) => {
  const ports = PORTS.map(({ path, normal }) => ({
    path,
    port: spec.get(path, String(normal)),
    written: spec.has(path),
  }));
  return ports.flatMap((one, i) =>
    ports.slice(0, i).map((other) => {
      if (one.port === undefined || one.port !== other.port) return undefined;
      // The defaults differ, so at least one of the two is written in the file. The problem is reported there.
      const [written, taken] = one.written ? [one, other] : [other, one];
      return wrong(written.path, withHint(`is the same port as ${taken.path}`, 'give each its own port'));
    }),
  );
};

const PORTS = [
  { path: 'ssh.port', normal: DEFAULT_PORT.ssh },
  { path: 'console.httpPort', normal: DEFAULT_PORT.http },
  { path: 'console.httpsPort', normal: DEFAULT_PORT.https },
] as const;

const STATIC_ONLY: Rule = (spec) => {
  if (spec.get('network.mode') !== 'dhcp') return [];
  return ['netmask', 'gateway', 'nameservers', 'search']
    .map((key) => `network.${key}`)
    .map((path) =>
      spec.has(path)
        ? wrong(path, withHint('has no meaning with mode: dhcp', 'take it out, or write mode: static'), 'key')
        : undefined,
    );
};

/** kato would write such an address without complaint, and the machine would be cut off at its next boot. */
const NOT_RESERVED_ADDRESSES: Rule = (spec) => {
  const netmask = spec.get('network.netmask');
  const gateway = spec.get('network.gateway');
  if (netmask === undefined || gateway === undefined) return [];
  const faultOf = (path: string, address: string | undefined): Fault | undefined => {
    const kind =
      address !== undefined && inSameNetwork(address, gateway, netmask) ? reservedAddress(address, netmask) : undefined;
    return kind === undefined
      ? undefined
      : wrong(
          path,
          withHint(
            `is the ${kind} address by network.netmask, which no machine can have`,
            'give the address of a machine in that network, or correct the netmask',
          ),
        );
  };
  return [
    faultOf('network.gateway', gateway),
    ...[0, 1, 2].map((i) => faultOf(`network.nameservers.${i}`, spec.get(`network.nameservers.${i}`))),
  ];
};

const IMAGE_ID_OF_CLOUD: Rule = (spec) => {
  const kind = CLOUD_KIND_NAMES.find((name) => name === spec.get('cloud.kind'));
  return ['image', 'image.id'].map((path) => {
    const prefix = spec.get(path)?.slice(0, 4);
    if (kind === undefined || (prefix !== 'emi-' && prefix !== 'ami-')) return undefined;
    if (CLOUD_KINDS[kind].imagePrefixes.includes(prefix)) return undefined;
    return prefix === 'emi-'
      ? wrong(
          path,
          withHint(
            `is the id of an image on Eucalyptus, and cloud.kind is ${kind}`,
            'give an id that begins with ami-, or correct cloud.kind',
          ),
        )
      : wrong(
          path,
          withHint(
            `is the id of an image on AWS: ${kind} has none of that kind`,
            'give an id that begins with emi-, or correct cloud.kind',
          ),
        );
  });
};

/** The first administrator of 2.x is an email address and a password. */
const ADMIN_OF_RELEASE: Rule = (spec) => {
  const release = spec.get('release');
  if (release === undefined || !isReleaseName(release) || RELEASES[release].firstAdmin.value.by === 'firstuser')
    return [];
  return ['username', 'organization', 'space']
    .map((key) => `admin.${key}`)
    .map((path) =>
      spec.has(path)
        ? wrong(
            path,
            withHint(`has no meaning with release: ${release}`, 'take it out; from 3.0 on there are such'),
            'key',
          )
        : undefined,
    );
};

/** Otherwise the deadline would pass before the second poll. */
const POLL_BEFORE_DEADLINE: Rule = (spec) => {
  const poll = spec.get('timing.poll', DEFAULT_POLL);
  const short = Object.entries(DEADLINES).find(([key, { normal }]) => {
    const deadline = spec.get(`timing.deadline.${key}`, normal);
    return poll !== undefined && deadline !== undefined && milliseconds(deadline) <= milliseconds(poll);
  });
  return [
    short === undefined
      ? undefined
      : wrong(
          'timing.poll',
          withHint(`is not shorter than timing.deadline.${short[0]}`, 'leave time for several polls'),
        ),
  ];
};

const RULES: readonly Rule[] = [
  NEEDED_BY_KIND,
  CA_NEEDS_TLS,
  IMAGE_IS_WHOLE,
  CLOUD_INIT_ONLY,
  NAME_IN_ZONE,
  NO_CNAME_LOOP,
  PORTS_DIFFER,
  STATIC_ONLY,
  NOT_RESERVED_ADDRESSES,
  IMAGE_ID_OF_CLOUD,
  ADMIN_OF_RELEASE,
  POLL_BEFORE_DEADLINE,
  ...CLUSTER_RULES,
];

export function ruleFaults(raw: unknown, known: readonly Fault[]): Fault[] {
  const spec = readerOf(raw, known);
  return RULES.flatMap((rule) => rule(spec)).filter((fault) => fault !== undefined);
}

function tidied(name: string | undefined): string | undefined {
  return name === undefined ? undefined : tidyName(name);
}
