/** What each of the lab's clouds answers to GetConsoleOutput. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetConsoleOutputCommand, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Clouds } from '../../lab/cloud';
import type { Kind } from '../../lab/types';
import { callV2, codeOf, fakeMachineFactory, sdkOf, startClouds, texts, until } from './support';
import type { Reply } from './support';

const PRINTED = 'Linux version 3.2.0\r\nstackato login: ';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('lab: the console of an instance', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-console-'));
  const factory = fakeMachineFactory();
  let clouds: Clouds;
  let stop: () => Promise<void>;

  before(async () => {
    ({ clouds, stop } = await startClouds(dir, factory, 1));
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const euca32 = (params: Readonly<Record<string, string>>): Promise<Reply> =>
    callV2(clouds.access('eucalyptus-3.2'), params);
  const print = (id: string, text: string): string => (factory.made.get(id)!.printed = text);
  const shown = async (kind: Kind, id: string): Promise<string | undefined> =>
    (await sdk(kind).send(new GetConsoleOutputCommand({ InstanceId: id }))).Output;

  function sdk(kind: Kind): EC2Client {
    return sdkOf(clouds.access(kind));
  }

  function inState(kind: Kind, id: string, state: string): Promise<true> {
    return until(
      `${id} ${state}`,
      async () =>
        (await clouds.inventory(kind)).instances.some((each) => each.id === id && each.state === state) || undefined,
    );
  }

  /** Launches an instance that stays pending until the returned function is called. */
  async function launched(kind: Kind): Promise<{ id: string; start: () => Promise<void>; end: () => Promise<void> }> {
    const open = factory.hold();
    const launch = {
      ImageId: clouds.access(kind).imageId,
      InstanceType: 'm1.large' as const,
      MinCount: 1,
      MaxCount: 1,
    };
    const { Instances } = await sdk(kind).send(new RunInstancesCommand(launch));
    const id = Instances?.[0]?.InstanceId ?? '';
    return {
      id,
      start: async () => {
        open();
        await inState(kind, id, 'running');
      },
      end: async () => {
        await sdk(kind).send(new TerminateInstancesCommand({ InstanceIds: [id] }));
        await inState(kind, id, 'terminated');
      },
    };
  }

  it('of 3.2: the end of the output, by either name of the parameter, and nothing while it is pending', async () => {
    const ask = (id: string, name = 'InstanceId'): Promise<Reply> => euca32({ Action: 'GetConsoleOutput', [name]: id });
    const open = factory.hold();
    const launch = {
      Action: 'RunInstances',
      ImageId: clouds.access('eucalyptus-3.2').imageId,
      MinCount: '1',
      MaxCount: '1',
    };
    const [id = ''] = texts(await euca32(launch), 'instanceId');
    assert.deepEqual(texts(await ask(id), 'output'), ['']);
    open();
    await inState('eucalyptus-3.2', id, 'running');
    print(id, 'x'.repeat(70_000) + PRINTED);
    const reply = await ask(id);
    assert.deepEqual([texts(reply, 'instanceId'), texts(reply, 'timestamp').length], [[id], 1]);
    assert.equal(texts(reply, 'output')[0], base64(('x'.repeat(70_000) + PRINTED).slice(-65_536)));
    assert.equal((await ask(id, 'InstanceId.1')).status, 200);
    assert.match(
      (await euca32({ Action: 'GetConsoleOutput', InstanceId: id, Latest: 'true' })).message,
      /Latest = true/,
    );
    await euca32({ Action: 'TerminateInstances', 'InstanceId.1': id });
    await inState('eucalyptus-3.2', id, 'terminated');
    for (const gone of [id, 'i-00000000']) {
      const { status, code, message } = await ask(gone);
      assert.deepEqual([status, code, message], [406, 'GetConsoleOutputType', `No such instance: ${gone}`]);
    }
  });

  it('of 3.4: nothing while it is pending', async () => {
    const { id, start, end } = await launched('eucalyptus-3.4');
    assert.equal(await shown('eucalyptus-3.4', id), '');
    await start();
    print(id, PRINTED);
    assert.equal(await shown('eucalyptus-3.4', id), base64(PRINTED));
    await end();
  });

  for (const kind of ['eucalyptus-4.4', 'eucalyptus-5.1'] as const) {
    it(`of ${kind.slice(-3)}: only while it runs, and a space if there is no output`, async () => {
      const { id, start, end } = await launched(kind);
      assert.equal(await codeOf(shown(kind, id)), 'InternalFailure');
      await start();
      assert.equal(await shown(kind, id), base64(' '));
      print(id, PRINTED);
      assert.equal(await shown(kind, id), base64(PRINTED));
      await end();
      assert.equal(await codeOf(shown(kind, id)), 'InvalidInstanceID.NotFound');
    });
  }

  it('of aws: none while it is pending, and the last output once it is terminated', async () => {
    const { id, start, end } = await launched('aws');
    assert.equal(await shown('aws', id), undefined);
    await start();
    print(id, PRINTED);
    await end();
    assert.equal(await shown('aws', id), base64(PRINTED));
    assert.equal(await codeOf(shown('aws', 'i-00000000')), 'InvalidInstanceID.NotFound');
  });
});
