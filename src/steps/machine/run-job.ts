/**
 * Runs a command on the VM as a detached job, so that nothing that happens to this process can stop it or start it twice: starts it or
 * attaches to it, reads its output and answers its questions. Can be called again, by any worker, until the job has ended.
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

export interface JobCommand extends JournalKey {
  readonly command: string;
  /** A question without an answer ends the job as stuck. The password is typed only where sudo asks for it. */
  readonly answers: Partial<Readonly<Record<PromptId, string | Secret>>>;
}

export interface JobOutcome {
  /** `running`: the budget is used up; call again. `rebooted`, `lost`: ended without an exit status, by a reboot or by something else. */
  readonly state: 'running' | 'finished' | 'rebooted' | 'lost' | 'stuck';
  /** Of the job that was watched: another one of the step may still have been running. */
  readonly need: string;
  readonly code?: number;
  /** If stuck: the question, and why it was not answered. */
  readonly prompt?: string;
  readonly reason?: StuckReason | 'not understood';
  /** If lost: why its journal cannot be written, in the machine's words. */
  readonly trouble?: string;
  /** The end of its output (4 KiB), without colours and secrets. */
  readonly transcript: string;
  /** Path of the whole log on the VM. */
  readonly log: string;
}

export interface WatchOptions {
  /** How long to watch, ms. */
  readonly budgetMs: number;
  readonly onOutput?: (lastLine: string) => void;
  readonly signal?: AbortSignal;
  /** How long to wait before a job with a question that is not understood is killed, ms. */
  readonly patienceMs?: number;
}

const QUIET_MS = 400;
const DOUBT_MS = 8000;
const ASKED_AGAIN_MS = 2000;
const PATIENCE_MS = 20_000;
const PAUSE = { first: 150, most: 1000, growth: 1.5 };
const TRANSCRIPT = 4096;
const KEPT = 128 * 1024;

export async function runJob(session: RemoteSession, command: JobCommand, options: WatchOptions): Promise<JobOutcome> {
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

/** Answers the question, or kills a job whose question cannot be answered. @returns whether it did either */
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

/** One job on the VM, as far as its log was read. */
class Job {
  private key: JournalKey;
  private state: JobReport['state'] = 'running';
  private code: number | undefined;
  private answered: readonly TypedAnswer[] = [];
  /** The log from the offset `base` on. */
  private bytes = Buffer.alloc(0);
  private base = 0;
  private size = 0;
  private quietOnMachine = 0;
  private writeError = '';
  private grewAt = performance.now();

  constructor(
    private readonly session: RemoteSession,
    private readonly command: JobCommand,
  ) {
    const { deployment, step, need } = command;
    this.key = { deployment, step, need };
  }

  get running(): boolean {
    return this.state === 'running';
  }

  /** Up to which offset the log was read. */
  get length(): number {
    return this.base + this.bytes.length;
  }

  get behind(): boolean {
    return this.length < this.size;
  }

  /**
   * Milliseconds without output, including those before this process attached. Measured by monotonic clocks on both sides: when NTP sets
   * the machine's clock, the age of its log would jump by years, and a healthy command would be killed.
   */
  get quiet(): number {
    return Math.max(performance.now() - this.grewAt, this.quietOnMachine);
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
    const report = await this.send(startJob(this.key, this.command.command));
    this.key = { ...this.key, need: report.need };
    this.base = report.offset;
    this.take(report);
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

  outcome(): JobOutcome {
    const { deployment, step, need } = this.key;
    const transcript = this.shown(this.bytes).slice(-TRANSCRIPT);
    const common = { need, transcript, log: `~/.stackato-deploy/${deployment}/${step}/${need}/log` };
    if (this.state === 'killed') return { state: 'stuck', ...this.question(), ...common };
    if (this.state === 'absent') return { state: 'lost', ...common };
    return {
      state: this.state,
      ...(this.writeError === '' ? {} : { trouble: this.writeError }),
      ...(this.code === undefined ? {} : { code: this.code }),
      ...common,
    };
  }

  /** The question for which the job was killed, read from the log: the process that killed it may be gone. */
  private question(): Pick<JobOutcome, 'prompt' | 'reason'> {
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

  /** It prints faster than it can be read: only the end matters. */
  private skip(): void {
    this.bytes = Buffer.alloc(0);
    this.base = this.size - KEPT / 2;
  }

  private take(report: JobReport): void {
    if (report.bytes.length > 0) this.grewAt = performance.now();
    const bytes = Buffer.concat([this.bytes, report.bytes]);
    const cut = Math.max(0, bytes.length - KEPT);
    this.bytes = bytes.subarray(cut);
    this.base += cut;
    ({
      state: this.state,
      code: this.code,
      answered: this.answered,
      size: this.size,
      quiet: this.quietOnMachine,
      writeError: this.writeError,
    } = { code: undefined, ...report });
  }

  private async send({ command, stdin }: RemoteCommand): Promise<JobReport> {
    const result = await this.session.exec(command, stdin === undefined ? {} : { stdin });
    const report = parseReport(result.stdout);
    if (report === undefined) throw notUnderstood('the journal of its commands', result);
    return report;
  }

  private shown(output: string | Buffer): string {
    const secrets = [...Object.values(this.command.answers), this.session.password].flatMap((value) =>
      value === undefined || typeof value === 'string' ? [] : [value.reveal()],
    );
    return maskSecrets(plainText(output.toString()), secrets);
  }
}
