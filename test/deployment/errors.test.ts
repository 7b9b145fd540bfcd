import { strict as assert } from 'node:assert';
import { ERRORS, isErrorCode, remedyOf } from '../../src/deployment/errors';
import type { ErrorCode, Remedy } from '../../src/deployment/errors';

describe('remedies', () => {
  const codes = Object.keys(ERRORS).filter(isErrorCode);

  it('are told to a deployment that waits, to a command that has ended, and by a check before anything began', () => {
    const told = (code: ErrorCode): string[] => [remedyOf(code), remedyOf(code, 'command'), remedyOf(code, 'check')];
    assert.deepEqual(told('IMAGE_SOURCE_CHANGED'), [
      'Something writes to the image file. Wait until it is complete and nobody uses it, then resume: it is read again from the start.',
      'Something writes to the image file. Wait until it is complete and nobody uses it, then run it again: it is read again from the start.',
      'Something writes to the image file. Wait until it is complete and nobody uses it.',
    ]);
    assert.deepEqual(told('IMAGE_NAME'), [
      'Choose a name of 3 to 128 letters, digits and ( ) . / _ -, abort, and run up again.',
      'Choose a name of 3 to 128 letters, digits and ( ) . / _ -, then run it again.',
      'Choose a name of 3 to 128 letters, digits and ( ) . / _ -.',
    ]);
    assert.deepEqual(told('DNS_FOREIGN'), [
      "The name holds somebody else's data. Remove it, then resume. Or set `dns.replace: true`, abort, and run up again.",
      "The name holds somebody else's data. Remove it, then run it again. Or set `dns.replace: true`, then run it again.",
      "The name holds somebody else's data. Remove it. Or set `dns.replace: true`.",
    ]);
  });

  it('are sentences, and the follow-up is in none of them by hand', () => {
    const parts = (remedy: Remedy): string[] => [remedy.do, ...(remedy.or === undefined ? [] : parts(remedy.or))];
    for (const code of codes) {
      for (const text of parts(ERRORS[code].remedy)) assert.doesNotMatch(text, /\.$|then resume|run up again/, code);
      for (const reader of ['deployment', 'command', 'check'] as const) {
        assert.match(remedyOf(code, reader), /^\S.*[\w)`'*-]\.$/, code);
        assert.doesNotMatch(remedyOf(code, reader), /\.\.| ,|undefined/, code);
      }
      for (const reader of ['command', 'check'] as const)
        assert.doesNotMatch(remedyOf(code, reader), /resume\b(?! or abort)|run up again/, code);
    }
  });
});
