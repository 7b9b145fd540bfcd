/** Publishes the state of a deployment: memo and search attributes (readable without a worker), and Markdown for the Web UI (needs one). */

import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { remedyOf } from '../deployment/errors';
import { MEMO_VIEW, SEARCH_ATTRIBUTE } from '../deployment/names';
import { STEPS } from '../deployment/steps';
import type { RequestFact, StepId } from '../deployment/steps';
import type { DeploymentView, Stage, StepProgress, UndoNote } from '../deployment/messages';
import { forget, knownOf, learn } from '../deployment/facts';
import type { Known, NodeName, Unsettled } from '../deployment/facts';

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

export class Progress {
  constructor(readonly view: DeploymentView) {
    upsertSearchAttributes([
      { key: STAGE, value: view.stage },
      { key: CLOUD, value: view.cloud },
      { key: HOST, value: view.host },
    ]);
    this.publish();
  }

  known(node: NodeName): Known {
    return knownOf(this.view.facts, node);
  }

  /** Published at once, so that a run that is ended from outside leaves its facts to the next one. */
  learn(node: NodeName, learnt: Partial<Known>): void {
    const before = JSON.stringify(this.view.facts);
    const { instance, launchRequest } = this.view.facts.nodes[node] ?? {};
    // Another instance: facts about the old one would be wrong.
    if (instance !== undefined && learnt.instance !== undefined && learnt.instance.id !== instance.id) {
      this.forgetNode(node);
      if (launchRequest !== undefined) learn(this.view.facts, node, { launchRequest });
    }
    learn(this.view.facts, node, learnt);
    if (JSON.stringify(this.view.facts) !== before) this.publish();
  }

  /** @param request a request without an answer so far; undefined: it was answered */
  request(node: NodeName, fact: RequestFact, request: Unsettled | undefined): void {
    if (request !== undefined) return this.learn(node, { [fact]: request });
    if (this.known(node)[fact] === undefined) return;
    this.forget(node, fact);
    this.publish();
  }

  forget(node: NodeName, fact: keyof Known): void {
    forget(this.view.facts, node, fact);
  }

  /** All but what outlives the instance: the volume, and its entry in the list of the core. */
  forgetNode(node: NodeName): void {
    const { volume, volumesBefore, volumeRequest, attached } = this.view.facts.nodes[node] ?? {};
    this.view.facts.nodes[node] = {
      ...(volume === undefined ? {} : { volume }),
      ...(volumesBefore === undefined ? {} : { volumesBefore }),
      ...(volumeRequest === undefined ? {} : { volumeRequest }),
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
  }

  private publish(): void {
    // A deep copy, because the view keeps changing.
    upsertMemo({ [MEMO_VIEW]: JSON.parse(JSON.stringify(this.view)) as DeploymentView });
    setCurrentDetails(detailsOf(this.view));
  }
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
  const head = `**${view.name}** is **${view.stage}** · [${view.consoleUrl}](${view.consoleUrl}) · address ${address?.publicIp ?? '–'} · instance ${instance?.id ?? '–'}`;
  return [head, ...attention(view), ...undoList(view), '', ...stepTable(view)].join('\n');
}

function stepTable(view: DeploymentView): string[] {
  const rows = STEPS.flatMap(({ id, title }) => {
    const step = view.steps[id];
    return step === undefined
      ? []
      : [`| ${id} | ${literal(title)} | ${MARK[step.state]} ${step.state} | ${literal(cell(step.note ?? ''))} |`];
  });
  return rows.length === 0 ? [] : ['| step | what | state | |', '|---|---|---|---|', ...rows];
}

function attention(view: DeploymentView): string[] {
  return STEPS.flatMap(({ id, skippable }) => {
    const error = view.steps[id]?.state === 'attention' ? view.steps[id]?.error : undefined;
    if (error === undefined) return [];
    const answers = [
      `resume ${view.name}`,
      ...(error.from === undefined ? [] : [`resume ${view.name} --from ${error.from}`]),
      ...(skippable === true ? [`skip ${view.name}`] : []),
      `abort ${view.name}`,
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
