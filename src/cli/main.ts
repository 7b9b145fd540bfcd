#!/usr/bin/env node
/** The entry point of the command line. */

import { reportError } from './errors';
import { createProgram } from './program';
import { ClientError, EXIT, messageOf, sentence } from '../client/errors';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Nobody reads the output any more (`… | head`): other programs are then ended by SIGPIPE, which shells see as 141.
  if (error.code === 'EPIPE') process.exit(EXIT.unread);
  process.exit(
    reportError(
      new ClientError('OUTPUT_FAILED', `The output cannot be written. ${sentence(messageOf(error))}`, { cause: error }),
      false,
    ),
  );
});
// An error that cannot be printed changes nothing of what is done.
process.stderr.on('error', () => undefined);

createProgram((exit) => {
  process.exitCode = exit;
})
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = reportError(error, process.argv.includes('--json'));
  });
