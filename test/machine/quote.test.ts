import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { quote } from '../../src/machine/quote';

describe('quote', () => {
  it('leaves plain words readable', () => {
    assert.equal(quote('api.stackato.example.com'), 'api.stackato.example.com');
    assert.equal(quote('/etc/hosts'), '/etc/hosts');
  });

  it('quotes everything else', () => {
    assert.equal(quote(''), "''");
    assert.equal(quote("it's"), `'it'\\''s'`);
    assert.equal(quote('~'), "'~'");
  });

  it('gives back any word through a real shell', () => {
    const words = ['', "'", `"$HOME" \`id\` $(id) \\ !x`, 'a\nb', '-n', '*', '~root', 'ünï', '#', "''\\''"];
    const out = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`], { encoding: 'utf8' });
    assert.deepEqual(out.split('\0').slice(0, -1), words);
  });

  it('refuses what no shell word can hold', () => {
    assert.throws(() => quote('a\0b'), RangeError);
  });
});
