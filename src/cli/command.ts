// The table of commands, and what is common to them: help, --config, exit codes (DESIGN 7).

import { parseArgs } from 'node:util';
import { keepAlive } from '../base/clock.ts';
import { errorText } from '../base/log.ts';
import { ConfigError, problemText } from '../config/problem.ts';
import { StoreError } from '../store/store-error.ts';
import { acceptCommand } from './accept.ts';
import { accountCommand } from './account.ts';
import { checkCommand } from './check.ts';
import { type Command, type ExitCode, UsageError } from './contract.ts';
import { demoCommand } from './demo.ts';
import { importCommand } from './import.ts';
import { incidentsCommand } from './incidents.ts';
import { createPrint, type Print } from './print.ts';
import { replayCommand } from './replay.ts';
import { resultsCommand } from './results.ts';
import { runCommand } from './run.ts';
import { targetsCommand } from './targets.ts';
import { testAlertCommand } from './test-alert.ts';
import { validateCommand } from './validate.ts';

const COMMANDS: readonly Command[] = [
  runCommand,
  checkCommand,
  validateCommand,
  targetsCommand,
  acceptCommand,
  incidentsCommand,
  resultsCommand,
  replayCommand,
  testAlertCommand,
  importCommand,
  accountCommand,
  demoCommand,
];

/** Runs the command that the arguments name; never rejects. */
export async function runCommandLine(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> {
  const print = createPrint(environment);
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    printOverview(print);
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    print.note(`gatewatch: no command '${name}'; see gatewatch --help`);
    return 2;
  }
  // A command waits with timers that would let the process end in the middle of it.
  using _alive = keepAlive();
  try {
    const { values, positionals } = parse(command, rest);
    if (values['help'] === true) {
      printHelp(command, print);
      return 0;
    }
    return await command.run({ options: values, positionals, environment, print });
  } catch (error) {
    return report(error, command, print);
  }
}

function parse(command: Command, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: command.takesNames,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    throw new UsageError(errorText(error));
  }
}

function report(error: unknown, command: Command, print: Print): ExitCode {
  if (error instanceof UsageError) {
    print.note(`gatewatch ${command.name}: ${error.message}`);
    print.note(`usage: gatewatch ${command.name} ${command.usage}`);
    return 2;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) print.note(problemText(problem));
    return 2;
  }
  print.note(`gatewatch ${command.name}: ${errorText(error)}`);
  // A store that the configuration names and nobody can use is for the operator to mend (threats X34); a lock is not.
  return error instanceof StoreError && error.code !== 'locked' ? 2 : 3;
}

function printOverview(print: Print): void {
  print.line('gatewatch tells within a minute, and in one alert, what broke in front of your services.');
  print.line();
  print.line('usage: gatewatch <command> [options]');
  print.line();
  for (const command of COMMANDS) print.line(`  ${command.name.padEnd(11)} ${command.summary}`);
  print.line();
  print.line(
    'gatewatch <command> --help tells more. Exit: 0 fine, 1 something is not up, 2 usage or configuration, 3 internal.',
  );
}

function printHelp(command: Command, print: Print): void {
  print.line(`usage: gatewatch ${command.name} ${command.usage}`);
  print.line();
  print.line(command.summary);
  if (command.help.length > 0) print.line();
  for (const line of command.help) print.line(line);
}
