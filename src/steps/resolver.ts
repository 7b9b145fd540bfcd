/** The appliance's own resolver first, now and after every boot: without it the console works and applications fail to stage. */

import { OBSERVE_RESOLVER, putResolverFirst as put, resolverStateOf } from '../machine/resolver';
import type { ResolverState } from '../machine/resolver';
import { ensureByCommand } from './machine/command';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import { look } from './machine/session';
import type { StepInput, StepOutcome } from '../deployment/activities';

export function putResolverFirst(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const { mode } = input.spec.network;
  return ensureByCommand<ResolverState>(deps, input, attempt, {
    step: 'resolver',
    observe: async (session) => resolverStateOf(await look(session, OBSERVE_RESOLVER), mode),
    done: ({ live, persistent }) =>
      live && persistent ? { note: '127.0.0.1 first, after a boot too', known: {} } : undefined,
    command: () => put(mode),
  });
}
