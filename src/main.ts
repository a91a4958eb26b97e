#!/usr/bin/env node
// Entry point: hands the command line to cli/ and turns the outcome into an exit code.

import { runCommandLine } from './cli/command.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
