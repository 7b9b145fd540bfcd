/** The words for roles in a spec, and the roles of a release that they stand for. */

import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';

/**
 * kato’s own word for these (`-e data-services`: CSB, A2 and A34 cluster/index.rst), and which they are (A2 reference/glossary.rst; CC
 * role_groups.yml). Each by its own name is what `kato` lists, and what a node can be compared with.
 */
const DATA_SERVICES = {
  word: 'data-services',
  roles: ['filesystem', 'mongodb', 'mysql', 'postgresql', 'rabbit', 'redis', 'memcached'],
} as const;

/** The health manager must be on the machine of the controller (A2 reference/architecture.rst). */
const WITH_CONTROLLER = 'health_manager';
/** Of the core, unless a group has it. */
const STAGER = 'stager';

export function knownRoleWords(release: ReleaseName): readonly string[] {
  return [...RELEASES[release].roles.value, DATA_SERVICES.word];
}

export function hasStagers(release: ReleaseName): boolean {
  return RELEASES[release].roles.value.includes(STAGER);
}

/** In the order of the release: how they were written is then no difference. */
export function rolesMeant(release: ReleaseName, words: readonly string[]): readonly string[] {
  const meant = new Set<string>(words.flatMap((word) => (word === DATA_SERVICES.word ? DATA_SERVICES.roles : [word])));
  return RELEASES[release].roles.value.filter((role) => meant.has(role));
}

/** Roles that the core has whatever the spec says. */
export function rolesOfAnyCore(release: ReleaseName): readonly string[] {
  return rolesMeant(release, [...RELEASES[release].coreNeeds.value, WITH_CONTROLLER]);
}

/** @param written what the spec gives to the core besides */
export function coreRolesOf(
  release: ReleaseName,
  written: readonly string[],
  ofGroups: readonly string[],
): readonly string[] {
  const stager = ofGroups.includes(STAGER) ? [] : [STAGER];
  return rolesMeant(release, [...rolesOfAnyCore(release), ...stager, ...written]);
}
