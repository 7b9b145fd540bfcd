/** The command line: commander's program, made from the table of commands. */

import { Command } from 'commander';
import { ClientError } from '../client/errors';
import { COMMANDS } from './commands/table';
import type { CommandGroup, CommandRow } from './commands/table';
import { contextOf } from './context';
import { packageVersion } from './package';
import { shown } from './terminal';

const AFTER_HELP = `
Exit codes:
  0 done · 1 internal error · 2 bad usage or bad spec, nothing created · 3 needs attention · 4 aborted or failed
  5 Temporal unreachable · 130 detached · 141 nobody reads the output

Temporal's address: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, … or a profile of its TOML file; by default localhost:7233.`;

/** @param finish is given the exit code of the command that was run */
export function createProgram(finish: (exit: number) => void): Command {
  const program = new Command('stackato-deploy')
    .description('Brings a Stackato up on a cloud, as one durable Temporal workflow')
    .version(packageVersion())
    .option('--json', 'print JSON: one document, or a line for each change')
    .option('--profile <name>', "profile of Temporal's TOML file")
    .option('--no-color', 'no colours (as with NO_COLOR set, or when the output is not a terminal)')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    // reportError() prints errors, once and in our own words.
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => void process.stdout.write(shown(text)),
      writeErr: (text) => void process.stderr.write(shown(text)),
    });
  for (const row of COMMANDS) addCommand(program, row, finish);
  return program;
}

function addCommand(parent: Command, row: CommandRow | CommandGroup, finish: (exit: number) => void): void {
  const command = parent.command(row.name).description(row.description);
  if ('commands' in row) for (const inner of row.commands) addCommand(command, inner, finish);
  else setAction(command, row, finish);
}

function setAction(command: Command, row: CommandRow, finish: (exit: number) => void): void {
  const { argument, options = [], passThrough } = row;
  if (argument !== undefined) command.argument(...argument);
  for (const option of options) command.addOption(option);
  if (passThrough === true) command.allowUnknownOption().helpOption(false);
  command.action(async () => {
    const { args } = command;
    const [first = ''] = args;
    if (argument !== undefined && passThrough !== true && first.trim() === '')
      throw new ClientError('USAGE', `The ${argument[0].replace(/[<>]/g, '')} is empty.`);
    finish(await row.run(contextOf(command), first, command.opts(), args));
  });
}
