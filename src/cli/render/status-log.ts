/** A deployment as lines of a log: one line for each change. */

import type { StepState } from '../../deployment/messages';
import type { NodeStatus } from '../../client/nodes';
import type { DeploymentStatus } from '../../client/status';
import type { StepStatus } from '../../client/step-status';
import { nextSteps } from './next-steps';
import { duration, failureText, NODE_STYLE, oneLine, STAGE_STYLE, timestamp } from './text';

/** @param before absent the first time: then everything that has begun is new */
export function statusChanges(
  before: DeploymentStatus | undefined,
  after: DeploymentStatus,
  now: number,
): readonly string[] {
  const { name } = after;
  const say = (at: number, text: string): string => `${timestamp(at)} ${name} ${text}`;
  const old = new Map(before?.steps.map((step) => [step.id, withoutFigures(wordsOf(step))]));
  const silent: readonly StepState[] = before === undefined ? ['waiting', 'not-needed'] : ['waiting'];
  const steps = after.steps.filter(
    (step) => !silent.includes(step.state) && old.get(step.id) !== withoutFigures(wordsOf(step)),
  );
  const stages = new Map(before?.nodes.map((node) => [node.name, node.stage]));
  const nodes = after.nodes.filter(({ name: node, stage }) => stage !== 'waiting' && stages.get(node) !== stage);
  const gone = after.removedNodes.filter((node) => before?.removedNodes.includes(node) !== true);
  const undone = after.undone.slice(before?.undone.length ?? 0);
  return [
    ...(before === undefined
      ? [say(now, `console ${after.consoleUrl}`), say(now, `workflow ${after.workflowUrl}`)]
      : []),
    ...steps.map((step) => say(timeOf(step, now), `${step.id}: ${wordsOf(step)}`)),
    // The next one is removed only now.
    ...gone.map((node) => say(now, `${node}: removed`)),
    ...nodes.map((node) => say(node.run?.closedAt ?? now, `${node.name}: ${nodeWords(node)}`)),
    ...undone.map(({ what, ok, message }) =>
      say(
        now,
        `${ok ? 'taken back' : 'still there'}: ${oneLine(what)}${message === undefined ? '' : ` (${oneLine(message)})`}`,
      ),
    ),
    ...(isNews(before, after)
      ? [say(now, STAGE_STYLE[after.stage].words), ...nextSteps(after).map((line) => say(now, line))]
      : []),
  ];
}

function nodeWords({ stage, run, instance, error }: NodeStatus): string {
  const { state } = NODE_STYLE[stage];
  const took = stage === 'ready' && run?.closedAt !== undefined ? ` in ${duration(run.closedAt - run.startedAt)}` : '';
  const place = stage === 'ready' ? [instance?.privateIp, instance?.id].filter((each) => each !== undefined) : [];
  const why =
    stage === 'needs-attention' && error !== undefined
      ? [`${error.step}: ${failureText({ ...error, notYet: false })}`]
      : [];
  return [`${state}${took}`, ...why, ...place].join(', ');
}

function isNews(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  return before === undefined || before.stage !== after.stage || before.trouble !== after.trouble;
}

/** Without the number of the attempt: a waiting step would be new with every attempt. */
function wordsOf({ state, note, error, pending, startedAt, endedAt }: StepStatus): string {
  if (state === 'attention' && error !== undefined) return `attention, ${failureText({ ...error, notYet: false })}`;
  if (state === 'running')
    return pending?.failure === undefined
      ? 'running'
      : `${pending.failure.notYet ? 'waiting' : 'running'}, ${failureText(pending.failure)}`;
  const took = startedAt === undefined || endedAt === undefined ? '' : ` in ${duration(endedAt - startedAt)}`;
  const text = oneLine(note ?? '');
  return `${state}${took}${text === '' ? '' : `, ${text}`}`;
}

/** Figures in brackets at the end change all the time. */
function withoutFigures(words: string): string {
  return words.replace(/ \([^()]*\)$/, '');
}

/** The step's own time where there is one: what is seen late did not happen just now. */
function timeOf({ startedAt, endedAt, pending }: StepStatus, now: number): number {
  return endedAt ?? (pending?.failure === undefined ? (startedAt ?? now) : now);
}
