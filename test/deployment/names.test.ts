import assert from 'node:assert/strict';
import { nodeMarkOf, ownerOf } from '../../src/deployment/names';

describe('the mark of a node', () => {
  it("is the deployment's own for the core, and names any other node", () => {
    const owner = ownerOf('default', 'dev');
    assert.equal(nodeMarkOf(owner, 'core'), 'stackato-deploy/default/dev');
    assert.equal(nodeMarkOf(owner, 'dea-1'), 'stackato-deploy/default/dev/dea-1');
  });
});
