/** The summary at the end of a run. */

export function summary(results) {
  const failed = results.flatMap(({ name, failed: titles }) => titles.map((title) => `${name}: ${title}`));
  const pending = results.flatMap(({ name, pending: titles }) => titles.map((title) => `${name}: ${title}`));
  const passed = results.reduce((sum, group) => sum + group.passed, 0);
  // A skipped test counts as failed, and so does a run without tests.
  const nothing = passed + failed.length + pending.length === 0 ? ['No test matched.'] : [];
  const bad = failed.length + pending.length + nothing.length;
  const lines = [
    '',
    ...results.map((group) => `${group.name.padEnd(10)} ${tally(group)}  ${Math.round(group.seconds)} s`),
    ...pending.map((title) => `not run: ${title}`),
    ...failed.map((title) => `FAILED: ${title}`),
    ...nothing,
    `${passed} passed, ${bad} failed`,
  ];
  return { text: `${lines.join('\n')}\n`, ok: bad === 0 };
}

function tally({ passed, failed, pending }) {
  const parts = [
    `${passed} passed`,
    `${failed.length} failed`,
    ...(pending.length > 0 ? [`${pending.length} not run`] : []),
  ];
  return parts.join(', ').padEnd(26);
}
