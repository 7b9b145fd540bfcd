import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { inOrder } from '../../src/image/in-order';

/** Tasks that end when told to. */
function manual(): {
  readonly started: number[];
  readonly lanes: Map<number, number>;
  task(index: number, lane: number): Promise<number>;
  end(index: number): void;
  fail(index: number): void;
} {
  const started: number[] = [];
  const lanes = new Map<number, number>();
  const doors = new Map<number, { resolve(value: number): void; reject(error: Error): void }>();
  return {
    started,
    lanes,
    task: (index, lane) => {
      started.push(index);
      lanes.set(index, lane);
      return new Promise((resolve, reject) => doors.set(index, { resolve, reject }));
    },
    end: (index) => doors.get(index)!.resolve(index * 10),
    fail: (index) => doors.get(index)!.reject(new Error(`task ${index}`)),
  };
}

describe('in order', () => {
  it('gives results in order though they come in another', async () => {
    const { started, task, end } = manual();
    const results = inOrder({ from: 0, count: 3 }, 3, task);
    const first = results.next();
    assert.deepEqual(started, [0, 1, 2]);
    [2, 1, 0].forEach(end);
    assert.deepEqual(
      [(await first).value, (await results.next()).value, (await results.next()).value, (await results.next()).done],
      [0, 10, 20, true],
    );
  });

  it('starts no more than was asked for', async () => {
    const { started, task, end, lanes } = manual();
    const results = inOrder({ from: 5, count: 100 }, 3, task);
    const first = results.next();
    [5, 6, 7].forEach(end);
    assert.equal((await first).value, 50);
    await setImmediate();
    assert.deepEqual(started, [5, 6, 7], 'nothing while the first result is being used');
    assert.equal((await results.next()).value, 60);
    assert.deepEqual(started, [5, 6, 7, 8]);
    assert.equal(lanes.get(8), lanes.get(5), 'the lane of the result that is done with');
    end(8);
    await results.return();
  });

  it('fails where its turn comes, and waits for what still runs', async () => {
    const { task, end, fail } = manual();
    const results = inOrder({ from: 0, count: 9 }, 3, task);
    const first = results.next();
    fail(1);
    end(0);
    assert.equal((await first).value, 0);
    let over = false;
    const second = results.next().finally(() => (over = true));
    await setImmediate();
    assert.equal(over, false, 'tasks 2 and 3 run still, and use their buffers');
    end(2);
    end(3);
    await assert.rejects(second, /task 1/);
  });

  it('does nothing for nothing', async () => {
    assert.equal((await inOrder({ from: 0, count: 0 }, 4, () => Promise.reject(new Error('never'))).next()).done, true);
  });
});
