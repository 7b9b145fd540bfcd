/** The typed library: what the command line can do, for programs. Every method throws ClientError. */

import type { Decision } from '../deployment/messages';
import { UPDATE } from '../deployment/messages';
import type { StepId } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/types';
import { say } from './answers';
import { up } from './bring-up';
import type { UpOutcome } from './bring-up';
import { diagnose } from './diagnosis';
import type { Diagnosis } from './diagnosis';
import { list } from './list';
import type { ListedDeployment } from './list';
import { look, watch } from './look';
import type { WatchOptions } from './look';
import { publish } from './publishing';
import type { Publishing } from './publishing';
import type { ConnectOptions } from './settings';
import type { Snapshot } from './snapshot';
import { down } from './take-down';
import type { DownOptions, DownOutcome } from './take-down';
import { Temporal } from './temporal';

export class Deployments {
  private constructor(private readonly temporal: Temporal) {}

  /** Temporal's own variables and TOML profile say where to. */
  static async connect(options: ConnectOptions = {}): Promise<Deployments> {
    return new Deployments(await Temporal.connect(options));
  }

  close(): Promise<void> {
    return this.temporal.close();
  }

  /** Starts the deployment, or finds it under way; comes back at once. */
  up(spec: DeploymentSpec): Promise<UpOutcome> {
    return up(this.temporal, spec);
  }

  status(name: string): Promise<Snapshot> {
    return look(this.temporal, name);
  }

  watch(name: string, options: WatchOptions = {}): AsyncIterable<Snapshot> {
    return watch(this.temporal, name, options);
  }

  list(): Promise<readonly ListedDeployment[]> {
    return list(this.temporal);
  }

  /** Tries again the step that needs attention (all of them, or this one), or everything from an earlier step on, or goes on after `pause`. */
  resume(name: string, decision: Decision = {}): Promise<string> {
    return say(this.temporal, name, UPDATE.resume, decision);
  }

  /** Goes on without the step that needs attention. */
  skip(name: string, step?: StepId): Promise<string> {
    return say(this.temporal, name, UPDATE.skip, step === undefined ? {} : { step });
  }

  /** Stops, and takes back everything it made. */
  abort(name: string): Promise<string> {
    return say(this.temporal, name, UPDATE.abort);
  }

  /** Stops before the next step. */
  pause(name: string): Promise<string> {
    return say(this.temporal, name, UPDATE.pause);
  }

  /** Takes back everything the deployment made; comes back at once. One that is under way is aborted. May be called again. */
  down(name: string, options: DownOptions = {}): Promise<DownOutcome> {
    return down(this.temporal, name, options);
  }

  /** Publishes the image of a spec, or joins those who do, and follows it to its end. */
  publishImage(spec: DeploymentSpec, signal?: AbortSignal): AsyncIterable<Publishing> {
    return publish(this.temporal, spec, signal);
  }

  /**
   * Checks every precondition and changes nothing.
   * @param onFinding is told each finding as it comes
   */
  doctor(spec: DeploymentSpec, onFinding?: (finding: Diagnosis) => void): Promise<readonly Diagnosis[]> {
    return diagnose(this.temporal, spec, onFinding);
  }
}
