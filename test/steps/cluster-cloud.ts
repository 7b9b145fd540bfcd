/** A cloud in memory, as the steps of a cluster see it: groups, instances, and how its kind tells instances apart. */

import type { Dependencies } from '../../src/steps/dependencies';
import type { Cloud, CloudInstance, LaunchRequest, Room } from '../../src/steps/ports';
import { unclear } from '../../src/cloud/failures';
import { ownerOf } from '../../src/deployment/names';
import { Account } from '../support/account';
import { dependencies } from './support';

export const OWNER = ownerOf('test', 'dev');
export const NODES_GROUP = 'stackato-dev-nodes';
export const LATE_EFFECT = 100;

/** `tags: lost`: the tag is set after the launch, and the call that would is refused. */
export type Tags = 'at once' | 'lost' | 'none';

export class ClusterCloud {
  readonly account = new Account('none', LATE_EFFECT);
  readonly all: CloudInstance[] = [];
  readonly requests: LaunchRequest[] = [];
  room: Room = {};
  /** Of the next launches: done, and not answered. */
  lost = 0;

  constructor(
    readonly tags: Tags,
    private readonly fresh: Partial<CloudInstance> = {},
  ) {
    this.account.groups.set('stackato-dev', {
      name: 'stackato-dev',
      description: OWNER,
      rules: [],
      key: 'stackato-dev',
      letsIn: [],
    });
  }

  add(change: Partial<CloudInstance> = {}): CloudInstance {
    const instance: CloudInstance = {
      id: `i-${this.all.length + 1}`,
      state: 'running',
      type: 'm1.large',
      groups: [NODES_GROUP],
      privateIp: `10.1.0.${this.all.length + 1}`,
      ...this.fresh,
      ...change,
    };
    this.all.push(instance);
    return instance;
  }

  turn(id: string, change: Partial<CloudInstance>): void {
    const index = this.all.findIndex((each) => each.id === id);
    this.all[index] = { ...this.all[index]!, ...change };
  }

  alive(): string[] {
    return this.all.filter(({ state }) => state === 'running' || state === 'pending').map(({ id }) => id);
  }

  get deps(): Dependencies {
    const cloud = {
      ...this.account.cloud,
      launchesOnce: this.tags !== 'none',
      tagsInstances: this.tags !== 'none',
      room: () => Promise.resolve(this.room),
      findInstances: (owner, group) =>
        Promise.resolve(this.all.filter((each) => each.owner === owner || each.groups.includes(group))),
      instancesIn: (group, marks) =>
        Promise.resolve(
          this.all.filter((each) => each.groups.includes(group) || each.owner?.startsWith(marks) === true),
        ),
      launch: (request) => this.launch(request),
      tagInstance: (id, owner) => {
        if (this.tags !== 'lost') this.turn(id, { owner });
        return Promise.resolve(this.tags !== 'lost');
      },
      terminate: (id) => Promise.resolve(this.turn(id, { state: 'terminated' })),
    } satisfies Partial<Cloud> as unknown as Cloud;
    return dependencies({
      clouds: { open: () => Promise.resolve(cloud), store: () => Promise.reject(new Error('not called')) },
    });
  }

  private launch(request: LaunchRequest): Promise<CloudInstance> {
    this.requests.push(request);
    const { clientToken, owner, type, zone, group } = request;
    const again = this.tags === 'none' ? undefined : this.all.find((each) => each.clientToken === clientToken);
    const made =
      again ??
      this.add({
        type,
        groups: [group.name],
        ...(zone === undefined ? {} : { zone }),
        ...(this.tags === 'none' ? {} : { clientToken }),
        ...(this.tags === 'at once' ? { owner } : {}),
      });
    if (this.lost === 0) return Promise.resolve(made);
    this.lost -= 1;
    return Promise.reject(unclear('No answer.', 'CLOUD_UNREACHABLE'));
  }
}
