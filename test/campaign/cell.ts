/** One call, one mishap, one kind: a deployment to which it happens, and what is left of it. */

import type { Fault, Kind } from '../../lab/types';
import { down } from '../../src/client/down';
import { startRun } from '../../src/client/start';
import type { Temporal } from '../../src/client/temporal';
import type { DeploymentView } from '../../src/deployment/messages';
import { WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import type { DeploymentSpec } from '../../src/deployment/types';
import { noFacts } from '../../src/deployment/facts';
import { freshView } from '../../src/deployment/view';
import { Deployment } from '../support/deployment';
import type { Site } from '../support/site';
import { eventually } from '../support/wait';
import { holdings, objectsLike } from './others';
import type { Stranger } from './others';
import type { CallRow, Mishap, Trial } from './table';
import type { Turnstile } from './turnstile';
import type { Befalls, ZoneChanges } from './zone-changes';

const BEFALLS: Readonly<Record<Mishap, readonly Befalls[]>> = {
  abort: ['hold'],
  kill: ['hold'],
  busy: ['busy', 'error'],
  refused: ['refuse'],
  lost: ['lost'],
};
const FAULTS: Readonly<Record<Befalls, Fault['what']>> = {
  hold: 'hold',
  busy: 'throttle',
  error: 'error',
  refuse: 'refuse',
  lost: 'lost',
};
const STORE = new Set(['CreateBucket', 'PutObject', 'DeleteObject']);
const LIMIT = 240_000;
/** Temporal's describing is what a campaign takes most of its time for. */
const LOOK_EVERY = 1_000;
/** An undo that does not wait for a held call has begun by then. */
const CHANCE = 2_000;

export interface Place {
  readonly site: Site;
  readonly temporal: Temporal;
  /** The same, of the worker that is killed. */
  readonly killed: Temporal;
  readonly zone: ZoneChanges;
  readonly stranger: Stranger;
  readonly allocations: Turnstile;
}

export class Cell {
  readonly name: string;
  readonly title: string;
  readonly kind: Kind;
  readonly row: CallRow;
  readonly mishap: Mishap;
  /** Its access key, by which the lab knows what is of this one. */
  private readonly key: string;
  private readonly spec: DeploymentSpec;
  private readonly deployment: Deployment;
  private readonly temporal: Temporal;
  private leave: () => void = () => undefined;
  /** The undo began beside the call. */
  private early = false;

  constructor(
    private readonly place: Place,
    { kind, row, mishap, title, name }: Trial,
  ) {
    [this.kind, this.row, this.mishap, this.title, this.name] = [kind, row, mishap, title, name];
    const { site } = place;
    this.temporal = mishap === 'kill' ? place.killed : place.temporal;
    this.key = site.lab.user(kind, this.name).accessKey;
    this.spec = specOf(site, kind, this.name, row);
    this.deployment = new Deployment(this.temporal.client.workflow.getHandle(workflowIdOf(this.name)));
  }

  /** All of it but `kill`, in which the worker is others', too. */
  async run(): Promise<void> {
    await this.prepare();
    await this.strike();
    if (this.mishap === 'abort') await this.interrupt();
    await this.finish();
  }

  /** As far as it goes before the call may be made. */
  async prepare(): Promise<void> {
    if (this.row.at === 'up') return;
    await this.start();
    await this.up();
    if (this.row.at === 'down') await this.abort();
  }

  /** Until what is to befall the call has done so, or it is held. */
  async strike(): Promise<void> {
    const {
      row: { at, alone, call },
      place: { stranger },
    } = this;
    if (at === 'up') await this.start(() => this.arm());
    else this.arm();
    if (at === 'abort') await this.deployment.say('abort');
    if (at === 'down') await this.remove();
    await eventually(`${call} is hit`, () => this.hit(), LIMIT).catch((error: unknown) => this.explained(error));
    // The hazard of another attempt: what is new is somebody else's.
    if (alone === true && (this.mishap === 'busy' || this.mishap === 'refused')) await stranger.allocate();
  }

  release(): void {
    const {
      row: { call },
      place: { zone, site },
      kind,
      key,
      name,
    } = this;
    if (call === 'nsupdate') zone.release(name);
    else site.lab.release(kind, key);
  }

  /** What was held is done, whoever waited for it. */
  async done(): Promise<void> {
    await eventually(`${this.row.call} is done`, () => this.isDone(), LIMIT);
  }

  async finish(): Promise<void> {
    try {
      await this.end();
    } finally {
      this.leave();
    }
  }

  private async end(): Promise<void> {
    const {
      row: { at, bucket },
      mishap,
    } = this;
    const over = at === 'up' ? await this.settleAndAbort() : await this.over();
    const refused = mishap === 'refused' && at !== 'up';
    const good = over.stage === 'aborted' || over.stage === 'removed';
    if (!good && !(refused && over.stage === 'failed'))
      throw new Error(`it ended ${over.stage}: ${JSON.stringify(over.undone)}`);
    // Images are nobody's alone, and stay without `--images`.
    if (good && bucket === undefined) await this.assertNothingLeft(`when it said ${over.stage}`);
    if (over.stage === 'failed' || (bucket !== undefined && at !== 'down')) {
      await this.remove();
      const removed = await this.over();
      if (removed.stage !== 'removed')
        throw new Error(`\`down --images\` ended ${removed.stage}: ${JSON.stringify(removed.undone)}`);
    }
    await this.assertNothingLeft('at the end');
    if (this.early)
      throw new Error(`The undo began while ${this.row.call} was under way. Nothing is left over this time.`);
  }

  /** Abort, or a cancellation of what is taking back, comes while the call is held; what does not wait for it has its chance. */
  private async interrupt(): Promise<void> {
    const { deployment } = this;
    if (this.row.at === 'up') await deployment.say('abort');
    else await deployment.handle.cancel();
    const begun = this.row.at === 'up' && (await this.undoBegins());
    this.release();
    await this.done();
    // The desk of addresses and the workflow of an image are at calls of their own.
    this.early = begun && this.row.alone !== true && this.row.bucket === undefined;
  }

  /** Whether the undo begins beside the held call: that is the moment to let go of it. */
  private async undoBegins(): Promise<boolean> {
    for (const end = Date.now() + CHANCE; Date.now() < end;) {
      const [{ raw, status }, { undone }] = [await this.deployment.handle.describe(), await this.deployment.view()];
      if (
        status.name !== 'RUNNING' ||
        undone.length > 0 ||
        raw.pendingActivities?.some(({ activityId }) => activityId?.startsWith('undo-') === true) === true
      )
        return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY / 4));
    }
    return false;
  }

  private arm(): void {
    const {
      row: { call, alone },
      place: { zone, site },
      kind,
      key,
      name,
      mishap,
    } = this;
    if (call === 'nsupdate') return zone.arm(name, BEFALLS[mishap]);
    // After a server error nobody can tell whether there is a new address: only what was certainly refused is.
    const befalls = BEFALLS[mishap].filter((what) => !((alone === true || this.row.once === true) && what === 'error'));
    for (const what of befalls) site.lab.fault({ kind, action: call, what: FAULTS[what], times: 1, by: key });
  }

  private hit(): boolean {
    const {
      row: { call },
      place: {
        zone,
        site: { lab },
      },
      kind,
      key,
      name,
      mishap,
    } = this;
    const held = BEFALLS[mishap].includes('hold');
    if (call === 'nsupdate') return held ? zone.isHeld(name) : !zone.isArmed(name);
    return held ? lab.held(kind).some(({ by }) => by === key) : lab.faultsLeft(kind).every(({ by }) => by !== key);
  }

  private isDone(): boolean {
    const {
      row: { call },
      place: {
        zone,
        site: { lab },
      },
      kind,
      key,
      name,
    } = this;
    if (call === 'nsupdate') return zone.isDone(name);
    const calls: readonly { readonly action: string; readonly by: string }[] = STORE.has(call)
      ? lab.storeCalls(kind)
      : lab.calls(kind);
    return calls.some(({ action, by }) => action === call && by === key);
  }

  private async start(ready: () => void = () => undefined): Promise<void> {
    const {
      spec,
      row: { alone },
      place,
    } = this;
    this.leave = await place.allocations.enter(alone === true);
    ready();
    await startRun(
      this.temporal,
      { type: WORKFLOW.deploy, input: { spec, facts: noFacts() }, view: freshView(spec, noFacts()) },
      true,
    );
    if (alone !== true) void this.passed().finally(this.leave);
  }

  /** It has its address, or will not get one. */
  private async passed(): Promise<void> {
    await this.until(
      'its address step is over',
      ({ stage, steps }) =>
        stage !== 'deploying' || ['done', 'unchanged', 'attention'].includes(steps.address?.state ?? ''),
    ).catch(() => undefined);
  }

  /** Everything is made, and nothing moves: the machine never answers. */
  private up(): Promise<DeploymentView> {
    return this.until('it is up', ({ stage, steps }) => {
      if (stage !== 'deploying') throw new Error(`it is ${stage} instead of up`);
      return steps.connect?.state === 'running' && (steps.dns?.state === 'done' || steps.dns?.state === 'unchanged');
    });
  }

  private async settleAndAbort(): Promise<DeploymentView> {
    // Whoever tags does so for others to see, and can do without.
    if (this.mishap === 'refused' && this.row.call !== 'CreateTags')
      await this.until('it parks', ({ stage }) => stage === 'needs-attention');
    else if (this.mishap !== 'abort') await this.up();
    return this.abort();
  }

  private async abort(): Promise<DeploymentView> {
    if (this.mishap !== 'abort' || this.row.at !== 'up') await this.deployment.say('abort');
    return this.over();
  }

  private async remove(): Promise<void> {
    await down(this.temporal, this.name, { images: true });
  }

  private async over(): Promise<DeploymentView> {
    await eventually('it is over', () => this.isClosed(), LIMIT, LOOK_EVERY).catch((error: unknown) =>
      this.explained(error),
    );
    return this.deployment.view();
  }

  private async isClosed(): Promise<boolean> {
    return (await this.deployment.handle.describe()).status.name !== 'RUNNING';
  }

  private until(what: string, good: (view: DeploymentView) => boolean): Promise<DeploymentView> {
    return this.deployment.until(what, good, LIMIT, LOOK_EVERY);
  }

  private async explained(error: unknown): Promise<never> {
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
    const left = await this.left();
    if (left.length > 0) throw new Error(`Left over ${when}:\n${left.map((line) => `  ${line}`).join('\n')}`);
  }

  /** Made by this one, or bearing its name. */
  private async left(): Promise<readonly string[]> {
    const {
      place: {
        site: { lab },
      },
      kind,
      key,
      name,
      row,
    } = this;
    const made = new Set(
      lab
        .calls(kind)
        .filter(({ by }) => by === key)
        .flatMap((call) => call.made),
    );
    const { instances, addresses, groups, images } = await holdings(lab, kind);
    const theirs = new Set(row.bucket === 'shared' ? objectsLike(name) : []);
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

/** Names of the worker's variables that hold its keys. */
export function variablesOf(name: string): { readonly accessKey: string; readonly secretKey: string } {
  const id = name.toUpperCase().replace(/\W/g, '_');
  return { accessKey: `${id}_ACCESS`, secretKey: `${id}_SECRET` };
}

export function specOf(site: Site, kind: Kind, name: string, { bucket }: Pick<CallRow, 'bucket'>): DeploymentSpec {
  const { endpoint, region, storage, addressName } = site.lab.cloud(kind);
  const { accessKey, secretKey } = variablesOf(name);
  // Below LIMIT: what is refused for good keeps what stands on it, and the undo gives that up, too.
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
