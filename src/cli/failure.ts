/** Says what went wrong: what and why, then what to do. To people on stderr, to programs as JSON on stdout. */

import { CommanderError } from 'commander';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { formatProblems } from '../specfile/problems';
import { ClientError, EXIT, SpecInvalidError } from '../client/errors';
import type { ExitCode } from '../client/errors';
import { messageOf, remedyOfCommand } from '../client/words';
import { shown, shownJson } from './screen';

export function report(error: unknown, json: boolean): ExitCode {
  // --help and --version end like this, too; and no command at all, for which the help was shown.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const told = toldOf(error);
  process.stderr.write(shown(textOf(told)));
  if (json) process.stdout.write(`${shownJson({ error: told })}\n`);
  return told.exit;
}

interface Told {
  readonly exit: ExitCode;
  readonly message: string;
  readonly remedy: string;
}

function toldOf(error: unknown): Told {
  if (error instanceof ClientError) return error;
  if (error instanceof DeployError) return toldHere(error);
  if (error instanceof CommanderError) return new ClientError('USAGE', sentenceOf(error));
  return new ClientError('INTERNAL', messageOf(error), { cause: error });
}

/** What was given cannot be used, and nothing was made. */
const UNUSABLE: readonly ErrorCode[] = [
  'IMAGE_SOURCE_MISSING',
  'IMAGE_SOURCE_UNREADABLE',
  'IMAGE_FORMAT',
  'IMAGE_TOO_BIG',
  'IMAGE_PREFIX',
  'IMAGE_NAME',
  'IMAGE_ACCOUNT',
  'IMAGE_CONFIGURATION',
  'IMAGE_KERNEL_AND_RAMDISK',
  'IMAGE_KEY_UNREADABLE',
  'IMAGE_CERTIFICATE_UNREADABLE',
  'IMAGE_KEY_MISMATCH',
];

function toldHere({ code, message }: DeployError): Told & { readonly code: ErrorCode; toJSON(): object } {
  const remedy = remedyOfCommand(code);
  return {
    code,
    message,
    remedy,
    exit: UNUSABLE.includes(code) ? EXIT.usage : EXIT.failed,
    toJSON: () => ({ code, message, remedy }),
  };
}

function textOf(error: Told): string {
  const problems = error instanceof SpecInvalidError ? `${formatProblems(error.problems)}\n\n` : '';
  return `${problems}stackato-deploy: ${error.message}\n${error.remedy}\n`;
}

/** Commander's begin with `error: ` and hold a suggestion on a line of its own. */
function sentenceOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'No command was given.';
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)?]$/.test(text) ? '' : '.'}`;
}
