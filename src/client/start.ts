/** Starts a run of a deployment, or joins the open one: Temporal allows only one open run of a name. */

import { randomUUID } from 'node:crypto';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { MEMO_SPEC, SEARCH_ATTRIBUTE, workflowIdOf } from '../deployment/names';
import type { WORKFLOW } from '../deployment/names';
import type { DeployInput, DeploymentView, TeardownInput } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { memoOf } from '../deployment/view';
import { digestOf, specMemoIn } from '../temporal/memo';
import type { SpecMemo } from '../temporal/memo';
import { isUnknownAttribute, notRegistered } from './search-attributes';
import type { Temporal } from './temporal';

export interface StartRequest {
  readonly type: typeof WORKFLOW.deploy | typeof WORKFLOW.teardown;
  readonly input: DeployInput & TeardownInput;
  /** The view until a worker takes the run up. */
  readonly view: DeploymentView;
}

export interface StartedRun {
  readonly description: WorkflowExecutionDescription;
  /** False: another run was open already, and this is it. */
  readonly ours: boolean;
}

/** Every part of the server knows new attributes after its cache was refreshed. */
const ATTRIBUTE_LIMIT = 15_000;
const ATTRIBUTE_PAUSE = 250;

const KEYS = {
  stage: defineSearchAttributeKey(SEARCH_ATTRIBUTE.stage, SearchAttributeType.KEYWORD),
  cloud: defineSearchAttributeKey(SEARCH_ATTRIBUTE.cloud, SearchAttributeType.KEYWORD),
  host: defineSearchAttributeKey(SEARCH_ATTRIBUTE.host, SearchAttributeType.KEYWORD),
};

/** @param addedAttributes search attributes were added just now, so the server may not know them yet */
export async function startRun(
  temporal: Temporal,
  request: StartRequest,
  addedAttributes: boolean,
): Promise<StartedRun> {
  const { name } = request.input.spec;
  const start = randomUUID();
  const end = Date.now() + (addedAttributes ? ATTRIBUTE_LIMIT : 0);
  for (;;) {
    try {
      await temporal.call(() => temporal.client.workflow.start(request.type, startOptions(temporal, request, start)));
      break;
    } catch (error) {
      if (!isUnknownAttribute(error)) throw error;
      if (Date.now() > end) throw notRegistered(Object.values(SEARCH_ATTRIBUTE), temporal.settings.namespace, error);
      await new Promise((resolve) => setTimeout(resolve, ATTRIBUTE_PAUSE));
    }
  }
  const description = await temporal.call(() => temporal.client.workflow.getHandle(workflowIdOf(name)).describe());
  return { description, ours: specMemoIn(description.memo)?.start === start };
}

function startOptions(temporal: Temporal, { input, view }: StartRequest, start: string) {
  const { spec } = input;
  const memo: SpecMemo = { digest: digestOf(spec), spec, start };
  return {
    workflowId: workflowIdOf(spec.name),
    taskQueue: temporal.settings.taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    memo: { ...memoOf(view), [MEMO_SPEC]: memo },
    typedSearchAttributes: [
      { key: KEYS.stage, value: view.stage },
      { key: KEYS.cloud, value: view.cloud },
      { key: KEYS.host, value: view.host },
    ],
    staticSummary: `${spec.dns.name} → ${spec.cloud.kind}`,
    staticDetails: detailsOf(spec, view),
  };
}

/** Markdown for the Web UI. */
function detailsOf(spec: DeploymentSpec, view: DeploymentView): string {
  const rows = [
    ['console', `[${view.consoleUrl}](${view.consoleUrl})`],
    ['release', spec.release],
    ['cloud', `${spec.cloud.kind} ${spec.cloud.endpoint ?? spec.cloud.region}`],
    ['image', 'id' in spec.image ? spec.image.id : `${spec.image.name}, published to ${spec.image.bucket}`],
    ['instance type', spec.instance.type],
    ...(spec.cluster === undefined
      ? []
      : [['nodes', ['core', ...spec.cluster.groups.map(({ name, count }) => `${count} ${name}`)].join(', ')]]),
    ['address', 'ip' in spec.address ? spec.address.ip : 'allocated'],
    ['DNS', `${spec.dns.name} in ${spec.dns.zone} at ${spec.dns.server}`],
  ];
  return [
    '| | |',
    '|---|---|',
    ...rows.map(([key, value]) => `| ${key} | ${value} |`),
    '',
    `\`stackato-deploy status ${spec.name}\``,
  ].join('\n');
}
