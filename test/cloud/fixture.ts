/** A fixture for tests of clouds: the lab's clouds over moto, and a deployment name of its own for every test. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCloud } from '../../src/cloud';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import type { CloudKind } from '../../src/deployment/cloud-kinds';
import { Ec2 } from '../../src/cloud/ec2';
import type { Timeouts } from '../../src/cloud/sdk-config';
import type { Cloud, CloudGroup, CloudInstance, LaunchRequest } from '../../src/steps/ports';
import { groupNameOf, ownerOf } from '../../src/deployment/names';
import type { Clouds } from '../../lab/cloud';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import { fakeMachineFactory, startClouds } from '../lab/support';
import type { FakeMachineFactory } from '../lab/support';
import { eventually } from '../support/wait';
import { bytesOf } from '../support/secrets';
import { openCloud } from './support';

export const QUOTA = 4;

export const TYPES: Readonly<Record<Kind, { readonly name: string; readonly mib: number }>> = {
  'eucalyptus-3.2': { name: 'm1.large', mib: 4096 },
  'eucalyptus-3.4': { name: 'm1.large', mib: 4096 },
  'eucalyptus-4.4': { name: 'm1.large', mib: 4096 },
  'eucalyptus-5.1': { name: 'm1.large', mib: 4096 },
  aws: { name: 't3.medium', mib: 4096 },
};

export class CloudFixture {
  /** Of the current test. Its instances stay listed afterwards, so no two tests may share these names. */
  owner = '';
  group = '';
  private readonly machinery: FakeMachineFactory = fakeMachineFactory();
  private readonly dir = mkdtempSync(join(tmpdir(), 'clouds-'));
  private started: { readonly clouds: Clouds; stop(): Promise<void> } | undefined;
  private tests = 0;
  private release = (): void => undefined;

  /** To be called in a `describe`. */
  install(kernelRights = false): void {
    before(async () => {
      this.started = await startClouds(this.dir, this.machinery, QUOTA, kernelRights);
    });
    beforeEach(() => {
      this.tests += 1;
      this.owner = ownerOf('default', `t${this.tests}`);
      this.group = groupNameOf(`t${this.tests}`);
    });
    afterEach(async () => {
      this.release();
      this.lab.faults.clear();
      for (const kind of KINDS) await this.empty(kind);
    });
    after(async () => {
      await this.started?.stop();
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  get lab(): Clouds {
    assert.ok(this.started);
    return this.started.clouds;
  }

  /** Keeps instances pending until the returned function is called, or the test ends. */
  hold(): () => void {
    return (this.release = this.machinery.hold());
  }

  /** What an instance's console shows from now on. */
  print(id: string, text: string): void {
    const machine = this.machinery.made.get(id);
    assert.ok(machine);
    machine.printed = text;
  }

  open(kind: Kind): Promise<Cloud> {
    return openCloud(this.lab.access(kind));
  }

  /** With timeouts and capabilities other than its kind's. */
  altered(kind: Kind, changes: Partial<CloudKind>, timeouts?: Timeouts): Cloud {
    const { endpoint, region, accessKey, secretKey } = this.lab.access(kind);
    const options = {
      spec: { endpoint, region },
      credentials: { accessKey, secretKey },
      capabilities: { ...CLOUD_KINDS[kind], ...changes },
    };
    return createCloud(new Ec2({ ...options, ...(timeouts === undefined ? {} : { timeouts }) }), 'altered');
  }

  async madeGroup(cloud: Cloud, description = this.owner): Promise<CloudGroup> {
    await cloud.createGroup(this.group, description);
    const group = await cloud.findGroup(this.group);
    assert.ok(group);
    return group;
  }

  request(kind: Kind, { name, id }: CloudGroup, token = this.group): LaunchRequest {
    const { imageId, keyName } = this.lab.access(kind);
    return {
      imageId,
      keyName,
      type: TYPES[kind].name,
      userData: bytesOf('#!/bin/sh\necho ~ + * é\n'),
      clientToken: token,
      owner: this.owner,
      group: { name, ...(id === undefined ? {} : { id }) },
    };
  }

  inState(cloud: Cloud, id: string, state: string): Promise<CloudInstance> {
    return eventually(`${id} is ${state}`, async () =>
      (await cloud.findInstances(this.owner, this.group)).find(
        (instance) => instance.id === id && instance.state === state,
      ),
    );
  }

  /** Removes what a test made, and what a failed one left. */
  private async empty(kind: Kind): Promise<void> {
    const cloud = await this.open(kind);
    const instances = async (): Promise<readonly { readonly id: string; readonly state: string }[]> =>
      (await this.lab.inventory(kind)).instances;
    for (const { id, state } of await instances()) if (state !== 'terminated') await cloud.terminate(id);
    await eventually('all are terminated', async () =>
      (await instances()).every(({ state }) => state === 'terminated'),
    );
    for (const address of await cloud.listAddresses()) await cloud.releaseAddress(address);
    for (const { name } of (await this.lab.inventory(kind)).groups) {
      const group = await cloud.findGroup(name);
      if (group !== undefined) await cloud.deleteGroup(group);
    }
  }
}
