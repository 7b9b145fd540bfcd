/** Publishes the state of a deployment: memo and search attributes (readable without a worker), and Markdown for the Web UI (needs one). */

import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { remedyOf } from '../deployment/errors';
import { MEMO_NODE, MEMO_VIEW, SEARCH_ATTRIBUTE } from '../deployment/names';
import { STEPS, titleOf } from '../deployment/steps';
import type { RequestFact, StepId } from '../deployment/steps';
import type { DeploymentView, NodeRow, Stage, StepProgress, UndoNote } from '../deployment/messages';
import { CORE, forget, knownOf, learn } from '../deployment/facts';
import { groupNameIn } from '../deployment/cluster';
import { isOfCluster, memoOf } from '../deployment/view';
import type { Known, NodeFacts, NodeName, Unsettled } from '../deployment/facts';

const STAGE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.stage, SearchAttributeType.KEYWORD);
const CLOUD = defineSearchAttributeKey(SEARCH_ATTRIBUTE.cloud, SearchAttributeType.KEYWORD);
const HOST = defineSearchAttributeKey(SEARCH_ATTRIBUTE.host, SearchAttributeType.KEYWORD);

const MARK: Readonly<Record<StepProgress['state'], string>> = {
  waiting: '·',
  running: '▶',
  done: '✓',
  unchanged: '=',
  skipped: '↷',
  attention: '✗',
  'not-needed': '–',
};

/** More than it takes from the end of a call to the next one. */
const MICROTASKS = 50;

export interface ProgressOptions {
  /** Changes of one workflow task are one event. Only in workflows of clusters: older histories have one for each. */
  readonly batched?: boolean;
  readonly onStage?: (stage: Stage) => void;
}

export class Progress {
  /** Steps of this workflow that need attention. */
  private parked = 0;
  /** The stage while nothing needs attention. */
  private readonly atWork: Stage;
  /** Keys of the memo. */
  private readonly unpublished = new Set<string>();

  constructor(
    readonly view: DeploymentView,
    private readonly options: ProgressOptions = {},
  ) {
    this.atWork = view.stage;
    upsertSearchAttributes([
      { key: STAGE, value: view.stage },
      { key: CLOUD, value: view.cloud },
      { key: HOST, value: view.host },
    ]);
    this.publish(Object.keys(memoOf(view)));
  }

  known(node: NodeName): Known {
    return knownOf(this.view.facts, node);
  }

  factsOf(node: NodeName): NodeFacts {
    return this.view.facts.nodes[node] ?? {};
  }

  /** For a node other than the core, which is reached through it: the facts of the core. */
  reachedBy(node: NodeName): { readonly core?: NodeFacts } {
    return node === CORE ? {} : { core: this.view.facts.nodes.core };
  }

  /** Published at once, so that a run that is ended from outside leaves its facts to the next one. */
  learn(node: NodeName, learnt: Partial<Known>): void {
    const before = JSON.stringify(this.view.facts);
    const { instance, launchRequest, made } = this.view.facts.nodes[node] ?? {};
    // Another instance: facts about the old one would be wrong.
    if (instance !== undefined && learnt.instance !== undefined && learnt.instance.id !== instance.id) {
      this.forgetNode(node);
      if (launchRequest !== undefined) learn(this.view.facts, node, { launchRequest });
      if (made !== undefined) learn(this.view.facts, node, { made });
    }
    learn(this.view.facts, node, learnt);
    if (JSON.stringify(this.view.facts) !== before) this.publishFacts(node);
  }

  /** @param request a request without an answer so far; undefined: it was answered */
  request(node: NodeName, fact: RequestFact, request: Unsettled | undefined): void {
    if (request !== undefined) return this.learn(node, { [fact]: request });
    if (this.known(node)[fact] === undefined) return;
    this.forget(node, fact);
    this.publishFacts(node);
  }

  forget(node: NodeName, fact: keyof Known): void {
    forget(this.view.facts, node, fact);
  }

  /** All but what outlives the instance: the volume, and its entry in the list of the core. */
  forgetNode(node: NodeName): void {
    const { attached } = this.factsOf(node);
    this.view.facts.nodes[node] = {
      ...volumeIn(this.factsOf(node)),
      ...(attached === undefined ? {} : { attached }),
    };
  }

  step(id: StepId, change: StepProgress): void {
    this.note(id, change);
    this.publish();
  }

