/**
 * Runs a command on the VM so that nothing that happens to this process can stop it or start it twice: starts it or attaches to it,
 * reads what it prints, answers what it asks. May be called again, by anybody, until it says how it ended.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { answerJob, killJob, readJob, startJob } from '../../machine/journal';
import type { JournalKey, RemoteCommand } from '../../machine/journal';
import { PROMPT_IDS, decide, answerText } from '../../machine/dialogue';
import type { Conversation, PromptId, StuckReason, Verdict } from '../../machine/dialogue';
import { parseReport } from '../../machine/journal-report';
import type { TypedAnswer, JobReport } from '../../machine/journal-report';
import { lastLine, plainText } from '../../machine/output';
import { maskSecrets } from '../../deployment/mask';
import { notUnderstood } from './session';
import type { RemoteSession, Secret } from '../ports';

export interface DetachedCommand extends JournalKey {
  readonly command: string;
  /** Left out: a question that ends the run as stuck. The password is typed where sudo asks, and nowhere else. */
  readonly answers: Partial<Readonly<Record<PromptId, string | Secret>>>;
}

export interface DetachedOutcome {
  /** `running`: the budget is used up; call again. Without an exit status: `rebooted`, the machine did under it; `lost`, it was ended otherwise. */
  readonly state: 'running' | 'finished' | 'rebooted' | 'lost' | 'stuck';
  readonly code?: number;
  /** What it asked, where stuck, and why that was not answered. */
  readonly prompt?: string;
  readonly reason?: StuckReason | 'not understood';
  /** Where lost: what keeps its journal from being written to, in the machine's words. */
  readonly trouble?: string;
  /** The end of what it printed (4 KiB), without colours and secrets. */
  readonly transcript: string;
  /** Where on the VM the whole log is. */
  readonly log: string;
}

export interface DetachedOptions {
  /** How long to watch, ms. */
  readonly budgetMs: number;
  readonly onOutput?: (lastLine: string) => void;
  readonly signal?: AbortSignal;
  /** How long a question that is not understood may stand there before the job is given up, ms. */
  readonly patienceMs?: number;
}

const QUIET_MS = 400;
const DOUBT_MS = 8000;
const ASKED_AGAIN_MS = 2000;
const PATIENCE_MS = 20_000;
const PAUSE = { first: 150, most: 1000, growth: 1.5 };
const TRANSCRIPT = 4096;
const KEPT = 128 * 1024;

export async function runDetached(
  session: RemoteSession,
  command: DetachedCommand,
  options: DetachedOptions,
): Promise<DetachedOutcome> {
  const end = Date.now() + options.budgetMs;
  const job = new Job(session, command);
  await job.start();
  for (let pause = PAUSE.first; ; pause = Math.min(PAUSE.most, pause * PAUSE.growth)) {
    const length = job.length;
    while (job.behind && (!job.running || Date.now() < end)) await job.read();
    options.onOutput?.(job.lastLine);
    if (!job.running) return job.outcome();
    if ((await respond(job, options.patienceMs ?? PATIENCE_MS)) || job.length > length) pause = PAUSE.first;
    if (job.running && Date.now() >= end) return job.outcome();
    if (job.running) await delay(pause, undefined, options.signal === undefined ? {} : { signal: options.signal });
    await job.read();
  }
}

/** Answers, or ends a job that cannot be answered; true where it did something. */
async function respond(job: Job, patience: number): Promise<boolean> {
  const { verdict, quiet } = job;
  if (verdict.kind === 'answer' && quiet >= (verdict.doubtful === true ? DOUBT_MS : QUIET_MS))
    await job.answer(verdict);
  else if (verdict.kind === 'stuck' && quiet >= (verdict.reason === 'no answer' ? patience : ASKED_AGAIN_MS))
    await job.kill();
  else if (verdict.kind === 'unknown' && quiet >= patience) await job.kill();
  else return false;
  return true;
}

/** What is known here of one job on the VM. */
class Job {
  private key: JournalKey;
  private state: JobReport['state'] = 'running';
  private code: number | undefined;
  private answered: readonly TypedAnswer[] = [];
  /** The log from `base` on. */
  private bytes = Buffer.alloc(0);
  private base = 0;
  private size = 0;
  private quietThere = 0;
  private writeError = '';
  private grewAt = performance.now();

  constructor(
    private readonly session: RemoteSession,
    private readonly command: DetachedCommand,
  ) {
    const { deployment, step, need } = command;
    this.key = { deployment, step, need };
  }

