import assert from 'node:assert/strict';
import { findProblems } from '../../src/steps/preflight';
import type { Cloud } from '../../src/steps/ports';
import { specNamed } from '../support/specs';
import { dependencies } from './support';

describe('preflight', () => {
  it('says so where this worker does not know the release, as one that is older than the client', async () => {
    const cloud: Partial<Cloud> = {
      checkAccess: () => Promise.resolve(),
      imageExists: () => Promise.resolve(true),
      typeMemory: () => Promise.resolve(4_096),
      listAddresses: () => Promise.resolve([]),
      findGroup: () => Promise.resolve(undefined),
    };
    const deps = dependencies({
      clouds: { open: () => Promise.resolve(cloud as Cloud), store: () => Promise.reject(new Error('none')) },
    });
    const spec = { ...specNamed('dev'), release: '9.9.9' as '2.6.6' };
    const finding = (await findProblems(deps, { spec })).find(({ check }) => check === 'instance type');
    assert.deepEqual([finding?.ok, finding?.code], [false, 'RELEASE_UNKNOWN']);
  });
});
