import assert from 'node:assert/strict';
import { findProblems } from '../../src/steps/preflight';
import type { Cloud } from '../../src/steps/ports';
import type { Finding } from '../../src/deployment/messages';
import { specNamed } from '../support/specs';
import { dependencies } from './support';

describe('preflight', () => {
  const typeOf = async (release: string, memory = 4_096): Promise<Finding | undefined> => {
    const cloud: Partial<Cloud> = {
      checkAccess: () => Promise.resolve(),
      imageExists: () => Promise.resolve(true),
      typeMemory: () => Promise.resolve(memory),
      listAddresses: () => Promise.resolve([]),
      findGroup: () => Promise.resolve(undefined),
    };
    const deps = dependencies({
      clouds: { open: () => Promise.resolve(cloud as Cloud), store: () => Promise.reject(new Error('none')) },
    });
    const spec = { ...specNamed('dev'), release: release as '2.6.6' };
    return (await findProblems(deps, { spec })).find(({ check }) => check === 'instance type');
  };

  it('says so where this worker does not know the release, as one that is older than the client', async () => {
    const finding = await typeOf('9.9.9');
    assert.deepEqual([finding?.ok, finding?.code], [false, 'RELEASE_UNKNOWN']);
  });

  it('13: asks for the memory that the release needs, and tells what it uses without a licence key', async () => {
    const cases: readonly (readonly [release: string, memory: number, message: RegExp, code?: string])[] = [
      ['2.6.6', 2047, /2\.6\.6 does not work reliably with less than 2048/, 'TYPE_TOO_SMALL'],
      ['2.6.6', 2048, /^m1\.large has 2048 MiB$/],
      ['3.2.1', 8192, /^m1\.large has 8192 MiB$/],
      ['3.4.2', 2048, /3\.4\.2 does not work reliably with less than 3840/, 'TYPE_TOO_SMALL'],
      ['3.4.2', 3840, /^m1\.large has 3840 MiB$/],
      ['3.6.2', 8192, /uses 4096 of them without a licence key/],
    ];
    for (const [release, memory, message, code] of cases) {
      const finding = await typeOf(release, memory);
      assert.equal(finding?.code, code, release);
      assert.match(finding?.message ?? '', message);
    }
  });
});
