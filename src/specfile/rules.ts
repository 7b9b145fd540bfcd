/** What concerns two keys at once. A rule is silent where one of its keys is already found wrong: one cause, one problem. */

import { notAHost, shareNetwork } from './addresses';
import { DEADLINES, DEFAULT_POLL, DEFAULT_PORT } from './defaults';
import { isInside, tidyName } from './dns-names';
import { milliseconds } from './durations';
import { valueAt } from './paths';
import type { Path } from './paths';
import { says } from './problems';
import type { Fault } from './problems';
import type { CloudKindName } from '../deployment/types';

/** What a rule may look at: values that are right by themselves, as text. */
interface Sight {
  /** The value, the default where the key is left out; undefined where there is neither, or the value is wrong. */
  get(path: string, fallback?: string): string | undefined;
  has(path: string): boolean;
  /** Left out, and nothing wrong with what it would stand in. */
  lacks(path: string): boolean;
}

type Rule = (see: Sight) => readonly (Fault | undefined)[];

const NEEDED_BY_KIND: Rule = (see) => {
  const kind = see.get('cloud.kind');
  if (kind === undefined) return [];
  if (kind === 'aws') {
    return [
      see.lacks('cloud.region')
        ? wrong('cloud.region', says('is missing, and aws needs it', 'give the region, such as us-east-1'), 'key')
        : undefined,
    ];
  }
  return [
    see.lacks('cloud.endpoint')
      ? wrong(
          'cloud.endpoint',
          says(
            `is missing, and ${kind} needs it`,
            'give the EC2 endpoint, such as http://clc:8773/services/Eucalyptus',
          ),
          'key',
        )
      : undefined,
  ];
};

const CA_NEEDS_TLS: Rule = (see) => {
  const endpoint = see.get('cloud.endpoint');
  if (
    !see.has('cloud.ca') ||
    endpoint === undefined ||
    [endpoint, see.get('cloud.storage', '')].some((url) => url === undefined || /^https:/i.test(url))
  )
    return [];
  return [
    wrong(
      'cloud.ca',
      says('would never be used: the endpoint is plain http', 'make the endpoint https, or take ca out'),
    ),
  ];
};

const NAME_IN_ZONE: Rule = (see) => {
  const name = tidied(see.get('dns.name'));
  const zone = tidied(see.get('dns.zone'));
  if (name === undefined || zone === undefined || isInside(name, zone)) return [];
  if (name === zone)
    return [
      wrong(
        'dns.name',
        says(
          'is the apex of the zone, which cannot hold a CNAME',
          'choose a name below the zone, such as dev.example.com in example.com',
        ),
      ),
    ];
  return [wrong('dns.name', says('is not inside dns.zone', 'give a name that ends with a dot and the zone'))];
};

/** An image is registered already, or all is there that one is made of. */
const IMAGE_IS_WHOLE: Rule = (see) => {
  if (!see.has('image') || see.get('image') !== undefined) return [];
  if (see.has('image.id')) {
    return IMAGE_KEYS.map((key) =>
      see.has(`image.${key}`)
        ? wrong(
            `image.${key}`,
            says('has no meaning beside image.id', 'take it out, or take out the id to have an image made'),
            'key',
          )
        : undefined,
    );
  }
  if (!see.lacks('image.id')) return [];
  // Nothing at all: an id is what most specs give.
  if (IMAGE_KEYS.every((key) => see.lacks(`image.${key}`))) {
    return [
      wrong(
        'image.id',
        says(
          'is missing',
          'give the id of an image, or what to make one of: name, bucket, kernel, ramdisk, root, signing',
        ),
        'key',
      ),
    ];
  }
  const kind = see.get('cloud.kind');
  const storage = kind !== undefined && kind !== 'aws' && see.lacks('cloud.storage');
  return [
    ...NEEDED_TO_PUBLISH.map((key) =>
      see.lacks(`image.${key}`)
        ? wrong(
            `image.${key}`,
            says(
              'is missing, and an image is made of it',
              'give name, bucket, kernel, ramdisk, root and signing, or the id of a registered image',
            ),
            'key',
          )
        : undefined,
    ),
    storage
      ? wrong(
          'cloud.storage',
          says(
            `is missing, and ${kind} needs it to publish an image`,
            'give the S3 endpoint, such as http://walrus:8773/services/Walrus',
          ),
          'key',
        )
      : undefined,
  ];
};

const NEEDED_TO_PUBLISH = ['name', 'bucket', 'kernel', 'ramdisk', 'root', 'signing'] as const;
const IMAGE_KEYS = [...NEEDED_TO_PUBLISH, 'architecture'] as const;

/** The wildcard below the base name would answer for the target too, with the base name. */
const NO_LOOP: Rule = (see) => {
  const name = tidied(see.get('dns.name'));
  const target = tidied(see.get('cloud.addressName'));
  if (name === undefined || target === undefined || !isInside(target, name)) return [];
  return [
    wrong(
      'cloud.addressName',
      says(
        'is below dns.name, which is to point at it: a loop',
        'give the name the cloud itself has for its addresses',
      ),
    ),
  ];
};

