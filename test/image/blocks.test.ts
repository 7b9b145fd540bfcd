import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { BLOCK_SIZE, isZero, mapInOrder } from '../../src/image/blocks';

/** Tasks that end when the test says so. */
function manual(): {
  readonly started: number[];
  readonly slots: Map<number, number>;
  task(index: number, slot: number): Promise<number>;
  end(index: number): void;
  fail(index: number): void;
} {
  const started: number[] = [];
  const slots = new Map<number, number>();
  const pending = new Map<number, { resolve(value: number): void; reject(error: Error): void }>();
  return {
    started,
    slots,
    task: (index, slot) => {
      started.push(index);
      slots.set(index, slot);
      return new Promise((resolve, reject) => pending.set(index, { resolve, reject }));
    },
    end: (index) => pending.get(index)!.resolve(index * 10),
    fail: (index) => pending.get(index)!.reject(new Error(`task ${index}`)),
  };
}

describe('blocks', () => {
  it('are recognized as zero', () => {
    assert.equal(isZero(Buffer.alloc(BLOCK_SIZE)), true);
    assert.equal(isZero(Buffer.alloc(0)), true);
    const last = Buffer.alloc(BLOCK_SIZE);
    last[BLOCK_SIZE - 1] = 1;
    assert.equal(isZero(last), false);
  });
});

describe('mapInOrder', () => {
  it('yields results in order, whichever task ends first', async () => {
    const { started, task, end } = manual();
    const results = mapInOrder({ from: 0, count: 3 }, 3, task);
    const first = results.next();
    assert.deepEqual(started, [0, 1, 2]);
    [2, 1, 0].forEach(end);
    assert.deepEqual(
      [(await first).value, (await results.next()).value, (await results.next()).value, (await results.next()).done],
      [0, 10, 20, true],
    );
  });

  it('starts no more tasks than were asked for', async () => {
    const { started, task, end, slots } = manual();
    const results = mapInOrder({ from: 5, count: 100 }, 3, task);
    const first = results.next();
    [5, 6, 7].forEach(end);
    assert.equal((await first).value, 50);
    await setImmediate();
    assert.deepEqual(started, [5, 6, 7], 'nothing while the first result is being used');
    assert.equal((await results.next()).value, 60);
    assert.deepEqual(started, [5, 6, 7, 8]);
    assert.equal(slots.get(8), slots.get(5), 'the slot of the result that was used');
    end(8);
    await results.return();
  });

  it('throws an error when its turn comes, and waits for running tasks', async () => {
    const { task, end, fail } = manual();
    const results = mapInOrder({ from: 0, count: 9 }, 3, task);
    const first = results.next();
    fail(1);
    end(0);
    assert.equal((await first).value, 0);
    let over = false;
    const second = results.next().finally(() => (over = true));
    await setImmediate();
    assert.equal(over, false, 'tasks 2 and 3 are still running, and use their buffers');
    end(2);
    end(3);
    await assert.rejects(second, /task 1/);
  });

  it('ends at once without tasks', async () => {
    assert.equal(
      (await mapInOrder({ from: 0, count: 0 }, 4, () => Promise.reject(new Error('never'))).next()).done,
      true,
    );
  });
});
