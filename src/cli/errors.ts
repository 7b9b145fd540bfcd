/** Reports an error: what and why, then what to do. On stderr for people, as JSON on stdout for programs. */

import { CommanderError } from 'commander';
import { DeployError, remedyOf } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { formatProblems } from '../specfile/problems';
import { ClientError, EXIT, messageOf, SpecInvalidError } from '../client/errors';
import type { ExitCode } from '../client/errors';
import { shown, shownJson } from './terminal';

export function reportError(error: unknown, json: boolean): ExitCode {
  // commander ends --help and --version with an error, too.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  const reported = reportedFor(error);
  process.stderr.write(shown(textOf(reported)));
  if (json) process.stdout.write(`${shownJson({ error: reported })}\n`);
  return reported.exit;
}

interface ReportedError {
  readonly exit: ExitCode;
  readonly message: string;
  readonly remedy: string;
}

function reportedFor(error: unknown): ReportedError {
  if (error instanceof ClientError) return error;
  if (error instanceof DeployError) return fromDeployError(error);
  if (error instanceof CommanderError) return new ClientError('USAGE', sentenceOf(error));
  return new ClientError('INTERNAL', messageOf(error), { cause: error });
}

/** The input cannot be used, and nothing was made. */
const BAD_INPUT: readonly ErrorCode[] = [
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

function fromDeployError({ code, message }: DeployError): ReportedError & { toJSON(): object } {
  const remedy = remedyOf(code, 'command');
  return {
    message,
    remedy,
    exit: BAD_INPUT.includes(code) ? EXIT.usage : EXIT.failed,
    toJSON: () => ({ code, message, remedy }),
  };
}

function textOf(error: ReportedError): string {
  const problems = error instanceof SpecInvalidError ? `${formatProblems(error.problems)}\n\n` : '';
  return `${problems}stackato-deploy: ${error.message}\n${error.remedy}\n`;
}

/** Commander's messages begin with `error: ` and have a suggestion on a line of its own. */
function sentenceOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'No command was given.';
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)?]$/.test(text) ? '' : '.'}`;
}
