import { strict as assert } from 'node:assert';
import { factsOf, noFacts } from '../../src/deployment/facts';
import { MEMO_IMAGE, MEMO_SPEC, MEMO_VIEW } from '../../src/deployment/names';
import { freshPublishView, freshView } from '../../src/deployment/view';
import { deploymentViewIn, digestOf, publishViewIn, specMemoIn } from '../../src/temporal/memo';
import type { ImageSpec } from '../../src/deployment/spec';
import { imageIn, specNamed } from '../support/specs';

describe('what is read from the memo of a workflow', () => {
  const spec = specNamed('dev');
  const { image } = specNamed('dev', { image: imageIn('/images') });

  it('is the view, the image and the spec that were written', () => {
    const view = freshView(spec, noFacts());
    const publishing = freshPublishView({ image: image as ImageSpec, cloud: spec.cloud });
    const memo = { digest: digestOf(spec), spec, start: 'x' };
    assert.deepEqual(deploymentViewIn({ [MEMO_VIEW]: view }), view);
    assert.deepEqual(publishViewIn({ [MEMO_IMAGE]: publishing }), publishing);
    assert.deepEqual(specMemoIn({ [MEMO_SPEC]: memo }), memo);
  });

  it('is read as well where 0.1.0 wrote it', () => {
    const { facts: _, ...view } = freshView(spec, noFacts());
    const known = { instance: { id: 'i-1' }, account: 'x' };
    const read = deploymentViewIn({ [MEMO_VIEW]: { ...view, resources: known } });
    assert.deepEqual(read?.facts, factsOf(known));
  });

  it('is undefined where it is missing or not of this shape', () => {
    const view = freshView(spec, noFacts());
    const wrong = [
      undefined,
      null,
      'dev',
      [],
      {},
      { ...view, stage: 'dancing' },
      { ...view, steps: { dns: 'done' } },
      { ...view, facts: undefined },
      { ...view, facts: { site: {}, nodes: {} } },
      { ...view, undone: [{ what: 'instance' }] },
    ];
    for (const value of wrong) assert.equal(deploymentViewIn({ [MEMO_VIEW]: value }), undefined, JSON.stringify(value));
    assert.equal(deploymentViewIn(undefined), undefined);
    for (const value of [undefined, view, { image, cloud: 'aws', stage: 'publishing', parts: { kernel: {} } }])
      assert.equal(publishViewIn({ [MEMO_IMAGE]: value }), undefined, JSON.stringify(value));
    for (const value of [undefined, spec, { digest: 'x', spec, start: 1 }, { digest: 'x', spec: 'dev', start: 'x' }])
      assert.equal(specMemoIn({ [MEMO_SPEC]: value }), undefined, JSON.stringify(value));
  });
});
