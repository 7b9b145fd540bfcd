import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { shellQuote } from '../../src/machine/shell';

describe('shellQuote', () => {
  it('leaves plain words unquoted', () => {
    assert.equal(shellQuote('api.stackato.example.com'), 'api.stackato.example.com');
    assert.equal(shellQuote('/etc/hosts'), '/etc/hosts');
  });

  it('quotes everything else', () => {
    assert.equal(shellQuote(''), "''");
    assert.equal(shellQuote("it's"), `'it'\\''s'`);
    assert.equal(shellQuote('~'), "'~'");
  });

  it('passes any word unchanged through a real shell', () => {
    const words = ['', "'", `"$HOME" \`id\` $(id) \\ !x`, 'a\nb', '-n', '*', '~root', 'ünï', '#', "''\\''"];
    const out = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.deepEqual(out.split('\0').slice(0, -1), words);
  });

  it('rejects a NUL, which no shell word can hold', () => {
    assert.throws(() => shellQuote('a\0b'), RangeError);
  });
});
