/** Whole deployments with the container store on the ephemeral disk or on a volume, on every kind of cloud. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateVolumeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { KINDS } from '../../lab/types';
import type { Appliance, CloudVolume, Kind } from '../../lab/types';
import { down } from '../../src/client/down';
import type { DeploymentView } from '../../src/deployment/messages';
import { openCloud } from '../cloud/support';
import type { Deployment } from '../support/deployment';
import { Site } from '../support/site';
import type { WorkerProcess } from '../support/site';
import { eventually } from '../support/wait';

const QUEUE = 'store';
const SHORT: Readonly<Record<Kind, string>> = {
  'eucalyptus-3.2': 'e32',
  'eucalyptus-3.4': 'e34',
  'eucalyptus-4.4': 'e44',
  'eucalyptus-5.1': 'e51',
  aws: 'aws',
};
const MUTATIONS = ['CreateVolume', 'AttachVolume', 'DeleteVolume'] as const;
const LIMIT_MS = 240_000;

describe('container store: deployments', function () {
  this.timeout(15 * 60_000);
  let site: Site;
  const workers = new Map<Kind, WorkerProcess>();

  before(async () => {
    site = await Site.open();
    for (const kind of KINDS) workers.set(kind, await site.worker(kind, queueOf(kind)));
  });
  after(() => site.close());

  const queueOf = (kind: Kind): string => `${QUEUE}-${SHORT[kind]}`;

  const start = (name: string, kind: Kind, containers: unknown): Promise<Deployment> => {
    const spec = site.spec(name, kind, {
      storage: { containers },
      network: 'dhcp',
      timing: { poll: '500ms', rebootWait: '1s', deadline: { cloud: '4m' } },
    });
    return site.start(spec, queueOf(kind));
  };

  const ready = async (deployment: Deployment): Promise<DeploymentView> =>
    deployment.until(
      'it is ready',
      ({ stage, steps }) => {
        assert.notEqual(stage, 'needs-attention', JSON.stringify(steps['container-store']));
        return stage === 'ready';
      },
      LIMIT_MS,
      200,
    );

  /** As a machine with containers would have them, before the step gets there. */
  const plant = async (name: string): Promise<Appliance> => {
    const machine = await eventually('the machine is there', () => site.lab.machines(name)[0], 60_000, 50);
    const file = join(machine.dir, 'root/lxc/containers/app/file');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `of ${name}`);
    return machine;
  };

  const volumeOf = (kind: Kind, machine: Appliance): CloudVolume | undefined =>
    site.lab.volumes(kind).find(({ instanceId }) => instanceId === machine.instanceId);

  const untilClosed = (deployment: Deployment): Promise<DeploymentView> =>
    deployment.until('it is over', ({ stage }) => ['removed', 'aborted', 'failed'].includes(stage), LIMIT_MS, 200);

  for (const kind of KINDS) {
    it(`13: ${kind}: on the ephemeral disk, and mounted after the reboot`, async () => {
      const name = `${SHORT[kind]}-ephemeral`;
      const deployment = await start(name, kind, 'ephemeral');
      const machine = await plant(name);
      const view = await ready(deployment);
      assert.match(view.steps['container-store']?.note ?? '', /on the ephemeral disk/);
      assert.equal(machine.boots(), 2);
      assert.equal(readFileSync(join(machine.dir, 'ephemeral/fs/containers/app/file'), 'utf8'), `of ${name}`);
      assert.match(machine.file('/proc/self/mountinfo') ?? '', /\/mnt\/lxc rw/);
      assert.equal(machine.file('/lxc/containers/app/file'), `of ${name}`);
    });

    it(`13: ${kind}: on a volume of ours, which \`down\` keeps and \`down --volumes\` deletes`, async () => {
      const name = `${SHORT[kind]}-volume`;
      const deployment = await start(name, kind, { volume: 3 });
      const machine = await plant(name);
      await ready(deployment);
      const volume = volumeOf(kind, machine);
      assert.equal(volume?.size, 3);
      assert.equal(readFileSync(join(volume.dir, 'fs/containers/app/file'), 'utf8'), `of ${name}`);
      assert.equal(machine.file('/lxc/containers/app/file'), `of ${name}`);
      const kato = machine.invocations().flatMap(({ program, args }) => (program === 'kato' ? [args[0]] : []));
      assert.equal(kato.filter((word) => word === 'stop').length, 1);
      assert.equal(kato.filter((word) => word === 'start').length, 1);

      const temporal = await site.temporal(queueOf(kind));
      await down(temporal, name);
      const kept = await untilClosed(deployment);
      assert.equal(kept.stage, 'removed', JSON.stringify(kept.undone));
      assert.equal(readFileSync(join(volume.dir, 'fs/containers/app/file'), 'utf8'), `of ${name}`);
      assert.equal(site.lab.volumes(kind).find(({ id }) => id === volume.id)?.state, 'available');

      await down(temporal, name, { volumes: true });
      const removed = await untilClosed(deployment);
      assert.equal(removed.stage, 'removed', JSON.stringify(removed.undone));
      assert.deepEqual(removed.undone, [{ what: `volume ${volume.id}`, ok: true }]);
      assert.equal(
        site.lab.volumes(kind).some(({ id }) => id === volume.id),
        false,
      );
    });
  }

  it('a given volume is only attached, and kept whatever `down` is asked to remove', async () => {
    const kind = 'eucalyptus-4.4';
    const given = await aVolume(kind, 2);
    const deployment = await start('given', kind, { volume: given.id });
    const machine = await plant('given');
    await ready(deployment);
    assert.equal(volumeOf(kind, machine)?.id, given.id);
    await down(await site.temporal(queueOf(kind)), 'given', { volumes: true });
    const removed = await untilClosed(deployment);
    assert.equal(removed.stage, 'removed', JSON.stringify(removed.undone));
    assert.ok(existsSync(join(given.dir, 'fs/containers/app/file')));
  });

  it('13: a given volume with a file system of somebody else is left alone, and the deployment says what is on it', async () => {
    const kind = 'eucalyptus-3.2';
    const given = await aVolume(kind, 2);
    mkdirSync(join(given.dir, 'fs'), { recursive: true });
    writeFileSync(join(given.dir, 'fs/thesis'), 'all of it');
    writeFileSync(join(given.dir, 'signature'), 'LABEL=backup\nUUID=1-2\nTYPE=xfs\n');
    const deployment = await start('foreign', kind, { volume: given.id });
    await plant('foreign');
    const parked = await deployment.until('it parks', ({ stage }) => stage === 'needs-attention', LIMIT_MS, 200);
    const error = parked.steps['container-store']?.error;
    assert.equal(error?.code, 'DISK_NOT_EMPTY', JSON.stringify(error));
    assert.match(error.message, /vdc has .*TYPE="xfs"/);
    assert.equal(readFileSync(join(given.dir, 'fs/thesis'), 'utf8'), 'all of it');
    await deployment.say('abort');
    assert.equal((await untilClosed(deployment)).stage, 'aborted');
    assert.ok(existsSync(join(given.dir, 'fs/thesis')));
  });

  for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4', 'aws'] as const) {
    for (const call of MUTATIONS) {
      for (const what of ['lost', 'hold'] as const) {
        it(`${kind}: ${call} × ${what === 'hold' ? 'abort while it is held' : 'lost'}: no volume is left behind unnamed, and no stranger's is touched`, async () => {
          const name = `${SHORT[kind]}-${call.toLowerCase()}-${what}`;
          const { accessKey } = site.lab.cloud(kind);
          const stranger = await aVolume(kind, 5);
          const before = site.lab.volumes(kind).map(({ id }) => id);
          const deployment = await start(name, kind, { volume: 4 });
          const fault = (): void => site.lab.fault({ kind, action: call, what, times: 1, by: accessKey });
          if (call !== 'DeleteVolume') fault();
          const isMade = (): readonly string[] =>
            site.lab.volumes(kind).flatMap(({ id }) => (before.includes(id) ? [] : [id]));
          if (call === 'DeleteVolume') {
            await deployment.until(
              'it has a volume',
              ({ facts }) => facts.nodes.core.volume !== undefined,
              LIMIT_MS,
              100,
            );
            fault();
            await deployment.say('abort');
            if (what === 'hold') {
              await eventually('the call is held', () => site.lab.held(kind).length > 0, LIMIT_MS, 50);
              site.lab.release(kind);
            }
          } else if (what === 'hold') {
            await eventually('the call is held', () => site.lab.held(kind).length > 0, LIMIT_MS, 50);
            await deployment.say('abort');
            site.lab.release(kind);
          } else {
            await ready(deployment);
            assert.equal(isMade().length, 1);
            await down(await site.temporal(queueOf(kind)), name, { volumes: true });
          }
          const end = await untilClosed(deployment);
          assert.notEqual(end.stage, 'failed', JSON.stringify(end.undone));
          // Without a tag from the first moment, nobody can tell whose a volume is whose creation was not answered.
          const named = leftIn(end);
          assert.deepEqual(
            isMade().filter((id) => !named.includes(id)),
            [],
          );
          if (call !== 'CreateVolume' || what === 'lost' || kind === 'aws') assert.equal(named, '');
          assert.ok(site.lab.volumes(kind).some(({ id, state }) => id === stranger.id && state === 'available'));
        });
      }
    }
  }

  for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
    it(`13: ${kind}: a volume that somebody else makes while CreateVolume is not answered is not deleted`, async () => {
      const name = `${SHORT[kind]}-taken`;
      const { accessKey } = site.lab.cloud(kind);
      site.lab.fault({ kind, action: 'CreateVolume', what: 'reset', times: 1, by: accessKey });
      site.lab.fault({ kind, action: 'AttachVolume', what: 'hold', times: 1, by: accessKey });
      const deployment = await start(name, kind, { volume: 6 });
      await eventually(
        'the creation is not answered',
        () => site.lab.faultsLeft(kind).every(({ action }) => action !== 'CreateVolume'),
        LIMIT_MS,
        50,
      );
      const theirs = await untagged(kind, 6);
      await eventually('it is about to be attached', () => site.lab.held(kind).length > 0, LIMIT_MS, 50);
      mkdirSync(join(theirs.dir, 'fs'), { recursive: true });
      writeFileSync(join(theirs.dir, 'fs/thesis'), 'all of it');
      writeFileSync(join(theirs.dir, 'signature'), 'UUID=1-2\nTYPE=xfs\n');
      site.lab.release(kind);
      const parked = await deployment.until('it parks', ({ stage }) => stage === 'needs-attention', LIMIT_MS, 200);
      assert.equal(parked.steps['container-store']?.error?.code, 'DISK_NOT_EMPTY');
      assert.equal(parked.facts.nodes.core.volume?.id, theirs.id);

      await deployment.say('abort');
      const aborted = await untilClosed(deployment);
      assert.equal(aborted.stage, 'aborted', JSON.stringify(aborted.undone));
      assert.match(leftIn(aborted), new RegExp(`^${theirs.id}: CreateVolume was not answered`));
      await down(await site.temporal(queueOf(kind)), name, { volumes: true });
      const removed = await untilClosed(deployment);
      assert.equal(removed.stage, 'removed', JSON.stringify(removed.undone));
      assert.match(leftIn(removed), new RegExp(`^${theirs.id}: CreateVolume was not answered`));
      assert.ok(site.lab.volumes(kind).some(({ id, state }) => id === theirs.id && state === 'available'));
      assert.equal(readFileSync(join(theirs.dir, 'fs/thesis'), 'utf8'), 'all of it');
    });

    it(`13: ${kind}: abort while CreateVolume is held, and somebody else makes a volume: both are left and named`, async () => {
      const name = `${SHORT[kind]}-both`;
      const { accessKey } = site.lab.cloud(kind);
      site.lab.fault({ kind, action: 'CreateVolume', what: 'hold', times: 1, by: accessKey });
      const deployment = await start(name, kind, { volume: 7 });
      await eventually('the call is held', () => site.lab.held(kind).length > 0, LIMIT_MS, 50);
      const theirs = await untagged(kind, 7);
      await deployment.say('abort');
      await deployment.until('it is being undone', ({ stage }) => stage === 'undoing', LIMIT_MS, 50);
      site.lab.release(kind);
      const end = await untilClosed(deployment);
      assert.equal(end.stage, 'aborted', JSON.stringify(end.undone));
      const sevens = site.lab.volumes(kind).filter(({ size }) => size === 7);
      assert.equal(sevens.length, 2);
      for (const { id, state } of sevens) {
        assert.equal(state, 'available');
        assert.ok(leftIn(end).includes(id), JSON.stringify(end.undone));
      }
      assert.ok(sevens.some(({ id }) => id === theirs.id));
    });
  }

  const leftIn = ({ undone }: DeploymentView): string =>
    undone.flatMap(({ ok, message = '' }) => (ok ? [] : [message])).join('; ');

  const zoneOf = (kind: Kind): string =>
    ({ 'eucalyptus-3.2': 'PARTI00', 'eucalyptus-3.4': 'PARTI00', aws: 'us-east-1a' })[kind as string] ?? 'one';

  /** Of a deployment elsewhere. */
  const aVolume = async (kind: Kind, size: number): Promise<CloudVolume> => {
    const cloud = await openCloud(site.lab.cloud(kind));
    const { id } = await cloud.createVolume({
      size,
      zone: zoneOf(kind),
      owner: 'stackato-deploy/elsewhere/somebody',
    });
    return available(kind, id);
  };

  /** By another tool. The SDK's signatures are too new for 3.2, where no volume has tags. */
  const untagged = async (kind: Kind, size: number): Promise<CloudVolume> => {
    if (kind === 'eucalyptus-3.2') return aVolume(kind, size);
    const { endpoint, region, accessKey, secretKey } = site.lab.cloud(kind);
    const ec2 = new EC2Client({
      endpoint,
      region,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
    // A client token is new in later releases.
    ec2.middlewareStack.add(
      (next) => (args) => {
        const { request } = args as { request: { body: string } };
        request.body = request.body.replace(/&ClientToken=[^&]*/, '');
        return next(args);
      },
      { step: 'build', priority: 'high' },
    );
    const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand({ Size: size, AvailabilityZone: zoneOf(kind) }));
    ec2.destroy();
    return available(kind, VolumeId);
  };

  const available = (kind: Kind, id: string): Promise<CloudVolume> =>
    eventually(`${id} is there`, () =>
      site.lab.volumes(kind).find((volume) => volume.id === id && volume.state === 'available'),
    );
});
