/** The search attributes that make `list` and Temporal's own filters work, registered where they are not yet. */

import { SEARCH_ATTRIBUTE } from '../spec/names';
import { ClientError } from './errors';
import { detailsOf, grpcCodeOf } from './temporal';
import type { Temporal } from './temporal';

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const GRPC = { alreadyExists: 6, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;
/** Managed Temporals keep this call to themselves; whether the attributes are there, starting the workflow will tell. */
const NOT_FOR_US: readonly (number | undefined)[] = [GRPC.permissionDenied, GRPC.unimplemented, GRPC.unauthenticated];

/** @returns whether some were added just now: the server may take a moment to know them */
export async function registerSearchAttributes(temporal: Temporal): Promise<boolean> {
  const { namespace } = temporal.settings;
  return temporal.call(async () => {
    const there = await registered(temporal, namespace);
    const missing = Object.values(SEARCH_ATTRIBUTE).filter((name) => there !== undefined && !there.includes(name));
    if (missing.length === 0) return false;
    try {
      const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
      await temporal.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Another `up` may have been quicker.
      if (grpcCodeOf(error) !== GRPC.alreadyExists) throw notRegistered(missing, error);
    }
    return true;
  });
}

async function registered(temporal: Temporal, namespace: string): Promise<readonly string[] | undefined> {
  try {
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace });
    return Object.keys(customAttributes ?? {});
  } catch (error) {
    if (NOT_FOR_US.includes(grpcCodeOf(error))) return undefined;
    throw error;
  }
}

/** What a start says that names an attribute the server does not know. */
export function isUnknownAttribute(error: unknown): boolean {
  return /no mapping defined for search attribute|search attribute \S+ is not defined/i.test(detailsOf(error));
}

export function notRegistered(names: readonly string[], cause: unknown): ClientError {
  return new ClientError('SEARCH_ATTRIBUTES', `Temporal lacks the search attributes ${names.join(', ')}. It did not let this tool add them: ${detailsOf(cause)}.`, { cause });
}
