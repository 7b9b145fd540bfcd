/** The command line, as a table. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Decision } from '../deployment/messages';
import { STEP_IDS } from '../deployment/steps';
import { ClientError } from '../client/errors';
import { ROOT } from '../client/paths';
import { contextOf } from './context';
import { IMAGE_ROWS } from './image-rows';
import { lazy } from './lazy';
import type { CommandRow, Row } from './row';
import { shown } from './screen';

const AFTER_HELP = `
Exit codes:
  0 done · 1 internal error · 2 bad usage or bad spec, nothing created · 3 needs attention · 4 aborted or failed
  5 Temporal unreachable · 130 detached · 141 nobody reads the output

Where Temporal is: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, … or a profile of its TOML file; by default localhost:7233.`;

const SPEC = ['<spec>', 'the YAML file of the deployment'] as const;
const NAME = ['<name>', 'the name of the deployment'] as const;

const STEP = new Option('--step <id>', 'this one, where more than one needs attention').choices(STEP_IDS);

const FROM = new Option('--from <id>', 'do everything from this earlier step on again, because what it made is gone')
  .choices(STEP_IDS)
  .conflicts('step');

const ANSWERS = {
  resume: { description: 'try again the step that needs attention, or go on after pause', options: [STEP, FROM] },
  skip: { description: 'go on without the step that needs attention, where that is safe', options: [STEP] },
  abort: { description: 'stop, and take back everything the deployment made' },
  pause: { description: 'stop before the next step' },
} as const;

const ROWS: readonly Row[] = [
  {
    name: 'up',
    argument: SPEC,
    description: 'start a deployment or go on with it, and watch it; Ctrl-C detaches, never cancels',
    options: [new Option('--detach', 'start it and come back at once')],
    run: (context, path, { detach }) => lazy.deploying().upCommand(context, path, detach === true),
  },
  {
    name: 'plan',
    argument: SPEC,
    description: 'what would be done, with the exact commands; touches nothing',
    run: (context, path) => lazy.offline().planCommand(context, path),
  },
  {
    name: 'doctor',
    argument: SPEC,
    description: 'check every precondition; each failure with its remedy',
    run: (context, path) => lazy.looking().doctorCommand(context, path),
  },
  {
    name: 'status',
    argument: NAME,
    description: 'one deployment: steps, attempts, last error, what to do',
    run: (context, name) => lazy.looking().statusCommand(context, name),
  },
  {
    name: 'watch',
    argument: NAME,
    description: 'watch it until it ends or needs a person',
    run: (context, name) => lazy.deploying().watchCommand(context, name),
  },
  { name: 'list', description: 'all deployments', run: (context) => lazy.looking().listCommand(context) },
  ...(['resume', 'skip', 'abort', 'pause'] as const).map((verb): CommandRow => ({
    name: verb,
    argument: NAME,
    ...ANSWERS[verb],
    run: (context, name, options) => lazy.answering().answerCommand(context, verb, name, decisionOf(options)),
  })),
  {
    name: 'down',
    argument: NAME,
    description: 'take back everything the deployment made, and nothing else; one that is under way is aborted',
    options: [new Option('--images', 'the published image, too, though others may use it')],
    run: (context, name, { images }) => lazy.deploying().downCommand(context, name, images === true),
  },
  {
    name: 'image',
    description: 'images and bundles by themselves: publish, make, verify and open them',
    rows: IMAGE_ROWS,
  },
  {
    name: 'worker',
    description: 'run a worker in the foreground',
    run: (context) => lazy.processes().workerCommand(context),
  },
  {
    name: 'lab',
    argument: ['[args...]', 'up, down, status or serve, with options'],
    passesOn: true,
    description: 'a cloud, a DNS server, a Temporal server and appliances to deploy to, on loopback',
    run: (context, _first, _options, all) => lazy.processes().labCommand(context, all),
  },
  { name: 'schema', description: 'JSON Schema of the spec, for editors', run: () => lazy.offline().schemaCommand() },
];

function decisionOf({ step, from }: Readonly<Record<string, unknown>>): Decision {
  const [chosen, first] = [step, from].map((given) => STEP_IDS.find((id) => id === given));
  return { ...(chosen === undefined ? {} : { step: chosen }), ...(first === undefined ? {} : { from: first }) };
}

/** @param finish takes the exit code of the command that was run */
export function createProgram(finish: (exit: number) => void): Command {
  const program = new Command('stackato-deploy')
    .description('Brings a Stackato up on a cloud, as one durable Temporal workflow')
    .version(version())
    .option('--json', 'answer in JSON: one document, or one a line for each change')
    .option('--profile <name>', "profile of Temporal's TOML file")
    .option('--no-color', 'no colours (nor with NO_COLOR set, nor where the output is no terminal)')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    // Told by report(), once, in our own words.
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => void process.stdout.write(shown(text)),
      writeErr: (text) => void process.stderr.write(shown(text)),
    });
  for (const row of ROWS) add(program, row, finish);
  return program;
}

function add(parent: Command, row: Row, finish: (exit: number) => void): void {
  const command = parent.command(row.name).description(row.description);
  if ('rows' in row) for (const inner of row.rows) add(command, inner, finish);
  else runs(command, row, finish);
}

function runs(
  command: Command,
  { argument, options = [], passesOn, run }: CommandRow,
  finish: (exit: number) => void,
): void {
  if (argument !== undefined) command.argument(...argument);
  for (const option of options) command.addOption(option);
  if (passesOn === true) command.allowUnknownOption().helpOption(false);
  command.action(async () => {
    const { args } = command;
    if (
      argument !== undefined &&
      !command.registeredArguments.some(({ variadic }) => variadic) &&
      args[0]?.trim() === ''
    ) {
      throw new ClientError('USAGE', `The ${argument[0].replace(/[<>]/g, '')} is empty.`);
    }
    finish(await run(contextOf(command), args[0] ?? '', command.opts(), args));
  });
}

function version(): string {
  const { version: text } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return text;
}
