/** Runs one trial: a deployment in which one call suffers one mishap. Afterwards nothing of it may be left. */

import type { Fault, Kind } from '../../lab/types';
import { down } from '../../src/client/down';
import { startRun } from '../../src/client/start';
import type { Temporal } from '../../src/client/temporal';
import type { DeploymentView } from '../../src/deployment/messages';
import { WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { noFacts } from '../../src/deployment/facts';
import { freshView } from '../../src/deployment/view';
import { Deployment } from '../support/deployment';
import type { Site } from '../support/site';
import { eventually } from '../support/wait';
import { accountState, similarObjects } from './other-user';
import type { OtherUser } from './other-user';
import type { FakeNsupdate, NsupdateFault } from './fake-nsupdate';
import type { SharedLock } from './shared-lock';
import type { CallRow, Mishap, Trial } from './trials';

const FAULTS_OF: Readonly<Record<Mishap, readonly NsupdateFault[]>> = {
  abort: ['hold'],
  kill: ['hold'],
  busy: ['busy', 'error'],
  refused: ['refuse'],
  lost: ['lost'],
};
const LAB_FAULT: Readonly<Record<NsupdateFault, Fault['what']>> = {
  hold: 'hold',
  busy: 'throttle',
  error: 'error',
  refuse: 'refuse',
  lost: 'lost',
};
const STORE_CALLS = new Set(['CreateBucket', 'PutObject', 'DeleteObject']);
const LIMIT_MS = 240_000;
/** Describing workflows takes most of a campaign's time. */
const POLL_MS = 1_000;
/** An undo that does not wait for the held call begins within this time. */
const UNDO_START_MS = 2_000;

export interface TrialContext {
  readonly site: Site;
  readonly temporal: Temporal;
  /** The task queue of the worker that is killed. */
  readonly killed: Temporal;
  readonly nsupdate: FakeNsupdate;
  readonly otherUser: OtherUser;
  /** Held while an address is allocated. Exclusive where nobody else may allocate meanwhile. */
  readonly addressLock: SharedLock;
}

export class TrialRun {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind;
  readonly row: CallRow;
  readonly mishap: Mishap;
  /** Its own access key, by which the lab recognizes its calls. */
  private readonly accessKey: string;
  private readonly spec: DeploymentSpec;
  private readonly deployment: Deployment;
  private readonly temporal: Temporal;
  private releaseLock: () => void = () => undefined;
  /** The undo began before the held call had ended. */
  private undoBeganEarly = false;

  constructor(
    private readonly context: TrialContext,
    { kind, row, mishap, title, name }: Trial,
  ) {
    [this.kind, this.row, this.mishap, this.title, this.name] = [kind, row, mishap, title, name];
    const { site } = context;
    this.temporal = mishap === 'kill' ? context.killed : context.temporal;
    this.accessKey = site.lab.user(kind, this.name).accessKey;
    this.spec = specOf(site, kind, this.name, row);
    this.deployment = new Deployment(this.temporal.client.workflow.getHandle(workflowIdOf(this.name)));
  }

  /** Every mishap but `kill`: that one takes down a worker that other runs share. */
  async execute(): Promise<void> {
    await this.prepare();
    await this.trigger();
    if (this.mishap === 'abort') await this.abortWhileHeld();
    await this.finish();
  }

  /** Runs the deployment up to just before the call. */
  async prepare(): Promise<void> {
    if (this.row.at === 'up') return;
    await this.start();
    await this.untilUp();
    if (this.row.at === 'down') await this.abort();
  }

  /** Lets the call be made, and returns once it has failed as planned or is being held. */
  async trigger(): Promise<void> {
    const {
      row: { at, alone, call },
      context: { otherUser },
    } = this;
    if (at === 'up') await this.start(() => this.arm());
    else this.arm();
    if (at === 'abort') await this.deployment.say('abort');
    if (at === 'down') await this.downWithImages();
    await eventually(`${call} is hit`, () => this.isHit(), LIMIT_MS).catch((error: unknown) =>
      this.failWithDetails(error),
    );
    // The hazard of a retry: the new address that it finds is somebody else's.
    if (alone === true && (this.mishap === 'busy' || this.mishap === 'refused')) await otherUser.allocate();
  }

  release(): void {
    const {
      row: { call },
      context: { nsupdate, site },
      kind,
      accessKey,
      name,
    } = this;
    if (call === 'nsupdate') nsupdate.release(name);
    else site.lab.release(kind, accessKey);
  }

  /** Waits until the held call has taken effect, even if its caller is gone. */
  async waitUntilDone(): Promise<void> {
    await eventually(`${this.row.call} is done`, () => this.isDone(), LIMIT_MS);
  }

  async finish(): Promise<void> {
    try {
      await this.end();
    } finally {
      this.releaseLock();
    }
  }

  private async end(): Promise<void> {
    const {
      row: { at, bucket },
      mishap,
    } = this;
    const over = at === 'up' ? await this.settleAndAbort() : await this.untilClosed();
    const refused = mishap === 'refused' && at !== 'up';
    const good = over.stage === 'aborted' || over.stage === 'removed';
    if (!good && !(refused && over.stage === 'failed'))
      throw new Error(`it ended ${over.stage}: ${JSON.stringify(over.undone)}`);
    // Images are shared, so only `down --images` removes them.
    if (good && bucket === undefined) await this.assertNothingLeft(`once it was ${over.stage}`);
    if (over.stage === 'failed' || (bucket !== undefined && at !== 'down')) {
      await this.downWithImages();
      const removed = await this.untilClosed();
      if (removed.stage !== 'removed')
        throw new Error(`\`down --images\` ended ${removed.stage}: ${JSON.stringify(removed.undone)}`);
    }
    await this.assertNothingLeft('at the end');
    if (this.undoBeganEarly)
      throw new Error(`The undo began while ${this.row.call} was under way. Nothing is left over this time.`);
  }

  /** Aborts (or cancels the undo) while the call is held, and gives an undo that does not wait for it time to begin. */
  private async abortWhileHeld(): Promise<void> {
    const { deployment } = this;
    if (this.row.at === 'up') await deployment.say('abort');
    else await deployment.handle.cancel();
    const begun = this.row.at === 'up' && (await this.undoBeginsEarly());
    this.release();
    await this.waitUntilDone();
    // Here the call is made by another workflow, the address desk or the image's; the undo need not wait for it.
    this.undoBeganEarly = begun && this.row.alone !== true && this.row.bucket === undefined;
  }

  /** Whether the undo begins while the call is held. If so, returns at once: the worst moment to release the call. */
  private async undoBeginsEarly(): Promise<boolean> {
    for (const end = Date.now() + UNDO_START_MS; Date.now() < end;) {
      const [{ raw, status }, { undone }] = [await this.deployment.handle.describe(), await this.deployment.view()];
      if (
        status.name !== 'RUNNING' ||
        undone.length > 0 ||
        raw.pendingActivities?.some(({ activityId }) => activityId?.startsWith('undo-') === true) === true
      )
        return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS / 4));
    }
    return false;
  }

  private arm(): void {
    const {
      row: { call, alone },
      context: { nsupdate, site },
      kind,
      accessKey,
      name,
      mishap,
    } = this;
    if (call === 'nsupdate') return nsupdate.arm(name, FAULTS_OF[mishap]);
    // After a server error the effect is unknown, so these are not retried; throttling certainly had none.
    const faults = FAULTS_OF[mishap].filter(
      (what) => !((alone === true || this.row.once === true) && what === 'error'),
    );
    for (const what of faults) site.lab.fault({ kind, action: call, what: LAB_FAULT[what], times: 1, by: accessKey });
  }

  private isHit(): boolean {
    const {
      row: { call },
      context: {
        nsupdate,
        site: { lab },
      },
      kind,
      accessKey,
      name,
      mishap,
    } = this;
    const held = FAULTS_OF[mishap].includes('hold');
    if (call === 'nsupdate') return held ? nsupdate.isHeld(name) : !nsupdate.isArmed(name);
    return held
      ? lab.held(kind).some(({ by }) => by === accessKey)
      : lab.faultsLeft(kind).every(({ by }) => by !== accessKey);
  }

  private isDone(): boolean {
    const {
      row: { call },
      context: {
        nsupdate,
        site: { lab },
      },
      kind,
      accessKey,
      name,
    } = this;
    if (call === 'nsupdate') return nsupdate.isDone(name);
    const calls: readonly { readonly action: string; readonly by: string }[] = STORE_CALLS.has(call)
      ? lab.storeCalls(kind)
      : lab.calls(kind);
    return calls.some(({ action, by }) => action === call && by === accessKey);
  }

  private async start(ready: () => void = () => undefined): Promise<void> {
    const {
      spec,
      row: { alone },
      context,
    } = this;
    this.releaseLock = await context.addressLock.acquire(alone === true);
    ready();
    await startRun(
      this.temporal,
      { type: WORKFLOW.deploy, input: { spec, facts: noFacts() }, view: freshView(spec, noFacts()) },
      true,
    );
    if (alone !== true) void this.addressStepEnded().finally(this.releaseLock);
  }

  /** The deployment has its address, or will not get one. */
  private async addressStepEnded(): Promise<void> {
    await this.until(
      'its address step is over',
      ({ stage, steps }) =>
        stage !== 'deploying' || ['done', 'unchanged', 'attention'].includes(steps.address?.state ?? ''),
    ).catch(() => undefined);
  }

  /** Everything exists and nothing changes any more, because the machine never answers. */
  private untilUp(): Promise<DeploymentView> {
    return this.until('it is up', ({ stage, steps }) => {
      if (stage !== 'deploying') throw new Error(`it is ${stage} instead of up`);
      return steps.connect?.state === 'running' && (steps.dns?.state === 'done' || steps.dns?.state === 'unchanged');
    });
  }

  private async settleAndAbort(): Promise<DeploymentView> {
    // Tags are only informational: without them a deployment goes on.
    if (this.mishap === 'refused' && this.row.call !== 'CreateTags')
      await this.until('it parks', ({ stage }) => stage === 'needs-attention');
    else if (this.mishap !== 'abort') await this.untilUp();
    return this.abort();
  }

  private async abort(): Promise<DeploymentView> {
    if (this.mishap !== 'abort' || this.row.at !== 'up') await this.deployment.say('abort');
    return this.untilClosed();
  }

  private async downWithImages(): Promise<void> {
    await down(this.temporal, this.name, { images: true });
  }

  private async untilClosed(): Promise<DeploymentView> {
    await eventually('it is over', () => this.isClosed(), LIMIT_MS, POLL_MS).catch((error: unknown) =>
      this.failWithDetails(error),
    );
    return this.deployment.view();
  }

  private async isClosed(): Promise<boolean> {
    return (await this.deployment.handle.describe()).status.name !== 'RUNNING';
  }

  private until(what: string, good: (view: DeploymentView) => boolean): Promise<DeploymentView> {
    return this.deployment.until(what, good, LIMIT_MS, POLL_MS);
  }

  private async failWithDetails(error: unknown): Promise<never> {
    const [{ steps, undone, stage }, { raw }] = [await this.deployment.view(), await this.deployment.handle.describe()];
    const lines = [
      ...Object.entries(steps)
        .filter(([, { state }]) => state === 'running' || state === 'attention')
        .map(([id, step]) => `step ${id}: ${JSON.stringify(step)}`),
      ...undone.map((each) => `undone: ${JSON.stringify(each)}`),
      ...(raw.pendingActivities ?? []).map(
        ({ activityId, attempt, lastFailure }) =>
          `pending: ${activityId ?? ''}, attempt ${attempt ?? 0}: ${lastFailure?.message ?? ''}`,
      ),
    ];
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}; it is ${stage}\n${lines.map((line) => `  ${line}`).join('\n')}`,
      { cause: error },
    );
  }

  private async assertNothingLeft(when: string): Promise<void> {
    const left = await this.leftovers();
    if (left.length > 0) throw new Error(`Left over ${when}:\n${left.map((line) => `  ${line}`).join('\n')}`);
  }

  /** What this deployment made, and what bears its name. */
  private async leftovers(): Promise<readonly string[]> {
    const {
      context: {
        site: { lab },
      },
      kind,
      accessKey,
      name,
      row,
    } = this;
    const made = new Set(
      lab
        .calls(kind)
        .filter(({ by }) => by === accessKey)
        .flatMap((call) => call.made),
    );
    const { instances, addresses, groups, images } = await accountState(lab, kind);
    const theirs = new Set(row.bucket === 'shared' ? similarObjects(name) : []);
    return [
      ...[...instances, ...addresses, ...images].filter((line) => made.has(line.split(' ')[0] ?? '')),
      ...groups.filter((line) => line.startsWith(`stackato-${name} `)),
      ...lab
        .objects(kind)
        .filter(({ bucket, key: object }) => bucket === name && !theirs.has(object))
        .map(({ key: object }) => `${name}/${object}`),
      ...(await lab.zone()).filter((line) =>
        `.${line.split(' ')[0] ?? ''}`.endsWith(`.${name}.${lab.state.dns.zone}.`),
      ),
    ];
  }
}

/** Names of the worker's environment variables with the trial's access keys. */
export function variablesOf(name: string): { readonly accessKey: string; readonly secretKey: string } {
  const id = name.toUpperCase().replace(/\W/g, '_');
  return { accessKey: `${id}_ACCESS`, secretKey: `${id}_SECRET` };
}

export function specOf(site: Site, kind: Kind, name: string, { bucket }: Pick<CallRow, 'bucket'>): DeploymentSpec {
  const { endpoint, region, storage, addressName } = site.lab.cloud(kind);
  const { accessKey, secretKey } = variablesOf(name);
  // Below LIMIT_MS: a call that is refused for good also keeps what depends on it, and the undo gives up on both.
  const deadline = {
    cloud: '100s',
    dns: '5m',
    launch: '5m',
    ready: '30m',
    command: '3m',
    reboot: '3m',
    console: '2m',
    publish: '5m',
  };
  return site.spec(
    name,
    kind,
    {
      cloud: {
        kind,
        endpoint,
        region,
        storage,
        ...(addressName === undefined ? {} : { addressName }),
        credentials: { accessKey: { env: accessKey }, secretKey: { env: secretKey } },
      },
      ...(bucket === undefined
        ? {}
        : { image: { ...site.imageOf(name, kind, Buffer.alloc(30_000, name)), bucket: name } }),
      timing: { poll: '500ms', rebootWait: '1s', authGrace: '5s', deadline },
    },
    { bootDelay: 3_600_000 },
  );
}
