import { strict as assert } from 'node:assert';
import { Meter, progressLine } from '../../src/cli/progress';
import { bytes } from '../../src/cli/render/text';

const MIB = 1024 ** 2;

describe('progress in bytes', () => {
  it('has numbers that a person can read', () => {
    const texts = {
      0: '0 B',
      1: '1 B',
      1023: '1023 B',
      1024: '1.0 KiB',
      [1.5 * MIB]: '1.5 MiB',
      [2 * 1024 ** 3]: '2.0 GiB',
      [5 * 1024 ** 5]: '5120.0 TiB',
    };
    for (const [count, text] of Object.entries(texts)) assert.equal(bytes(Number(count)), text);
  });

  it('tells what is done, how fast it goes, and when it will be over', () => {
    assert.equal(
      progressLine({ what: 'bundling', done: 512 * MIB, total: 2048 * MIB, rate: 64 * MIB, note: 'part 3' }),
      'bundling    25%  512.0 MiB of 2.0 GiB  64.0 MiB/s  ETA 24s  part 3',
    );
    assert.equal(
      progressLine({ what: 'reading', done: 0, total: 100 }),
      'reading      0%  0 B of 100 B',
      'no rate yet',
    );
    assert.equal(
      progressLine({ what: 'reading', done: 50, total: 100, rate: 0 }),
      'reading     50%  50 B of 100 B  0 B/s',
      'no end in sight',
    );
    assert.equal(
      progressLine({ what: 'reading', done: 100, total: 100, rate: 10 }),
      'reading    100%  100 B of 100 B  10 B/s',
    );
    assert.equal(progressLine({ what: 'reading', done: 0, total: 0 }), 'reading    100%  0 B of 0 B', 'an empty image');
  });

  it('goes by the last ten seconds, and by nothing too short', () => {
    const meter = new Meter(0);
    assert.equal(meter.rate(1000, 100), undefined);
    assert.equal(meter.rate(1000, 1000), 1000);
    for (let second = 2; second <= 60; second++) meter.rate(1000 + (second - 1) * 10, second * 1000);
    assert.equal(meter.rate(1000 + 60 * 10, 61_000), 10, 'what flew by at the start is forgotten');
  });
});
