import assert from 'node:assert/strict';
import type { Volume } from '@aws-sdk/client-ec2';
import { volumeOf } from '../../src/cloud/volumes';
import { candidatesOf, isUnproved, oursOf } from '../../src/steps/cloud/volumes';

const WANTED = { size: 20, zone: 'one' };
const blank: Volume = { VolumeId: 'vol-new', Size: 20, AvailabilityZone: 'one', State: 'available' };

describe('whose a volume is', () => {
  it('may be ours, if it was made while our request was not answered', () => {
    const others = [
      { ...blank, VolumeId: 'vol-before' },
      { ...blank, SnapshotId: 'snap-1' },
      { ...blank, Size: 21 },
      { ...blank, AvailabilityZone: 'two' },
      { ...blank, State: 'deleting' as const },
      { ...blank, Attachments: [{ InstanceId: 'i-1', State: 'attaching' as const }] },
      { ...blank, Tags: [{ Key: 'stackato-deploy', Value: 'somebody' }] },
    ];
    const known = { volumesBefore: ['vol-before'] };
    const listed = [...others, { ...blank, SnapshotId: '' }].flatMap(volumeOf);
    assert.deepEqual(candidatesOf(listed, { known }, WANTED), volumeOf(blank));
    assert.deepEqual(candidatesOf(listed, { known: {} }, WANTED), []);
  });

  it('is not ours once another has tagged it, whatever we remember', () => {
    const known = { volume: { id: 'vol-new', size: 20, made: true, unproved: true } } as const;
    const context = { mark: 'ours', known };
    const [plain] = volumeOf(blank);
    assert.ok(plain !== undefined);
    assert.deepEqual(oursOf([plain], context), [plain]);
    assert.ok(isUnproved(plain, context));
    const theirs = { ...plain, owner: 'theirs' };
    assert.deepEqual(oursOf([theirs], context), []);
    const tagged = { ...plain, owner: 'ours' };
    assert.deepEqual(oursOf([tagged], context), [tagged]);
    assert.equal(isUnproved(tagged, context), false);
  });
});
