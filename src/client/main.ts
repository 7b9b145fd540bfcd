#!/usr/bin/env node
/** The process of the command line. */

import { report } from './cli/failure';
import { createProgram } from './cli/program';
import { EXIT } from './errors';

// Whoever read the output has gone (`… | head`): that is no error, and what runs goes on without us.
process.stdout.on('error', () => process.exit(EXIT.detached));

createProgram((exit) => { process.exitCode = exit; })
  .parseAsync()
  .catch((error: unknown) => { process.exitCode = report(error, process.argv.includes('--json')); });
