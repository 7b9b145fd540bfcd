/** Files and secrets that the spec only refers to. The worker reads them, when it uses them. The client only measures user data (user-data.ts). */

import { z } from 'zod';
import { text } from './fields';
import { withHint } from './problems';

const PLAIN_SECRET = withHint('a secret is never written here', 'use { env: NAME } or { file: path }');
const ONE_OF_TWO = withHint('must have exactly one key, env or file', 'use { env: NAME } or { file: path }');
const MISSING = withHint('is missing', 'give a reference: { env: NAME } or { file: path }');
const EMPTY = withHint('has no value', 'give a reference: { env: NAME } or { file: path }');

const LONGEST_PATH = 4_096;

export function filePath(about: string, example: string) {
  return text({ about, expects: 'a path', example, fault: pathFault });
}

/** Anything else in the place of a reference may be the secret itself, so no message repeats any of it, not even a key. */
export function secret(about: string) {
  return z
    .strictObject(
      {
        env: text({
          about: 'Name of a variable in the environment of the worker.',
          expects: 'the name of a variable',
          example: 'EC2_SECRET_KEY',
          fault: variableFault,
        }).optional(),
        file: filePath(
          'Path of a file on the machine of the worker; relative to the folder of this spec. Its last newline is dropped.',
          '/etc/stackato/secret',
        ).optional(),
      },
      { error: ({ code, input }) => (code === 'unrecognized_keys' ? ONE_OF_TWO : wrongReference(input)) },
    )
    .superRefine(({ env, file }, context) => {
      if ((env === undefined) === (file === undefined)) context.addIssue({ code: 'custom', message: ONE_OF_TWO });
    })
    .meta({ description: about, examples: [{ env: 'NAME' }], minProperties: 1, maxProperties: 1 });
}

function wrongReference(input: unknown): string {
  if (input === undefined) return MISSING;
  return input === null ? EMPTY : PLAIN_SECRET;
}

function variableFault(name: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return undefined;
  return withHint(
    'is not the name of a variable',
    'give the name alone, without $: letters, digits and underscores, such as EC2_SECRET_KEY',
  );
}

function pathFault(path: string): string | undefined {
  if (path === '') return withHint('is empty', 'give the path of a file');
  // Such as a private key that was pasted in.
  if (/[\0-\x1f\x7f]/.test(path))
    return withHint(
      'holds a line break or another control character, so it is not a path',
      'give the path of a file, not what is in it',
    );
  if (/^[~$]/.test(path))
    return withHint(
      'begins with ~ or $, which no shell expands here',
      'write the path out; the worker may run as another user',
    );
  if (path.length > LONGEST_PATH)
    return withHint(`is longer than ${LONGEST_PATH} characters`, 'give the path of a file, not what is in it');
  return undefined;
}
