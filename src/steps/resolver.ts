import { READ_RESOLVER, putResolverFirst, resolverStateOf } from '../machine/resolver';
import type { ResolverState } from '../machine/resolver';
import { byCommand } from './machine/command';
import { readSections } from './machine/session';
import { onMachine } from './planning';
import { step } from './step';

/** Puts the appliance's own resolver first, now and after every boot: without it the console works, but applications cannot be staged. */
export const resolver = step({
  id: 'resolver',
  plan: ({ spec }) => [onMachine(putResolverFirst(spec.network.mode))],
  activities: {
    putResolverFirst: byCommand<ResolverState>({
      step: 'resolver',
      observe: async (session, { spec }) =>
        resolverStateOf(await readSections(session, READ_RESOLVER), spec.network.mode),
      done: ({ live, persistent }) =>
        live && persistent ? { note: '127.0.0.1 first, after a boot too', known: {} } : undefined,
      command: ({ spec }) => putResolverFirst(spec.network.mode),
    }),
  },
});
