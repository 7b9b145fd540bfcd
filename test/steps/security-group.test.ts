/** A group that was asked for without an answer may come after it was taken back. */

import assert from 'node:assert/strict';
import { securityGroup } from '../../src/steps/security-group';
import { Account } from '../support/account';
import { unclear } from '../../src/cloud/failures';
import { Attempts } from '../activities/attempts';
import { dependencies, inputOf } from './support';

describe('a security group that comes late', () => {
  it('6b: is asked for again at once, and waited for by what takes it back', async () => {
    const account = new Account('none', 100);
    const { cloud } = account;
    let asked = 0;
    const slow = (name: string, description: string): Promise<void> => {
      asked += 1;
      if (asked > 1) return cloud.createGroup(name, description);
      setTimeout(() => void cloud.createGroup(name, description), 80);
      return Promise.reject(unclear('No answer.', 'CLOUD_UNREACHABLE'));
    };
    const deps = dependencies({
      clouds: {
        open: () => Promise.resolve({ ...cloud, createGroup: slow }),
        store: () => Promise.reject(new Error('none')),
      },
    });

    const making = new Attempts((attempt) => securityGroup.activities.ensureSecurityGroup(deps, inputOf(), attempt));
    assert.equal((await making.next()).failure?.type, 'CLOUD_UNREACHABLE');
    const { result } = await making.next();
    assert.deepEqual([result?.changed, result?.unsettled?.call, asked], [true, 'CreateSecurityGroup', 2]);

    account.groups.clear();
    const undo = new Attempts((attempt) => securityGroup.undo(deps, inputOf(), attempt), result?.unsettled);
    assert.equal((await undo.next()).failure?.type, 'NOT_YET');
    await new Promise((resolve) => {
      setTimeout(resolve, 110);
    });
    assert.equal((await undo.next()).result?.changed, true, 'it came, and is deleted');
    assert.equal(account.groups.size, 0);
  });
});
