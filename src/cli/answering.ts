/** The answers of a person to an open deployment: resume, skip, abort, pause. */

import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import type { Deployments } from '../client/deployments';
import type { Verb } from '../client/answers';
import type { Decision } from '../deployment/messages';
import type { Context } from './context';
import { withDeployments } from './follow';

const SAY: Readonly<Record<Verb, (deployments: Deployments, name: string, decision: Decision) => Promise<string>>> = {
  resume: (deployments, name, decision) => deployments.resume(name, decision),
  skip: (deployments, name, { step }) => deployments.skip(name, step),
  abort: (deployments, name) => deployments.abort(name),
  pause: (deployments, name) => deployments.pause(name),
};

export async function answerCommand(context: Context, verb: Verb, name: string, decision: Decision): Promise<ExitCode> {
  const answer = await withDeployments(context, (deployments) => SAY[verb](deployments, name, decision));
  context.show({ name, answer }, () => `${answer}\nSee how it goes on: stackato-deploy watch ${name}`);
  return EXIT.done;
}
