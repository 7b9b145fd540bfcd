/** Rules about `nodes`: the names of groups, and which roles may be where. */

import { nearest } from './nearest';
import { isShowableKey, withHint } from './problems';
import type { Fault } from './problems';
import { tidyName } from './dns-names';
import { coreRolesOf, hasStagers, knownRoleWords, rolesMeant } from './roles';
import { MOST_NODES } from './schema-nodes';
import { wrong } from './spec-reader';
import type { Rule, SpecReader } from './spec-reader';
import { CORE } from '../deployment/facts';
import { nodeNameOf } from '../deployment/cluster';
import { hazardsOf, isReleaseName, RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';

/** A group, or the core, as far as nothing is wrong with it. */
interface Group {
  /** `nodes.dea` */
  readonly path: string;
  /** As written, each with its path. */
  readonly words: readonly { readonly word: string; readonly path: string }[];
  /** What they stand for. */
  readonly roles: readonly string[];
  readonly count: number;
  /** Whether all its words are roles. */
  readonly sound: boolean;
}

interface Cluster {
  readonly release: ReleaseName;
  readonly core: Group;
  readonly groups: readonly Group[];
}

type ClusterRule = (cluster: Cluster) => readonly (Fault | undefined)[];

const NAME = /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/;
const NAME_HINT = 'give up to 30 lower-case letters, digits and hyphens, beginning with a letter, such as dea';

/** Of Linux, and of a certificate. */
const MAX_HOST_NAME = 64;

/** Roles that other releases have, or that need no words. */
const NOT_WRITTEN: Readonly<Record<string, string>> = {
  base: 'every node has it: take it out',
  mdns: 'it is disabled on every machine, because the name is in DNS: take it out',
  cloud_controller: 'from 2.10.4 on it is called controller',
  controller: 'before 2.10.4 it is called cloud_controller',
  primary: 'before 2.10.4 there is no such role: take it out',
  health_manager: 'from 3.0 on it is part of primary: take it out',
  stager: 'from 3.0 on every dea is a stager, too: take it out',
  prealloc: 'only 2.6 has it: take it out',
  harbor: 'there is none before 2.8: take it out',
  rabbit3: 'before 3.0 there is only rabbit',
  microcloud: 'give the roles one by one',
};

const LOAD_BALANCER = 'load_balancer';
/** By either name. */
const CONTROLLERS = ['cloud_controller', 'controller'];
/** Bug 96225: they need ssh keys made by hand. */
const NEED_KEYS = { bug: 96225, roles: ['router', ...CONTROLLERS, LOAD_BALANCER] };

const LEAVE_TO_CORE = 'take it out: the core has it';
const NO_LOAD_BALANCER = 'take it out: this version sets up no load balancer';

const NAMES_OF_GROUPS: Rule = (spec) =>
  groupNames(spec).map((name) => {
    const fault = nameFault(name);
    if (fault === undefined) return undefined;
    const shown = isShowableKey(name, spec.has(`nodes.${name}`));
    return { path: ['nodes', name], text: fault, at: 'key', refused: true, ...(shown ? {} : { hidden: true }) };
  });

function nameFault(name: string): string | undefined {
  if (!NAME.test(name)) return withHint('is not the name of a group', NAME_HINT);
  return /-\d+$/.test(name)
    ? withHint('ends in a hyphen and a number, like the name of a node', 'take the number out; count says how many')
    : undefined;
}

function groupNames(spec: SpecReader): readonly string[] {
  return spec.keys('nodes').filter((name) => name !== CORE);
}

/** The host name of a node is the name of the node below the base name. */
const HOST_NAMES_FIT: Rule = (spec) => {
  const base = spec.get('dns.name');
  if (base === undefined) return [];
  return namedGroups(spec).map((name) => {
    const longest = `${nodeNameOf({ name }, countOf(spec, name))}.${tidyName(base)}`;
    if (longest.length <= MAX_HOST_NAME) return undefined;
    return wrong(
      `nodes.${name}`,
      withHint(
        `makes host names of more than ${MAX_HOST_NAME} characters: a hyphen, a number and dns.name follow it`,
        `choose a name that is shorter by ${longest.length - MAX_HOST_NAME}`,
      ),
      'key',
    );
  });
};

function namedGroups(spec: SpecReader): readonly string[] {
  return groupNames(spec).filter((name) => nameFault(name) === undefined);
}

/** The core has no count. */
function countOf(spec: SpecReader, name: string): number {
  return Number(spec.get(`nodes.${name}.count`) ?? 1);
}

const NOT_TOO_MANY: Rule = (spec) => {
  const counts = namedGroups(spec).map((name) => countOf(spec, name));
  if (counts.reduce((sum, count) => sum + count, 0) <= MOST_NODES) return [];
  return [wrong('nodes', withHint(`has more than ${MOST_NODES} nodes`, 'lower the counts'), 'key')];
};

const ONLY_WITH_NODES: Rule = (spec) =>
  spec.lacks('nodes')
    ? ['rollout', 'ssh.reach'].map((path) =>
        spec.has(path)
          ? wrong(path, withHint('has no meaning without nodes', 'take it out, or give nodes'), 'key')
          : undefined,
      )
    : [];

/** A volume can be attached to one machine only. */
const VOLUME_OF_ONE: Rule = (spec) => {
  if (spec.lacks('nodes')) return [];
  const machines = [CORE, ...namedGroups(spec)].map((name) => {
    const own = `nodes.${name}.storage`;
    const path = `${spec.has(own) ? own : 'storage'}.containers.volume`;
    return { path, volume: spec.get(path)?.toLowerCase(), count: countOf(spec, name) };
  });
  const given = machines.filter(({ volume }) => volume?.startsWith('vol-') === true);
  return [...new Set(given.map(({ volume }) => volume))].map((volume) => {
    const users = given.filter((each) => each.volume === volume);
    if (users.reduce((sum, { count }) => sum + count, 0) <= 1) return undefined;
    return wrong(
      users.at(-1)?.path ?? 'storage',
      withHint(
        'is a volume for more than one machine',
        'give a number of GiB: each machine gets a volume of that size',
      ),
    );
  });
};

const ROLES_OF_RELEASE: ClusterRule = ({ release, core, groups }) => {
  const known = knownRoleWords(release);
  return [core, ...groups].flatMap(({ words }) =>
    words.map(({ word, path }) => {
      if (known.includes(word) || word === LOAD_BALANCER) return undefined;
      const other = Object.hasOwn(NOT_WRITTEN, word) ? NOT_WRITTEN[word] : undefined;
      const meant = nearest(word, known);
      const list = `known are ${known.join(', ')}`;
      const hint = other ?? (meant === undefined ? list : `did you mean ${meant}? ${list}`);
      return wrong(path, withHint(`is not a role for a node of Stackato ${release}`, hint));
    }),
  );
};

/** Each cause once: a role that would be refused for several reasons is refused for the first. */
const NOT_OUTSIDE_THE_CORE: ClusterRule = ({ release, groups }) => {
  const needsKeys = hazardsOf(release).some(({ bug }) => bug === NEED_KEYS.bug) ? NEED_KEYS.roles : [];
  const balancers = groups.filter(({ words, count }) => words.some(({ word }) => word === LOAD_BALANCER) && count > 0);
  return groups.flatMap(({ words, count, path: group }) =>
    words.map(({ word, path }) => {
      const refusal = (what: string, hint: string): Fault => wrong(path, withHint(what, hint));
      if (needsKeys.includes(word))
        return refusal(
          `needs ssh keys made by hand on a node of its own before 2.6.7 (bug ${NEED_KEYS.bug})`,
          word === LOAD_BALANCER ? NO_LOAD_BALANCER : LEAVE_TO_CORE,
        );
      if (word === 'primary') return refusal('is a role of exactly one machine', LEAVE_TO_CORE);
      if (CONTROLLERS.includes(word))
        return refusal('must be on the core, and a second one needs a file system that both share', LEAVE_TO_CORE);
      if (word === 'health_manager') return refusal('must be on the machine of the controller', LEAVE_TO_CORE);
      if (word === LOAD_BALANCER) {
        if (words.length > 1) return refusal('allows no other role on its node', NO_LOAD_BALANCER);
        if (count !== 1) return wrong(`${group}.count`, withHint('must be 1 for a load balancer', NO_LOAD_BALANCER));
        return refusal('needs the elastic IP, which this version gives to the core only', NO_LOAD_BALANCER);
      }
      if (word !== 'router') return undefined;
      return balancers.length === 0
        ? refusal('is a second router beside that of the core, and two need a load balancer', LEAVE_TO_CORE)
        : refusal(
            'needs the elastic IP on its load balancer, and this version gives it to the core only',
            LEAVE_TO_CORE,
          );
    }),
  );
};

const NOT_ON_THE_CORE: ClusterRule = ({ core }) =>
  core.words.map(({ word, path }) =>
    word === LOAD_BALANCER
      ? wrong(path, withHint('must be alone on its node, and the core has other roles', NO_LOAD_BALANCER))
      : undefined,
  );

const WORKS: ClusterRule = ({ release, core, groups }) => {
  if ([core, ...groups].some(({ sound }) => !sound)) return [];
  const running = [core, ...groups.filter(({ count }) => count > 0)];
  const needed = ['dea', ...(hasStagers(release) ? ['stager'] : [])];
  return needed.map((role) => {
    if (running.some(({ roles }) => roles.includes(role))) return undefined;
    const empty = groups.find(({ roles }) => roles.includes(role));
    const what = `no machine has the role ${role}, without which no application can be deployed`;
    return empty === undefined
      ? wrong('nodes', withHint(what, `give it to a group: ${role}: { roles: [${role}], count: 1 }`), 'key')
      : wrong(`${empty.path}.count`, withHint(`is 0, and ${what}`, `give 1 or more, or nodes.core.roles: [${role}]`));
  });
};

/**
 * Removing a node of such a group must never remove data unnoticed. What two nodes with the same service do is in none of the sources:
 * their examples spread services over nodes, and give each service to one (A2, A34 cluster/index.rst).
 */
const DATA_SERVICES: ClusterRule = ({ release, core, groups }) => {
  const services = RELEASES[release].dataServices.value;
  const dataOf = ({ roles }: Group): readonly string[] => roles.filter((role) => services.includes(role));
  return groups.flatMap((group, i) => {
    const data = dataOf(group);
    if (data.length === 0) return [];
    const earlier = [core, ...groups.slice(0, i)].find((other) => dataOf(other).some((role) => data.includes(role)));
    return [
      data.length === group.roles.length
        ? undefined
        : wrong(
            `${group.path}.roles`,
            withHint(
              'mixes data services with other roles, so that a node could not be removed without data',
              `make a group of its own of ${data.join(', ')}`,
            ),
          ),
      earlier === undefined
        ? undefined
        : wrong(
            `${group.path}.roles`,
            withHint(
              `has data services that ${earlier.path} has, too: ${data.filter((role) => earlier.roles.includes(role)).join(', ')}`,
              'give each data service to one group',
            ),
          ),
      group.count <= 1
        ? undefined
        : wrong(
            `${group.path}.count`,
            withHint(
              'is more than 1 for data services: what Stackato does with two nodes of one service is not known',
              'give 1, and groups of their own to some of the services',
            ),
          ),
    ];
  });
};

const OF_THE_CLUSTER: readonly ClusterRule[] = [
  ROLES_OF_RELEASE,
  NOT_OUTSIDE_THE_CORE,
  NOT_ON_THE_CORE,
  WORKS,
  DATA_SERVICES,
];

const ROLES_FIT: Rule = (spec) => {
  const cluster = clusterIn(spec);
  return cluster === undefined ? [] : OF_THE_CLUSTER.flatMap((rule) => rule(cluster));
};

function clusterIn(spec: SpecReader): Cluster | undefined {
  const release = spec.get('release');
  if (groupNames(spec).length > namedGroups(spec).length) return undefined;
  if (!spec.has('nodes') || release === undefined || !isReleaseName(release)) return undefined;
  const known = knownRoleWords(release);
  const groupOf = (name: string): Group => {
    const path = `nodes.${name}`;
    const written = spec
      .keys(`${path}.roles`)
      .map((i) => ({ word: spec.get(`${path}.roles.${i}`), path: `${path}.roles.${i}` }));
    const words = written.flatMap(({ word, path: at }) => (word === undefined ? [] : [{ word, path: at }]));
    const left = name === CORE && spec.lacks(`${path}.roles`);
    return {
      path,
      words,
      roles: rolesMeant(
        release,
        words.map(({ word }) => word),
      ),
      count: countOf(spec, name),
      sound: left || (written.length > 0 && written.every(({ word }) => word !== undefined && known.includes(word))),
    };
  };
  const groups = namedGroups(spec).map(groupOf);
  const core = groupOf(CORE);
  const ofGroups = groups.flatMap(({ roles }) => roles);
  return { release, groups, core: { ...core, roles: coreRolesOf(release, core.roles, ofGroups) } };
}

export const CLUSTER_RULES: readonly Rule[] = [
  NAMES_OF_GROUPS,
  HOST_NAMES_FIT,
  NOT_TOO_MANY,
  ONLY_WITH_NODES,
  VOLUME_OF_ONE,
  ROLES_FIT,
];
