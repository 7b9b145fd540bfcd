/** Registers the search attributes that make `list` and Temporal's own filters work, where they are missing. */

import { SEARCH_ATTRIBUTE } from '../deployment/names';
import { ClientError, sentence } from './errors';
import { detailsOf, grpcCodeOf } from './temporal';
import type { Temporal } from './temporal';

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const GRPC = { alreadyExists: 6, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;
/** Managed Temporal services do not allow this call; starting the workflow will tell whether the attributes exist. */
const NOT_FOR_US: readonly (number | undefined)[] = [GRPC.permissionDenied, GRPC.unimplemented, GRPC.unauthenticated];

/** @returns whether some were added just now: the server may need a moment until it knows them */
export async function registerSearchAttributes(temporal: Temporal): Promise<boolean> {
  const { namespace } = temporal.settings;
  return temporal.call(async () => {
    const existing = await registered(temporal, namespace);
    if (existing === undefined) return false;
    const ours = Object.values(SEARCH_ATTRIBUTE);
    const wrong = ours.filter((name) => (existing.get(name) ?? KEYWORD) !== KEYWORD);
    if (wrong.length > 0) throw ofAnotherType(wrong, namespace);
    const missing = ours.filter((name) => !existing.has(name));
    if (missing.length === 0) return false;
    try {
      const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
      await temporal.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Another `up` may have been faster.
      if (grpcCodeOf(error) !== GRPC.alreadyExists) throw notRegistered(missing, namespace, error);
    }
    return true;
  });
}

/** Names and types. */
async function registered(temporal: Temporal, namespace: string): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace });
    return new Map(Object.entries(customAttributes ?? {}));
  } catch (error) {
    if (NOT_FOR_US.includes(grpcCodeOf(error))) return undefined;
    throw error;
  }
}

/** A start failed because it names an attribute that the server does not know. */
export function isUnknownAttribute(error: unknown): boolean {
  return /no mapping defined for search attribute|search attribute \S+ is not defined/i.test(detailsOf(error));
}

/** Temporal on an SQL database has room for ten of a type in each namespace; an operator would be refused, too. */
const FULL = /cannot have more than \d+ search attribute/i;

export function notRegistered(names: readonly string[], namespace: string, cause: unknown): ClientError {
  const why = detailsOf(cause);
  const message = `Temporal lacks the search attributes ${names.join(', ')}. It refused to add them: ${sentence(why)}`;
  return new ClientError('SEARCH_ATTRIBUTES', message, {
    cause,
    remedy: FULL.test(why) ? roomFor(names, namespace) : `Let an operator run: ${creating(names, namespace)}`,
  });
}

function roomFor(names: readonly string[], namespace: string): string {
  return (
    'Use another namespace (TEMPORAL_NAMESPACE); or let an operator remove some of type Keyword that nobody uses, ' +
    `until ${names.length} more fit, then run this again: temporal operator search-attribute remove --namespace ${namespace} --name <name> (\`list\` shows them).`
  );
}

function ofAnotherType(names: readonly string[], namespace: string): ClientError {
  const flags = names.map((name) => `--name ${name}`).join(' ');
  return new ClientError(
    'SEARCH_ATTRIBUTES',
    `In the namespace ${namespace} the search attributes ${names.join(', ')} are of another type than Keyword.`,
    {
      remedy:
        'Use another namespace (TEMPORAL_NAMESPACE); or let an operator run: ' +
        `temporal operator search-attribute remove --namespace ${namespace} ${flags}; ${creating(names, namespace)}`,
    },
  );
}

function creating(names: readonly string[], namespace: string): string {
  const flags = [...names.map((name) => `--name ${name}`), ...names.map(() => '--type Keyword')];
  return `temporal operator search-attribute create --namespace ${namespace} ${flags.join(' ')}`;
}
