/** mocha's spec reporter, which also writes the results to a file (`--reporter-option report=FILE`). */

const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const counts = { passed: 0, failed: [], pending: [] };
    runner.on(EVENT_TEST_PASS, () => (counts.passed += 1));
    runner.on(EVENT_TEST_FAIL, (test) => counts.failed.push(test.fullTitle()));
    runner.on(EVENT_TEST_PENDING, (test) => counts.pending.push(test.fullTitle()));
    runner.once(EVENT_RUN_END, () => writeFileSync(options.reporterOption.report, JSON.stringify(counts)));
  }
};
