/** Says what went wrong: what and why, then what to do. To people on stderr, to programs as JSON on stdout. */

import { CommanderError } from 'commander';
import { formatProblems } from '../../spec/problems';
import { ClientError, EXIT, SpecInvalidError } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { messageOf } from '../../client/words';

export function report(error: unknown, json: boolean): ExitCode {
  // --help and --version end like this, too; and no command at all, for which the help was shown.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const told = clientErrorOf(error);
  process.stderr.write(textOf(told));
  if (json) process.stdout.write(`${JSON.stringify({ error: told })}\n`);
  return told.exit;
}

function clientErrorOf(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  if (error instanceof CommanderError) return new ClientError('USAGE', sentenceOf(error));
  return new ClientError('INTERNAL', messageOf(error), { cause: error });
}

function textOf(error: ClientError): string {
  const problems = error instanceof SpecInvalidError ? `${formatProblems(error.problems)}\n\n` : '';
  return `${problems}stackato-deploy: ${error.message}\n${error.remedy}\n`;
}

/** Commander's begin with `error: ` and hold a suggestion on a line of its own. */
function sentenceOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'No command was given.';
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)?]$/.test(text) ? '' : '.'}`;
}
