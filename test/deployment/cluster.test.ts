import { strict as assert } from 'node:assert';
import { mayHoldData } from '../../src/deployment/cluster';
import { RELEASES } from '../../src/deployment/releases';

describe('a node of a cluster', () => {
  for (const [release, { roles, dataServices }] of Object.entries(RELEASES)) {
    it(`may hold data if it has a data service of ${release}, and not otherwise`, () => {
      const holding = roles.value.filter((role) => mayHoldData({ made: { type: 'm1.large', roles: ['dea', role] } }));
      assert.deepEqual(
        holding,
        roles.value.filter((role) => dataServices.value.includes(role)),
      );
    });
  }

  it('may hold data if its roles are not known', () => {
    assert.ok(mayHoldData({}));
  });
});
