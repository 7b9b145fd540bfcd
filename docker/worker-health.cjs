/**
 * The container is healthy while its worker polls for work, according to its metrics. It also polls, and stays healthy,
 * while Temporal is down: restarting it would not help.
 */

const address = process.env.STACKATO_DEPLOY_METRICS ?? '127.0.0.1:9464';

fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(4_000) })
  .then((answer) => answer.text())
  .then((metrics) => {
    const pollers = [...metrics.matchAll(/^temporal_num_pollers\{[^}]*\} (\d+)/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    if (pollers === 0) throw new Error('no pollers');
  })
  .catch((error) => {
    console.error(`The worker does not poll for work: ${error.message}`);
    process.exitCode = 1;
  });
