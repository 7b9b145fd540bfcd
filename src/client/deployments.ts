/** The typed library: everything the command line can do, for programs. Every method throws ClientError. */

import type { NodeName } from '../deployment/facts';
import { UPDATE } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { wantedChanges } from './changes';
import type { UpOptions, WantedChanges } from './changes';
import { doctor } from './doctor';
import type { CheckResult } from './doctor';
import { down } from './down';
import type { DownOptions, DownOutcome } from './down';
import { list } from './list';
import type { ListedDeployment } from './list';
import { publish } from './publish';
import type { PublishStatus } from './publish';
import type { ConnectOptions } from './settings';
import { nodeStatusOf, statusOf } from './status';
import type { DeploymentStatus, NodeDetails } from './status';
import { Temporal } from './temporal';
import { up } from './up';
import type { UpOutcome } from './up';
import { sendUpdate } from './updates';
import type { Answer } from './updates';
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
  up(spec: DeploymentSpec, options: UpOptions = {}): Promise<UpOutcome> {
    return up(this.temporal, spec, options);
  }

  /** What `up` would add, remove and replace of the nodes that the deployment has; undefined if there is no such deployment. */
  changes(spec: DeploymentSpec, options: UpOptions = {}): Promise<WantedChanges | undefined> {
    return wantedChanges(this.temporal, spec, options);
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

  /** One node but the core, with its steps. */
  nodeStatus(name: string, node: NodeName): Promise<NodeDetails> {
    return nodeStatusOf(this.temporal, name, node);
  }

  /**
   * Retries the steps that need attention (or one of them), repeats everything from an earlier step on, or goes on after `pause`. Without
   * a node and a step: on all nodes, too.
   */
  resume(name: string, answer: Answer = {}): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.resume, answer);
  }

  /** Goes on without the step that needs attention. */
  skip(name: string, answer: Pick<Answer, 'step' | 'node'> = {}): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.skip, answer);
  }

  /** Stops and takes back everything it made; with a node, that node only. */
  abort(name: string, answer: Pick<Answer, 'node' | 'dataLoss'> = {}): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.abort, answer);
  }

  /** Stops before the next step, on all nodes; with a node, on that one only. */
  pause(name: string, answer: Pick<Answer, 'node'> = {}): Promise<string> {
    return sendUpdate(this.temporal, name, UPDATE.pause, answer);
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