/** One security group holds them all, and ssh is open long before the console may be. */
const PORTS_DIFFER: Rule = (see) => {
  const ports = PORTS.map(({ path, normal }) => ({
    path,
    port: see.get(path, String(normal)),
    written: see.has(path),
  }));
  return ports.flatMap((one, i) =>
    ports.slice(0, i).map((other) => {
      if (one.port === undefined || one.port !== other.port) return undefined;
      // The defaults differ, so at least one of the two is in the file.
      const [guilty, innocent] = one.written ? [one, other] : [other, one];
      return wrong(guilty.path, says(`is the same port as ${innocent.path}`, 'give each its own port'));
    }),
  );
};

const PORTS = [
  { path: 'ssh.port', normal: DEFAULT_PORT.ssh },
  { path: 'console.httpPort', normal: DEFAULT_PORT.http },
  { path: 'console.httpsPort', normal: DEFAULT_PORT.https },
] as const;

const STATIC_ONLY: Rule = (see) => {
  if (see.get('network.mode') !== 'dhcp') return [];
  return ['netmask', 'gateway', 'nameservers', 'search']
    .map((key) => `network.${key}`)
    .map((path) =>
      see.has(path)
        ? wrong(path, says('has no meaning with mode: dhcp', 'take it out, or write mode: static'), 'key')
        : undefined,
    );
};

/** What kato would write without a word, and cut the machine off at its next boot. */
const HOSTS_OF_THEIR_NETWORK: Rule = (see) => {
  const netmask = see.get('network.netmask');
  const gateway = see.get('network.gateway');
  if (netmask === undefined || gateway === undefined) return [];
  const judge = (path: string, address: string | undefined): Fault | undefined => {
    const kind =
      address !== undefined && shareNetwork(address, gateway, netmask) ? notAHost(address, netmask) : undefined;
    return kind === undefined
      ? undefined
      : wrong(
          path,
          says(
            `is the ${kind} address by network.netmask, which no machine can have`,
            'give the address of a machine in that network, or correct the netmask',
          ),
        );
  };
  return [
    judge('network.gateway', gateway),
    ...[0, 1, 2].map((i) => judge(`network.nameservers.${i}`, see.get(`network.nameservers.${i}`))),
  ];
};

/** Which clouds have images of such an id. Eucalyptus says `ami-` from 5.1 on, where it was not upgraded. */
const IMAGE_OF_THE_CLOUD: Rule = (see) => {
  const kind = see.get('cloud.kind');
  return ['image', 'image.id'].map((path) => {
    const prefix = see.get(path)?.slice(0, 4);
    if (prefix === 'emi-' && kind === 'aws')
      return wrong(
        path,
        says(
          'is the id of an image on Eucalyptus, and cloud.kind is aws',
          'give an id that begins with ami-, or correct cloud.kind',
        ),
      );
    if (prefix === 'ami-' && kind !== undefined && ONLY_EMI.includes(kind))
      return wrong(
        path,
        says(
          `is the id of an image on AWS: ${kind} has none of that kind`,
          'give an id that begins with emi-, or correct cloud.kind',
        ),
      );
    return undefined;
  });
};

const ONLY_EMI: readonly string[] = [
  'eucalyptus-3.2',
  'eucalyptus-3.4',
  'eucalyptus-4.4',
] satisfies readonly CloudKindName[];

/** Such a deadline would pass before the second look. */
const POLL_BEFORE_DEADLINE: Rule = (see) => {
  const poll = see.get('timing.poll', DEFAULT_POLL);
  const short = Object.entries(DEADLINES).find(([key, { normal }]) => {
    const deadline = see.get(`timing.deadline.${key}`, normal);
    return poll !== undefined && deadline !== undefined && milliseconds(deadline) <= milliseconds(poll);
  });
  return [
    short === undefined
      ? undefined
      : wrong('timing.poll', says(`is not shorter than timing.deadline.${short[0]}`, 'leave time for several looks')),
  ];
};

const RULES: readonly Rule[] = [
  NEEDED_BY_KIND,
  CA_NEEDS_TLS,
  IMAGE_IS_WHOLE,
  NAME_IN_ZONE,
  NO_LOOP,
  PORTS_DIFFER,
  STATIC_ONLY,
  HOSTS_OF_THEIR_NETWORK,
  IMAGE_OF_THE_CLOUD,
  POLL_BEFORE_DEADLINE,
];

export function ruleFaults(raw: unknown, known: readonly Fault[]): Fault[] {
  const see = sightOf(raw, known);
  return RULES.flatMap((rule) => rule(see)).filter((fault) => fault !== undefined);
}

function sightOf(raw: unknown, known: readonly Fault[]): Sight {
  // A fault of the value itself or of something it stands in; unknown keys beside it do no harm.
  const isWrong = (path: Path): boolean =>
    known.some((fault) => fault.at === 'value' && fault.path.every((part, i) => part === path[i]));
  const look = (path: string): unknown => (isWrong(pathOf(path)) ? undefined : valueAt(raw, pathOf(path)));
  return {
    get: (path, fallback) => {
      const value = look(path);
      if (typeof value === 'string' || typeof value === 'number') return String(value);
      return isWrong(pathOf(path)) ? undefined : fallback;
    },
    has: (path) => look(path) !== undefined,
    lacks: (path) => !isWrong(pathOf(path)) && look(path) === undefined,
  };
}

function wrong(path: string, text: string, at: Fault['at'] = 'value'): Fault {
  return { path: pathOf(path), text, at };
}

function pathOf(path: string): Path {
  return path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

function tidied(name: string | undefined): string | undefined {
  return name === undefined ? undefined : tidyName(name);
}
