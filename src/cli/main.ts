#!/usr/bin/env node
/** The process of the command line. */

import { report } from './failure';
import { createProgram } from './program';
import { ClientError, EXIT } from '../client/errors';
import { messageOf, sentence } from '../client/words';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read it has gone (`… | head`): others end by SIGPIPE then, in silence, and that is how shells see it.
  if (error.code === 'EPIPE') process.exit(EXIT.unread);
  process.exit(
    report(
      new ClientError('OUTPUT_FAILED', `The output cannot be written. ${sentence(messageOf(error))}`, { cause: error }),
      false,
    ),
  );
});
// What cannot be told changes nothing of what is done.
process.stderr.on('error', () => undefined);

createProgram((exit) => {
  process.exitCode = exit;
})
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = report(error, process.argv.includes('--json'));
  });