  get running(): boolean {
    return this.state === 'running';
  }

  /** How much of the log was read. */
  get length(): number {
    return this.base + this.bytes.length;
  }

  get behind(): boolean {
    return this.length < this.size;
  }

  /**
   * Milliseconds without output, those before this process was there included. By clocks that only run, here and there: where NTP sets the
   * machine's clock, the age of its log would jump by years, and a healthy command be given up.
   */
  get quiet(): number {
    return Math.max(performance.now() - this.grewAt, this.quietThere);
  }

  get lastLine(): string {
    return lastLine(this.shown(this.bytes));
  }

  get verdict(): Verdict {
    const { answers } = this.command;
    const words = Object.values(answers).flatMap((answer) => (typeof answer === 'string' ? answer.split(' ') : []));
    return decide(this.conversation, new Set(PROMPT_IDS.filter((id) => answers[id] !== undefined)), words);
  }

  async start(): Promise<void> {
    const snapshot = await this.send(startJob(this.key, this.command.command));
    this.key = { ...this.key, need: snapshot.need };
    this.base = snapshot.offset;
    this.take(snapshot);
  }

  async read(): Promise<void> {
    if (this.size - this.length > KEPT) this.skip();
    this.take(await this.send(readJob(this.key, this.length)));
  }

  async answer({ id, prompt, item }: Extract<Verdict, { kind: 'answer' }>): Promise<void> {
    const given = this.command.answers[id] ?? '';
    const secret = typeof given !== 'string';
    const text = secret ? given.reveal() : answerText(id, prompt, given, item);
    this.take(await this.send(answerJob(this.key, { id, offset: this.length, text, secret })));
  }

  async kill(): Promise<void> {
    this.take(await this.send(killJob(this.key, this.length)));
  }

  outcome(): DetachedOutcome {
    const { deployment, step, need } = this.key;
    const transcript = this.shown(this.bytes).slice(-TRANSCRIPT);
    const common = { transcript, log: `~/.stackato-deploy/${deployment}/${step}/${need}/log` };
    if (this.state === 'killed') return { state: 'stuck', ...this.question(), ...common };
    if (this.state === 'absent') return { state: 'lost', ...common };
    return {
      state: this.state,
      ...(this.writeError === '' ? {} : { trouble: this.writeError }),
      ...(this.code === undefined ? {} : { code: this.code }),
      ...common,
    };
  }

  /** The question a killed job died of: asked of the log, because the one that killed it may have died too. */
  private question(): Pick<DetachedOutcome, 'prompt' | 'reason'> {
    const { verdict } = this;
    return { prompt: this.lastLine, reason: verdict.kind === 'stuck' ? verdict.reason : 'not understood' };
  }

  private get conversation(): Conversation {
    const marks = this.answered.map(({ offset }) => Math.max(0, offset - this.base));
    const before = this.answered.map(({ id }, index) => ({
      id,
      before: this.bytes.toString('utf8', marks[index - 1] ?? 0, marks[index]),
    }));
    return { answered: before, output: this.bytes.toString('utf8', marks.at(-1) ?? 0) };
  }

  /** Chatter faster than it can be read: only its end matters. */
  private skip(): void {
    this.bytes = Buffer.alloc(0);
    this.base = this.size - KEPT / 2;
  }

  private take(snapshot: JobReport): void {
    if (snapshot.bytes.length > 0) this.grewAt = performance.now();
    const bytes = Buffer.concat([this.bytes, snapshot.bytes]);
    const cut = Math.max(0, bytes.length - KEPT);
    this.bytes = bytes.subarray(cut);
    this.base += cut;
    ({
      state: this.state,
      code: this.code,
      answered: this.answered,
      size: this.size,
      quiet: this.quietThere,
      writeError: this.writeError,
    } = { code: undefined, ...snapshot });
  }

  private async send({ command, stdin }: RemoteCommand): Promise<JobReport> {
    const result = await this.session.exec(command, stdin === undefined ? {} : { stdin });
    const snapshot = parseReport(result.stdout);
    if (snapshot === undefined) throw notUnderstood('the journal of its commands', result);
    return snapshot;
  }

  private shown(output: string | Buffer): string {
    const secrets = [...Object.values(this.command.answers), this.session.password].flatMap((value) =>
      value === undefined || typeof value === 'string' ? [] : [value.reveal()],
    );
    return maskSecrets(plainText(output.toString()), secrets);
  }
}
