/** The typed library: everything the command line can do, for programs. Every method throws ClientError. */

import type { Decision } from '../deployment/messages';
import { UPDATE } from '../deployment/messages';
import type { StepId } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/spec';
import { doctor } from './doctor';
import type { CheckResult } from './doctor';
import { down } from './down';
import type { DownOptions, DownOutcome } from './down';
import { list } from './list';
import type { ListedDeployment } from './list';
import { publish } from './publish';
import type { PublishStatus } from './publish';
import type { ConnectOptions } from './settings';
import { statusOf } from './status';
import type { DeploymentStatus } from './status';
import { Temporal } from './temporal';
import { up } from './up';
import type { UpOutcome } from './up';
import { sendUpdate } from './updates';
import { watchDeployment } from './watch';
import type { WatchOptions } from './watch';

export class Deployments {
  private constructor(private readonly temporal: Temporal) {}

  /** Reads Temporal's own environment variables and TOML profile. */
  static async connect(options: ConnectOptions = {}): Promise<Deployments> {
    return new Deployments(await Temporal.connect(options));
  }

  close(): Promise<void> {
    return this.temporal.close();
  }

  /** Starts the deployment, or joins it if it is under way; returns at once. */
  up(spec: DeploymentSpec): Promise<UpOutcome> {
    return up(this.temporal, spec);
  }

  status(name: string): Promise<DeploymentStatus> {
    return statusOf(this.temporal, name);
  }

  watch(name: string, options: WatchOptions = {}): AsyncIterable<DeploymentStatus> {
    return watchDeployment(this.temporal, name, options);
  }

  list(): Promise<readonly ListedDeployment[]> {
    return list(this.temporal);
  }

  /** Retries the steps that need attention (or one of them), repeats everything from an earlier step on, or goes on after `pause`. */
  resume(name: string, decision: Decision = {}): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.resume, decision);
  }

  /** Goes on without the step that needs attention. */
  skip(name: string, step?: StepId): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.skip, step === undefined ? {} : { step });
  }

  /** Stops and takes back everything it made. */
  abort(name: string): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.abort);
  }

  /** Stops before the next step. */
  pause(name: string): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.pause);
  }

  /** Takes back everything the deployment made; returns at once. A deployment under way is aborted. May be repeated. */
  down(name: string, options: DownOptions = {}): Promise<DownOutcome> {
    return down(this.temporal, name, options);
  }

  /** Publishes the image of a spec, or joins a publishing under way, and yields every change until it has ended. */
  publishImage(spec: DeploymentSpec, signal?: AbortSignal): AsyncIterable<PublishStatus> {
    return publish(this.temporal, spec, signal);
  }

  /**
   * Checks every precondition and changes nothing.
   * @param onResult is called with each result as it comes
   */
  doctor(spec: DeploymentSpec, onResult?: (result: CheckResult) => void): Promise<readonly CheckResult[]> {
    return doctor(this.temporal, spec, onResult);
  }
}