  /** Published with the next change. */
  note(id: StepId, change: StepProgress): void {
    this.view.steps[id] = change;
  }

  /** For an abort: steps that were running are no longer shown as running. */
  stopRunning(): void {
    for (const step of Object.values(this.view.steps)) {
      if (step.state === 'running')
        Object.assign(step, { state: 'waiting', note: 'stopped by abort' } satisfies Partial<StepProgress>);
    }
  }

  undone(note: UndoNote): void {
    this.view.undone.push(note);
    this.publish();
  }

  stage(stage: Stage): void {
    if (this.view.stage === stage) return;
    this.view.stage = stage;
    upsertSearchAttributes([{ key: STAGE, value: stage }]);
    this.publish();
    this.options.onStage?.(stage);
  }

  get needsAttention(): boolean {
    return this.parked > 0 || Object.values(this.view.nodes).some(({ stage }) => stage === 'needs-attention');
  }

  /** A step of this workflow needs attention, or no longer does. */
  park(): void {
    this.parked += 1;
    this.stage('needs-attention');
  }

  unpark(): void {
    this.parked -= 1;
    this.goOn();
  }

  /** Unless something needs attention. */
  pause(): void {
    if (!this.needsAttention) this.stage('paused');
  }

  goOn(): void {
    if (!this.needsAttention) this.stage(this.atWork);
  }

  /** Changes the row of a node. An error stays only if it is given again. */
  node(
    node: NodeName,
    { stage, facts, error }: Pick<NodeRow, 'stage' | 'error'> & Partial<Pick<NodeRow, 'facts'>>,
  ): void {
    if (facts !== undefined) this.view.facts.nodes[node] = facts;
    this.view.nodes[node] = {
      group: groupNameIn(node),
      stage,
      facts: this.view.facts.nodes[node] ?? {},
      ...(error === undefined ? {} : { error }),
    };
    this.publish([`${MEMO_NODE}${node}`]);
    if (this.view.stage === 'undoing') return;
    if (stage === 'needs-attention') this.stage(stage);
    else if (this.view.stage === 'needs-attention') this.goOn();
  }

  nodeFacts(node: NodeName, facts: NodeFacts): void {
    this.view.facts.nodes[node] = facts;
    this.publishFacts(node);
  }

  /** Nothing is left of the node. */
  nodeGone(node: NodeName): void {
    delete this.view.facts.nodes[node];
    delete this.view.nodes[node];
    this.publish([`${MEMO_NODE}${node}`]);
    if (this.view.stage === 'needs-attention') this.goOn();
  }

  /**
   * Only a volume may be left, which the next run is to find, and `down --volumes` is to delete.
   * @param made with what the node was made: it tells whether the volume may hold data
   */
  nodeTakenBack(node: NodeName, made: NodeFacts['made']): void {
    const left = volumeIn(this.factsOf(node));
    this.nodeGone(node);
    if (left.volume?.made !== true && left.volumeRequest === undefined) return;
    this.view.facts.nodes[node] = { ...left, ...(made === undefined ? {} : { made }) };
    this.publish();
  }

  private publishFacts(node: NodeName): void {
    const row = this.view.nodes[node];
    if (row === undefined) return this.publish();
    row.facts = this.view.facts.nodes[node] ?? {};
    this.publish([`${MEMO_NODE}${node}`]);
  }

  private publish(keys: readonly string[] = [MEMO_VIEW]): void {
    const first = this.unpublished.size === 0;
    for (const key of keys) this.unpublished.add(key);
    if (this.options.batched !== true) this.flush();
    else if (first) void this.flushSoon();
  }

  /** At the end of the workflow task, if nothing flushes before: another branch may be waiting for hours. */
  private async flushSoon(): Promise<void> {
    for (let turn = 0; turn < MICROTASKS; turn++) await Promise.resolve();
    this.flush();
  }

  /** Call it before anything is started that must find the facts in history, and before the workflow ends. */
  flush(): void {
    if (this.unpublished.size === 0) return;
    const memo = memoOf(this.view);
    const changed = Object.fromEntries([...this.unpublished].map((key) => [key, memo[key] ?? null]));
    this.unpublished.clear();
    // A deep copy, because the view keeps changing.
    upsertMemo(JSON.parse(JSON.stringify(changed)) as typeof changed);
    setCurrentDetails(detailsOf(this.view));
  }
}

