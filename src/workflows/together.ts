/** Work side by side. */

import { CancelledFailure, isCancellation } from '@temporalio/workflow';

/** Runs branches in parallel and waits for all of them before a failure counts, so that nothing is undone or repeated while another branch is still running. */
export async function together(...branches: readonly (() => Promise<void>)[]): Promise<void> {
  const ends = branches.map((branch) => branch());
  const failures = (await Promise.allSettled(ends)).flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  );
  // An abort takes precedence over `resume --from`.
  if (failures.some(isCancellation)) throw new CancelledFailure('The deployment was cancelled.');
  await Promise.all(ends);
}

/** Works on all items, so many at a time. */
export async function atMost<T>(limit: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await together(...Array.from({ length: limit }, () => lane));
}