function volumeIn({ volume, volumesBefore, volumeRequest }: NodeFacts): NodeFacts {
  return {
    ...(volume === undefined ? {} : { volume }),
    ...(volumesBefore === undefined ? {} : { volumesBefore }),
    ...(volumeRequest === undefined ? {} : { volumeRequest }),
  };
}

/** Epoch milliseconds, by the workflow's clock. */
export function now(): number {
  return Date.now();
}

function detailsOf(view: DeploymentView): string {
  const {
    site: { address },
    nodes: {
      core: { instance },
    },
  } = view.facts;
  const head =
    view.node === undefined
      ? `**${view.name}** is **${view.stage}** · [${view.consoleUrl}](${view.consoleUrl}) · address ${address?.publicIp ?? '–'} · instance ${instance?.id ?? '–'}`
      : `**${view.node}** of **${view.name}** is **${view.stage}** · ${view.host} · instance ${view.facts.nodes[view.node]?.instance?.id ?? '–'}`;
  return [
    head,
    ...attention(view),
    ...nodesAttention(view),
    ...undoList(view),
    '',
    ...stepTable(view),
    ...nodeTable(view),
  ].join('\n');
}

function nodeTable({ nodes }: DeploymentView): string[] {
  const rows = Object.entries(nodes).map(
    ([node, { stage, facts, error }]) =>
      `| ${node} | ${stage} | ${facts.instance?.id ?? '–'} | ${facts.instance?.privateIp ?? '–'} | ${error === undefined ? '' : `${error.step}: ${error.code}`} |`,
  );
  return rows.length === 0 ? [] : ['', '| node | state | instance | address | |', '|---|---|---|---|---|', ...rows];
}

function nodesAttention({ name, nodes }: DeploymentView): string[] {
  return Object.entries(nodes).flatMap(([node, { stage, error }]) =>
    stage !== 'needs-attention' || error === undefined
      ? []
      : [
          '',
          `**${node} needs attention: ${error.step}: ${error.code}** — ${literal(cell(error.message))}`,
          '',
          `What to do: \`stackato-deploy status ${name} --node ${node}\``,
        ],
  );
}

function stepTable(view: DeploymentView): string[] {
  const ofCluster = isOfCluster(view);
  const rows = STEPS.flatMap((row) => {
    const { id } = row;
    const step = view.steps[id];
    return step === undefined
      ? []
      : [
          `| ${id} | ${literal(titleOf(row, ofCluster))} | ${MARK[step.state]} ${step.state} | ${literal(cell(step.note ?? ''))} |`,
        ];
  });
  return rows.length === 0 ? [] : ['| step | what | state | |', '|---|---|---|---|', ...rows];
}

function attention(view: DeploymentView): string[] {
  return STEPS.flatMap(({ id, skippable }) => {
    const error = view.steps[id]?.state === 'attention' ? view.steps[id]?.error : undefined;
    if (error === undefined) return [];
    const of = view.node === undefined ? view.name : `${view.name} --node ${view.node}`;
    const answers = [
      `resume ${of}`,
      ...(error.from === undefined ? [] : [`resume ${of} --from ${error.from}`]),
      ...(skippable === true ? [`skip ${of}`] : []),
      `abort ${of}`,
    ];
    return [
      '',
      `**${id} needs attention: ${error.code}** — ${literal(cell(error.message))}`,
      '',
      literal(remedyOf(error.code)),
      '',
      `Answers: ${answers.map((answer) => `\`stackato-deploy ${answer}\``).join(' · ')}`,
    ];
  });
}

/** The Web UI's Markdown turns two hyphens into a dash, so options are shown as code. */
function literal(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replace(/(?<![\w-])--[\w-]+/g, '`$&`')))
    .join('');
}

function undoList(view: DeploymentView): string[] {
  return view.undone.length === 0
    ? []
    : [
        '',
        ...view.undone.map(
          (note) => `- ${note.ok ? 'taken back' : 'STILL THERE'}: ${cell(note.what)} ${cell(note.message ?? '')}`,
        ),
      ];
}

/** Table cells and list items must not contain line breaks or bars. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\|/g, '\\|').slice(0, 400);
}

/** The same for all runs that come from one start, including resets. The end of the run id, since its beginning is a timestamp that runs of the same minute share. */
export function runKey(): string {
  return workflowInfo().firstExecutionRunId.slice(-12);
}
